import { execFileSync } from 'node:child_process'
import t from 'tap'
import { featuresOf, setFeatures } from '../../lib/net/features.js'
import { inNamespace } from '../../lib/net/namespace.js'
import { makeNamespace, skip } from './netns.js'

t.test('what an interface does for the stack', { skip }, async t => {
  const namespace = makeNamespace(t, 'features')
  execFileSync('ip', ['-n', namespace, 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'])
  const here = <T>(fn: () => T) => inNamespace(namespace, fn)
  const feature = (name: string, of = 'left') => here(() => featuresOf(of)).find(one => one.name === name)

  t.test('is told by its names in the kernel', async t => {
    t.strictSame(feature('rx-vlan-hw-parse'), { name: 'rx-vlan-hw-parse', on: true, fixed: false })
    t.strictSame(feature('rx-checksum', 'lo'), { name: 'rx-checksum', on: true, fixed: true })
    t.match(feature('loopback'), { on: false, fixed: true })
    const all = here(() => featuresOf('left')).map(({ name }) => name)
    t.ok(all.length > 50 && new Set(all).size === all.length)
  })

  t.test('is switched off and on, and nothing else with it', async t => {
    const others = () => here(() => featuresOf('left')).filter(({ name }) => !name.endsWith('vlan-hw-parse'))
    const before = others()
    here(() => setFeatures('left', { 'rx-vlan-hw-parse': false }))
    t.match(feature('rx-vlan-hw-parse'), { on: false })
    t.match(feature('rx-vlan-hw-parse', 'right'), { on: true })
    t.strictSame(others(), before)
    here(() => setFeatures('left', { 'rx-vlan-hw-parse': true, 'no-such-feature': true }))
    t.match(feature('rx-vlan-hw-parse'), { on: true })
  })

  t.test('stays as it is where it is fixed', async t => {
    here(() => setFeatures('lo', { 'rx-checksum': false }))
    t.match(feature('rx-checksum', 'lo'), { on: true })
  })

  t.test('is not there without the interface', async t => {
    t.throws(() => here(() => featuresOf('gone')), {
      code: 'NOT_FOUND',
      message: 'count features: gone: ENODEV',
    })
  })
})
