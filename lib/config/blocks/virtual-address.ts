import { familyOf } from '../../address.js'
import { address, type Codec, integer, interfaceName, text } from '../codec.js'
import type { Report } from '../diagnostic.js'
import type { VirtualAddress } from '../model.js'
import { flag, head, value } from '../rows.js'
import { defineBlock, type Head } from '../schema.js'
import type { Word } from '../words.js'

/** `ADDRESS[/BITS]`. Bits that cannot be are left out, and the whole address is meant. */
const addressWithPrefix: Head<VirtualAddress> = {
  min: 1,
  max: 1,
  assign([word], report) {
    if (word === undefined) return []
    const slash = word.text.indexOf('/')
    if (slash < 0) return [['address', word]]
    const alone = { ...word, text: word.text.slice(0, slash) }
    const bits = { ...word, text: word.text.slice(slash + 1), column: word.column + slash + 1 }
    return isPrefix(bits, alone, report)
      ? [
          ['address', alone],
          ['prefixLength', bits],
        ]
      : [['address', alone]]
  },
  join: ({ address = '', prefixLength }) => [
    prefixLength === undefined ? address : `${address}/${prefixLength}`,
  ],
}

function isPrefix(bits: Word, { text: address }: Word, report: Report): boolean {
  const longest = address.includes(':') ? 128 : 32
  if (/^\d+$/.test(bits.text) && Number(bits.text) <= longest) return true
  const message = `Invalid address prefix len ${bits.text} for address ${address} - using ${longest}`
  report.warning(bits, 'adjusted', message)
  return false
}

/** `+` and `-` stand for the last and the first address of the network. */
const broadcast: Codec<string> = {
  expected: '"+", "-" or an IPv4 address',
  parse: word => (word === '+' || word === '-' ? { value: word } : address.parse(word)),
  accept: value => (value === '+' || value === '-' ? value : address.accept(value)),
  print: value => value,
}

/** Peers may have a prefix length. */
const peer: Codec<string> = {
  expected: 'an address, with a prefix length if need be',
  parse(word) {
    const value = peer.accept(word)
    return value === undefined ? { problem: `Invalid peer address ${word}` } : { value }
  },
  accept(value) {
    if (typeof value !== 'string') return undefined
    const [host = '', bits] = value.split('/')
    const known = address.accept(host)
    return known === undefined || (bits !== undefined && !/^\d{1,3}$/.test(bits)) ? undefined : value
  },
  print: value => value,
}

export const virtualAddress = defineBlock<VirtualAddress, undefined>('virtual_ipaddress', {
  head: addressWithPrefix,
  fields: {
    address: head(address, { required: 'no address' }),
    prefixLength: head(integer(0, 128), {
      inherit: self => (self.address !== undefined && familyOf(self.address) === 6 ? 128 : 32),
    }),
    broadcast: value(['brd', 'broadcast'], broadcast),
    device: value('dev', interfaceName, { honoured: true }),
    scope: value('scope', text(15)),
    label: value('label', interfaceName),
    peer: value('peer', peer),
    home: flag('home'),
    noDad: flag('-nodad'),
    manageTemporary: flag('mngtmpaddr'),
    noPrefixRoute: flag('noprefixroute'),
    autoJoin: flag('autojoin'),
    noTrack: flag('no_track'),
    preferredLifetime: value('preferred_lft', text(15)),
    useVmac: flag('use_vmac'),
  },
  settle(value, { report, places }) {
    if (familyOf(value.address) === 6 || value.prefixLength <= 32) return value
    report.error(places.of(value, 'prefixLength'), 'invalid-value', `${value.prefixLength}, expected 0..32`)
    return undefined
  },
})
