import { type RecordBlock, record, records } from '../block-rows.js'
import { type Codec, integer, interfaceName, text } from '../codec.js'
import type { TrackedInterface, TrackedScript, Weight } from '../model.js'
import { head, switches } from '../rows.js'
import { defineBlock, positional, type Row } from '../schema.js'

/** Priorities are 1..254, so no more than 253 can be added or taken. keepalived still takes 254 for 253. */
const weightValue: Codec<number> = {
  ...integer(-253, 253),
  parse(word) {
    const parsed = integer(-254, 254).parse(word)
    if (parsed.value !== 254 && parsed.value !== -254) return parsed
    return { value: Math.sign(parsed.value) * 253, problem: 'weight cannot be +/-254. Setting to +/-253' }
  },
}

/** `weight N [reverse|noreverse]` */
export const weight: RecordBlock<Weight> = defineBlock('weight', {
  head: positional(1, 'value'),
  fields: {
    value: head(weightValue, { required: 'no value' }),
    reverse: switches(
      new Map([
        [true, 'reverse'],
        [false, 'noreverse'],
      ]),
    ),
  },
})

const trackedInterface: RecordBlock<TrackedInterface> = defineBlock('track_interface', {
  head: positional(1, 'name'),
  fields: {
    name: head(interfaceName, { required: 'no interface' }),
    weight: record('weight', weight, { default: { value: 0 } }),
  },
})

const trackedScript: RecordBlock<TrackedScript> = defineBlock('track_script', {
  head: positional(1, 'name'),
  fields: { name: head(text(), { required: 'no script' }), weight: record('weight', weight) },
})

export function trackInterfaces<T, O>(): Row<readonly TrackedInterface[], T, O> {
  return records('track_interface', trackedInterface)
}

export function trackScripts<T, O>(): Row<readonly TrackedScript[], T, O> {
  return records('track_script', trackedScript)
}
