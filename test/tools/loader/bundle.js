import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

/** @type {Readonly<Record<string, import('esbuild').Loader>>} */
const loaders = { '.ts': 'ts', '.mts': 'ts', '.mjs': 'js', '.js': 'js' }

/**
 * A file goes on finding what stands beside it in the sources.
 *
 * @type {import('esbuild').Plugin}
 */
const ownUrls = {
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
 * Makes one file of a module and of all that it imports but koffi: Node takes longer to find and to compile the
 * thousand files of tap than most tests take.
 *
 * @param {string} contents the module
 * @param {string} directory where it would stand
 * @param {string} outfile
 */
export async function bundle(contents, directory, outfile) {
  await build({
    stdin: { contents, resolveDir: directory },
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
