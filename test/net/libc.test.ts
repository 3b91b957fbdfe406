import { execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Test } from 'tap'
import t from 'tap'
import { errnoName, errnos, syscallError } from '../../lib/net/errno.js'
import { Fd } from '../../lib/net/fd.js'
import { libc, libcOk } from '../../lib/net/libc.js'
import { MappedMemory } from '../../lib/net/memory.js'
import { watch } from '../../lib/net/poll.js'
import { flags } from '../tools/loader/flags.js'

t.test('error numbers', async t => {
  t.test('have the names of errno.h', async t => {
    t.equal(errnoName(1), 'EPERM')
    t.equal(errnoName(11), 'EAGAIN')
    t.equal(errnoName(95), 'EOPNOTSUPP')
    t.equal(errnoName(524), 'ENOTSUPP', 'one that only the kernel knows')
    t.equal(errnoName(4001), 'errno 4001', 'one that nobody knows')
  })

  t.test('become the code that programs match on', async t => {
    const codes = {
      EPERM: 'PERMISSION',
      EACCES: 'PERMISSION',
      ENOENT: 'NOT_FOUND',
      ENODEV: 'NOT_FOUND',
      EBUSY: 'BUSY',
      EOPNOTSUPP: 'UNSUPPORTED',
      ENOSYS: 'UNSUPPORTED',
      EINVAL: 'SYSCALL',
    } as const
    for (const [name, code] of Object.entries(codes)) {
      const errno = errnos[name as keyof typeof codes]
      t.match(syscallError(errno, 'bind netlink socket'), { code, errno, operation: 'bind netlink socket' })
    }
  })

  t.test('are told with what was done, the reason, and the cure for missing rights', async t => {
    t.equal(syscallError(errnos.EEXIST, 'add address: 10.0.0.1').message, 'add address: 10.0.0.1: EEXIST')
    t.equal(syscallError(errnos.EINVAL, 'add', { reason: 'too long' }).message, 'add: EINVAL (too long)')
    t.match(
      syscallError(errnos.EPERM, 'load program').message,
      /^load program: EPERM, expected root, or CAP_NET_ADMIN/,
    )
    const cause = new Error('why')
    t.equal(syscallError(errnos.EINVAL, 'add', { cause }).cause, cause)
  })
})

t.test('the C library', async t => {
  t.test('reports a failed call as the error of its errno', async t => {
    const operation = 'open file: /nonexistent'
    t.throws(() => libcOk(libc().open('/nonexistent', 0), operation), {
      code: 'NOT_FOUND',
      message: 'open file: /nonexistent: ENOENT',
      errno: errnos.ENOENT,
    })
  })

  t.test('passes the result of a call that worked', async t => {
    t.equal(libcOk(7, 'count'), 7)
  })

  t.test('says how to get the native module when npm left it out', async t => {
    const createRequire = () => () => {
      throw new Error('Cannot find the native Koffi module; did you bundle it correctly?')
    }
    const { koffi } = await t.mockImport<typeof import('../../lib/net/koffi.js')>('../../lib/net/koffi.js', {
      'node:module': { createRequire },
    })
    t.throws(() => koffi(), { code: 'UNSUPPORTED', message: /without --omit=optional$/ })
  })
})

t.test('a descriptor', async t => {
  t.test('is closed once, and refuses to be used afterwards', async t => {
    const fd = new Fd(openSync('/dev/null', 'r'))
    const { n } = fd
    t.ok(fstatSync(n))
    fd.close()
    t.throws(() => fstatSync(n), { code: 'EBADF' }, 'the kernel closed it')
    const other = openSync('/dev/null', 'r')
    t.equal(other, n, 'the kernel gives the number to somebody else')
    fd.close()
    t.ok(fstatSync(other), 'who keeps it')
    closeSync(other)
    t.throws(() => fd.n, { code: 'CLOSED' })
  })

  t.test('is closed at the end of a using block', async t => {
    let n: number
    {
      using fd = new Fd(openSync('/dev/null', 'r'))
      n = fd.n
    }
    t.throws(() => fstatSync(n), { code: 'EBADF' })
  })
})

