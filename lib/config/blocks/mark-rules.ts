import { compareAddresses } from '../../address.js'
import type { PortRange } from '../../service.js'
import type { AddressRange, Mark, MarkRule } from '../model.js'
import type { Settling } from '../schema.js'
import { joinRange } from './address-range.js'

const EVERY_PORT: PortRange = { first: 0, last: 65535 }

/** The marks, each once, without rules for packets that another one has already: a packet carries one mark. */
export function settleMarks(
  marks: readonly Mark[],
  { report, places }: Settling<undefined>,
): readonly Mark[] {
  const settled: Mark[] = []
  for (const one of marks) {
    if (settled.some(({ mark }) => mark === one.mark)) {
      report.error(places.of(one), 'duplicate', `mark ${one.mark} already defined`)
      continue
    }
    const rules = one.rules.filter(rule => {
      const other = settled.find(({ rules }) => rules.some(another => overlaps(rule, another)))
      if (other === undefined) return true
      const message = `packets to ${joinRange(rule.first, rule.last)} have mark ${other.mark} already - skipping`
      report.error(places.of(rule), 'conflict', message)
      return false
    })
    if (rules.length > 0) settled.push({ ...one, rules })
  }
  return settled
}

function overlaps(a: MarkRule, b: MarkRule): boolean {
  const ports = (rule: MarkRule) => rule.ports ?? EVERY_PORT
  return (
    (a.protocol === undefined || b.protocol === undefined || a.protocol === b.protocol) &&
    meet(ports(a), ports(b), (one, other) => one - other) &&
    meet<AddressRange['first']>(a, b, compareAddresses)
  )
}

function meet<T>(
  a: { readonly first: T; readonly last: T },
  b: { readonly first: T; readonly last: T },
  compare: (one: T, other: T) => number,
): boolean {
  return compare(a.first, b.last) <= 0 && compare(b.first, a.last) <= 0
}
