import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Loader, type Plugin } from 'esbuild'

const loaders: Readonly<Record<string, Loader>> = { '.ts': 'ts', '.mts': 'ts', '.mjs': 'js', '.js': 'js' }

/** A file goes on finding what stands beside it in the sources. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?[jt]s$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      const url = JSON.stringify(pathToFileURL(path).href)
      return { contents: text.replaceAll('import.meta.url', url), loader: loaders[extname(path)] ?? 'js' }
    })
  },
}

/**
 * Makes one file of tests and all that they import but koffi, tap included: an emulated machine takes minutes to find
 * and compile the thousand files that they are otherwise, and seconds for this one. Run by node, it prints TAP.
 *
 * @param outfile in the project, for koffi is looked for from there
 */
export async function bundleTests(files: readonly string[], outfile: string): Promise<void> {
  await build({
    stdin: { contents: files.map(file => `import ${JSON.stringify(file)}`).join('\n'), resolveDir: '/' },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['koffi'],
    // some packages inside are CommonJS
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'\nconst require = requireOf(import.meta.url)",
    },
    plugins: [ownUrls],
    logLevel: 'warning',
  })
}
