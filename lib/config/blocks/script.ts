import { record } from '../block-rows.js'
import { command, text } from '../codec.js'
import type { Script, ScriptUser } from '../model.js'
import { head, type RowOptions } from '../rows.js'
import { defineBlock, positional, type Row } from '../schema.js'

/** `USER [[:]GROUP]` */
export const scriptUser = defineBlock<ScriptUser, undefined>('user', {
  head: positional(1, 'user', 'group'),
  fields: { user: head(text(), { required: 'no user' }), group: head(text()) },
})

/** `"PROGRAM ARGUMENT…" [USER [[:]GROUP]]` */
const scriptLine = defineBlock<Script, undefined>('script', {
  head: positional(1, 'argv', 'user', 'group'),
  fields: { argv: head(command, { required: 'no command' }), user: head(text()), group: head(text()) },
})

/** A keyword that names a script to run on an event. */
export function script<T, O>(keyword: string, options: RowOptions<Script, T, O> = {}): Row<Script, T, O> {
  return record(keyword, scriptLine, options)
}
