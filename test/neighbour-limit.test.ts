import t from 'tap'
import { parseAddress } from '../lib/address.js'
import { neighbourShortages } from '../lib/neighbour-limit.js'

const reals = (count: number) =>
  Array.from({ length: count }, (_, index) => parseAddress(`10.0.${index >> 8}.${index & 255}`))

t.test('more real servers than the kernel keeps neighbours for are said, with the cure', t => {
  t.same(
    neighbourShortages(reals(1025), () => 1024),
    [
      '1025 real servers, but the kernel keeps 1024 neighbours at most, so some take no flows; in the initial network namespace: sysctl -w net.ipv4.neigh.default.gc_thresh3=4096',
    ],
  )
  t.match(
    neighbourShortages([...reals(9), parseAddress('2001:db8::1')], family => (family === 4 ? 9 : 0)),
    [/^1 real servers, .*net\.ipv6\.neigh/],
    'each family has a table of its own',
  )
  t.end()
})

t.test('nothing is said where all fit: each address counts once, in however many services', t => {
  t.same(
    neighbourShortages([...reals(1024), ...reals(1024)], () => 1024),
    [],
  )
  t.same(neighbourShortages(reals(1)), [], 'this machine has room for one')
  t.end()
})
