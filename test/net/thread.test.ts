import { readFileSync } from 'node:fs'
import t from 'tap'
import { pinThread, threadClock } from '../../lib/net/thread.js'

const cpusAllowed = () =>
  /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1]

t.test(
  'a thread is kept on one CPU, the last of its own unless another is wished for, and let go',
  async t => {
    const before = cpusAllowed()
    const last = Number(before?.split(/[,-]/).at(-1))
    {
      using pinned = pinThread()
      t.equal(pinned.cpu, last)
      t.equal(cpusAllowed(), `${last}`)
      using _first = pinThread(0)
      t.equal(cpusAllowed(), '0')
    }
    t.equal(cpusAllowed(), before)
  },
)

t.test('a CPU that there is none is said', async t => {
  t.throws(() => pinThread(8000), { code: 'SYSCALL', message: 'pin thread: CPU 8000: EINVAL' })
  for (const cpu of [-1, 1.5, 9000])
    t.throws(() => pinThread(cpu), {
      code: 'USAGE',
      message: `pin thread: CPU ${cpu}, expected the number of one`,
    })
})

t.test('the clock of a thread goes while it works, and stands while it waits', async t => {
  const now = threadClock()
  const before = now()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  const waited = now()
  while (now() - waited < 2e6);
  t.ok(waited - before < 50e6, `${waited - before} ns of 100 ms`)
})
