import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { cached } from './cache.js'

// How Node finds and reads what a test imports: https://nodejs.org/docs/latest-v20.x/api/module.html#hooks

const root = new URL('../../../', import.meta.url)

/** What tap has a test load for coverage, and for mocks, which are in the bundle. */
const needless = /\/node_modules\/@tapjs\/(mock|processinfo)\/dist\/esm\/import\.mjs$/

const EMPTY = 'data:text/javascript,'

/** tap, and its hooks for t.mockImport(). */
const tap = `
export * from 'tap'
export { default } from 'tap'
import '@tapjs/mock/import'
`

/** tap as one file, in a folder whose lines tap leaves out of stack traces, as it does its own. */
async function tapFile() {
  return await cached('node_modules/@tapjs/all.mjs', async path => {
    const { bundle } = await import('./bundle.js')
    await bundle(tap, fileURLToPath(root), path)
  })
}

/**
 * A source of ours that is imported by the name that it will have when it is compiled.
 *
 * @param {string} specifier
 * @param {string | undefined} parent
 */
function sourceOf(specifier, parent) {
  if (!/^(\.|file:).*\.js(\?|$)/.test(specifier) || parent === undefined) return undefined
  const source = new URL(specifier.replace(/\.js(?=\?|$)/, '.ts'), parent)
  return isOurs(source) && existsSync(source) ? source.href : undefined
}

/** @param {URL} url */
function isOurs({ href }) {
  return href.startsWith(root.href) && !href.includes('/node_modules/')
}

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  if (needless.test(specifier)) return { url: EMPTY, shortCircuit: true }
  if (specifier === 'tap') return { url: pathToFileURL(await tapFile()).href, shortCircuit: true }
  const source = sourceOf(specifier, context.parentURL)
  return source === undefined ? next(specifier, context) : { url: source, shortCircuit: true }
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  const source = new URL(url)
  source.search = ''
  if (!source.pathname.endsWith('.ts') || !isOurs(source)) return next(url, context)
  const path = fileURLToPath(source)
  const text = readFileSync(path, 'utf8')
  const hash = createHash('sha256').update(path).update('\0').update(text).digest('hex')
  const compiled = await cached(`compiled/${hash}.mjs`, async unfinished => {
    const { transform } = await import('esbuild')
    const { code } = await transform(text, {
      loader: 'ts',
      target: 'node20',
      sourcemap: 'inline',
      sourcefile: path,
    })
    await writeFile(unfinished, code)
  })
  return { format: 'module', source: readFileSync(compiled), shortCircuit: true }
}