function makePipe(t: Test): number {
  const path = `${t.testdir()}/pipe`
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  t.teardown(() => closeSync(fd))
  return fd
}

t.test('watching a descriptor', async t => {
  t.test('calls whenever there is something to read, until it is closed', async t => {
    const pipe = makePipe(t)
    const read: string[] = []
    const watching = watch(pipe, () => {
      const buffer = Buffer.alloc(16)
      read.push(buffer.toString('utf8', 0, readSync(pipe, buffer)))
    })
    for (const word of ['hello', 'again']) {
      writeSync(pipe, word)
      while (read.at(-1) !== word) await turn()
    }
    watching.close()
    watching.close()
    writeSync(pipe, 'late')
    for (let turns = 0; turns < 10; turns++) await turn()
    t.strictSame(read, ['hello', 'again'])
  })

  t.test('goes on when nobody holds the watch', async t => {
    const pipe = makePipe(t)
    let called = false
    const weak = new WeakRef(
      watch(pipe, () => {
        called = true
        readSync(pipe, Buffer.alloc(16))
      }),
    )
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    await turn()
    collectGarbage()
    writeSync(pipe, 'hello')
    while (!called) await turn()
    t.ok(called)
    weak.deref()?.close()
  })

  t.test('is refused a second time, and allowed again after the first is closed', async t => {
    const pipe = makePipe(t)
    const first = watch(pipe, () => {})
    t.throws(() => watch(pipe, () => {}), { code: 'BUSY' })
    first.close()
    watch(pipe, () => {}).close()
  })

  t.test('is refused for what epoll does not take, where koffi would abort the process', async t => {
    const file = openSync(`${t.testdir({ file: '' })}/file`, 'r')
    t.teardown(() => closeSync(file))
    t.throws(() => watch(file, () => {}), { code: 'USAGE', message: /EPERM, expected one that epoll takes$/ })
    t.throws(() => watch(9999, () => {}), { code: 'USAGE', message: /EBADF/ })
  })

  t.test('lets the process end if told so, and makes an exception an uncaught one', async t => {
    const program = `
      import { readSync, writeSync } from 'node:fs'
      import { watch } from '../../lib/net/poll.js'
      process.on('uncaughtException', error => console.log('uncaught:', error.message))
      watch(0, () => { readSync(0, Buffer.alloc(16)); throw new Error('listener') }, { keepAlive: false })
      setTimeout(() => console.log('the end'), 100)`
    const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
    })
    child.stdin.write('hello')
    t.equal(await text(child.stdout), 'uncaught: listener\nthe end\n')
  })
})

t.test('memory shared with the kernel', async t => {
  const makeFile = (t: Test): number => {
    const fd = openSync(`${t.testdir({ memory: Buffer.alloc(4096) })}/memory`, 'r+')
    t.teardown(() => closeSync(fd))
    return fd
  }

  t.test('is one with what it maps, in both directions', async t => {
    const file = makeFile(t)
    using memory = new MappedMemory(file, 4096)
    memory.bytes.set([1, 2, 3], 8)
    const read = Buffer.alloc(3)
    readSync(file, read, 0, 3, 8)
    t.strictSame([...read], [1, 2, 3])
    writeSync(file, Buffer.of(9), 0, 1, 4095)
    t.equal(memory.bytes[4095], 9)
    t.equal(memory.bytes.length, 4096)
  })

  t.test('refuses use after close, and a view that was kept reads zeroes', async t => {
    const memory = new MappedMemory(makeFile(t), 4096)
    const { bytes } = memory
    bytes[0] = 7
    memory.close()
    memory.close()
    t.throws(() => memory.bytes, { code: 'CLOSED' })
    t.equal(bytes[0], 0)
  })

  t.test('is mapped read-only on demand', async t => {
    const file = openSync(`${t.testdir({ memory: Buffer.alloc(4096) })}/memory`, 'r')
    t.teardown(() => closeSync(file))
    t.throws(() => new MappedMemory(file, 4096), { code: 'PERMISSION', errno: errnos.EACCES })
    using memory = new MappedMemory(file, 4096, { writable: false })
    t.equal(memory.bytes.length, 4096)
  })
})
