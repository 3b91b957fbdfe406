import { isDeepStrictEqual } from 'node:util'
import type { Block, Draft } from './schema.js'
import { RecordWriter, type Writer } from './writer.js'

/** The block as text. What its fallback gives anyway is not printed. */
export function printBlock<T extends object, O>(
  block: Block<T, O>,
  value: T,
  outer: O,
  writer: Writer,
): void {
  writer.block([block.keyword, ...headWords(block, value)], () => printFields(block, value, outer, writer))
}

export function printFields<T extends object, O>(
  block: Block<T, O>,
  value: T,
  outer: O,
  writer: Writer,
): void {
  for (const key in block.fields) {
    const row = block.fields[key]
    const field = value[key]
    if (field == null || (!row.always(value) && isDeepStrictEqual(field, row.fallback(value, outer))))
      continue
    row.print(field, writer, value, outer)
  }
}

/** The words of a record. */
export function recordWords<T extends object, O>(block: Block<T, O>, value: T, outer: O, writer: Writer) {
  const options = new RecordWriter(writer.redact)
  printFields(block, value, outer, options)
  return [...headWords(block, value), ...options.words]
}

function headWords<T, O>({ head, fields }: Block<T, O>, value: T): readonly string[] {
  const texts: Draft<Record<keyof T, string>> = {}
  for (const key in fields) {
    const field = value[key]
    if (fields[key].keywords.length === 0 && field != null) texts[key] = fields[key].text(field)
  }
  return head.join(texts)
}
