import { stripVTControlCharacters } from 'node:util'

/** Cells, which may hold colours, or a line of its own that is printed as it is. */
export type Row = readonly string[] | string

/**
 * The lines of a table, its headings first: two blanks between columns, none at the end of a line.
 *
 * @param headings one that starts with `>` stands over numbers, which align to the right
 */
export function tableLines(headings: readonly string[], rows: readonly Row[]): string[] {
  const titles = headings.map(heading => heading.replace('>', ''))
  const cells = [titles, ...rows.filter(row => typeof row !== 'string')]
  const widths = headings.map((_, column) => Math.max(...cells.map(row => widthOf(row[column] ?? ''))))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => {
      const blanks = ' '.repeat((widths[column] ?? 0) - widthOf(cell))
      return headings[column]?.startsWith('>') ? blanks + cell : cell + blanks
    })
  return [titles, ...rows].map(row => (typeof row === 'string' ? row : line(row).join('  ').trimEnd()))
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length
}
