import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { BpfMap, Link, Program, queryXdp, u32, unpin } from '../../lib/libbpf/index.js'
import { errnos } from '../../lib/net/errno.js'
import { libc } from '../../lib/net/libc.js'
import { inNamespace } from '../../lib/net/namespace.js'
import { ip, makeNamespace } from '../net/netns.js'
import { counter, loadKinds, makeBpffs, makeDirectory, openKinds, packet, skip } from './kernel.js'

t.test('what is pinned', { skip }, async t => {
  const bpffs = makeBpffs(t)
  const at = (name: string) => join(bpffs, name)

  t.test('outlives the process that made it: a map', async t => {
    const object = openKinds().load()
    object.program('count').testRun({ data: packet, repeat: 5 })
    object.map('shared').pin(at('shared'))
    object.close()
    using map = BpfMap.openPinned(at('shared'))
    t.equal(map.name, 'shared')
    t.equal(map.type, 'array')
    t.equal(map.typed({ key: u32, value: counter }).lookup(0)?.packets, 5n)
    const next = openKinds()
    next.reuse('shared', map)
    using loaded = next.load()
    loaded.program('count').testRun({ data: packet })
    t.equal(
      map.typed({ key: u32, value: counter }).lookup(0)?.packets,
      6n,
      'and the next one goes on with it',
    )
  })

  t.test('outlives the process that made it: a program', async t => {
    const object = openKinds().load()
    const { id, tag } = object.program('grow')
    object.program('grow').pin(at('grow'))
    object.close()
    using program = Program.openPinned(at('grow'))
    t.strictSame([program.name, program.id, program.tag], ['grow', id, tag])
    t.equal(program.testRun({ data: packet }).data.length, 164)
  })

  t.test('outlives the process that made it: a link', async t => {
    const namespace = makeNamespace(t, 'pin')
    ip(`-n ${namespace} link add v0 type veth peer name v1`)
    const ifindex = inNamespace(namespace, () => libc().ifNameToIndex('v0'))
    const attached = () => inNamespace(namespace, () => queryXdp(ifindex))?.programName
    const object = openKinds().load()
    const first = inNamespace(namespace, () => object.program('count').attachXdp(ifindex))
    first.pin(at('link-v0'))
    first.close()
    object.close()
    t.equal(attached(), 'count')

    using link = Link.openPinned(at('link-v0'))
    t.equal(link.info().ifindex, ifindex)
    link.update(loadKinds(t).program('grow'))
    t.equal(attached(), 'grow')
    unpin(at('link-v0'))
    t.equal(attached(), 'grow', 'while a descriptor is open')
    link.close()
    t.equal(attached(), undefined)
  })

  t.test('is opened as what it is only', async t => {
    const object = loadKinds(t)
    object.map('hash').pin(at('a-map'))
    object.program('grow').pin(at('a-program'))
    const refused = (open: () => unknown, message: RegExp) => t.throws(open, { code: 'USAGE', message })
    refused(() => Program.openPinned(at('a-map')), /a-map: bpf-map, expected bpf-prog/)
    refused(() => BpfMap.openPinned(at('a-program')), /a-program: bpf-prog, expected bpf-map/)
    refused(() => Link.openPinned(at('a-map')), /a-map: bpf-map, expected bpf-link/)
  })

  t.test('has a name of its own', async t => {
    const map = loadKinds(t).map('hash')
    map.pin(at('taken'))
    t.throws(() => map.pin(at('taken')), {
      code: 'BUSY',
      errno: errnos.EEXIST,
      message: `pin map: ${at('taken')}: something is pinned there already`,
    })
    t.throws(() => map.pin(at('eth0.100')), { code: 'USAGE', message: /a dot in the name/ })
    t.notOk(existsSync(at('eth0.100')))
  })

  t.test('lives on until it is unpinned', async t => {
    const map = loadKinds(t).map('hash')
    map.pin(at('passing'))
    t.equal(unpin(at('passing')), true)
    t.notOk(existsSync(at('passing')))
    t.equal(unpin(at('passing')), false, 'it was gone already')
    map.pin(at('passing'))
    t.equal(unpin(at('passing')), true, 'the map itself was not closed by that')
    t.throws(() => unpin(bpffs), { code: 'USAGE', message: /another file system/ })
    const directory = makeDirectory(t)
    writeFileSync(join(directory, 'file'), '')
    t.throws(() => unpin(join(directory, 'file')), { code: 'USAGE', message: /another file system/ })
    t.ok(existsSync(join(directory, 'file')), 'no ordinary file is removed')
    mkdirSync(at('directory'))
    t.throws(() => unpin(at('directory')), { errno: errnos.EISDIR, message: /^unpin: .*directory: EISDIR/ })
  })

  t.test('must be somewhere that holds pins', async t => {
    const directory = makeDirectory(t)
    const map = loadKinds(t).map('hash')
    const message = /another file system, expected a BPF file system \(mount -t bpf bpf DIRECTORY\)/
    t.throws(() => map.pin(join(directory, 'map')), { code: 'USAGE', message })
    writeFileSync(join(directory, 'file'), '')
    t.throws(() => BpfMap.openPinned(join(directory, 'file')), { code: 'USAGE', message })
    t.throws(() => BpfMap.openPinned(at('nothing')), {
      code: 'NOT_FOUND',
      message: `open pinned map: ${at('nothing')}: ENOENT`,
    })
    t.throws(() => map.pin(join(bpffs, 'no', 'directory')), { code: 'NOT_FOUND' })
  })
})
