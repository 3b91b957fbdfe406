import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The paths that a pattern of glob(3) names, sorted: `*`, `?`, `[…]` within a path component, backslash to quote. A
 * name that begins with a dot must be asked for by it. Without wildcards it names one file, whether there is one or
 * not.
 */
export async function glob(pattern: string, directory: string): Promise<readonly string[]> {
  const components = pattern.split('/').filter(component => component !== '')
  return match(pattern.startsWith('/') ? '/' : directory, components)
}

/**
 * GLOB_BRACE: `a{b,c}d` to `abd` and `acd`, `most` of them at most. Braces may hold braces, and stand for themselves
 * when nothing closes them.
 */
export function expandBraces(pattern: string, most: number): readonly string[] {
  const open = /(?<!\\)\{/.exec(pattern)?.index
  const parts = open === undefined ? undefined : partsOf(pattern, open)
  if (parts === undefined) return [pattern]
  const expanded: string[] = []
  for (const part of parts) {
    if (expanded.length < most) expanded.push(...expandBraces(part, most - expanded.length))
  }
  return expanded
}

/** The pattern with each of the alternatives in place of the braces at `open`. */
function partsOf(pattern: string, open: number): readonly string[] | undefined {
  const starts = [open + 1]
  let depth = 0
  for (let at = open; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === '\\') at++
    else if (character === '{') depth++
    else if (character === ',' && depth === 1) starts.push(at + 1)
    else if (character === '}' && --depth === 0) {
      const rest = pattern.slice(at + 1)
      return starts.map(
        (start, i) => pattern.slice(0, open) + pattern.slice(start, (starts[i + 1] ?? at + 1) - 1) + rest,
      )
    }
  }
  return undefined
}

async function match(directory: string, [component, ...rest]: readonly string[]): Promise<readonly string[]> {
  if (component === undefined) return [directory]
  if (!/(?<!\\)[*?[]/.test(component))
    return match(join(directory, component.replaceAll(/\\(.)/g, '$1')), rest)
  const matcher = toRegExp(component)
  const names = await readdir(directory).catch(() => [])
  const found: string[] = []
  for (const name of names.filter(name => matcher.test(name)).sort()) {
    found.push(...(await match(join(directory, name), rest)))
  }
  return found
}

function toRegExp(component: string): RegExp {
  const source = component.replaceAll(
    /\\(.)|\[(!?)([^\]]+)\]|([*?])|[^*?[\\]+|./g,
    (all, quoted, not, set, wild) => {
      if (quoted !== undefined) return literal(quoted)
      if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replaceAll(/[\\\]^]/g, '\\$&')}]`
      if (wild !== undefined) return wild === '*' ? '.*' : '.'
      return literal(all)
    },
  )
  try {
    return new RegExp(`^${component.startsWith('.') ? '' : '(?!\\.)'}${source}$`, 's')
  } catch {
    return /(?!)/ // a range that ends before it begins
  }
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
