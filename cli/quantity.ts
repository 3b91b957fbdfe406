const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P']
const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
]

/** A number of things in at most seven characters: `12,345`, then `1.23M`. */
export function formatCount(n: number): string {
  return n < 100_000 ? grouped.format(n) : formatRate(n)
}

/** Three digits and a decimal prefix: `0.25`, `9.9`, `12.3k`. */
export function formatRate(n: number): string {
  const power = n < 1000 ? 0 : Math.min(Math.floor(Math.log10(n) / 3), PREFIXES.length - 1)
  return Number((n / 1000 ** power).toPrecision(3)) + (PREFIXES[power] ?? '')
}

/** The two largest units of a time: `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds))
  const parts = UNITS.map(([name, size]) => {
    const amount = Math.floor(rest / size)
    rest %= size
    return { amount, text: `${amount} ${name}` }
  })
  const first = parts.findIndex(({ amount }) => amount > 0)
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2).filter(({ amount }) => amount > 0)
  return shown.map(({ text }) => text).join(' ')
}
