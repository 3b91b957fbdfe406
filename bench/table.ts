/** What a question's answer looks like. */
export interface Table {
  readonly title: string
  /** The first stands over text, the others over numbers. */
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly notes?: readonly string[]
}

/** As it stands in RESULTS.md. */
export function markdown({ title, headings, rows, notes = [] }: Table): string {
  const widths = headings.map((heading, at) =>
    Math.max(3, heading.length, ...rows.map(row => row[at]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [`## ${title}`, '', line(headings), line(rule), ...rows.map(line)]
    .concat(notes.length > 0 ? ['', ...notes] : [])
    .join('\n')
}
