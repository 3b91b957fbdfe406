import { spawnSync } from 'node:child_process'
import t from 'tap'

const smallHeap = new URL('../../dist/cli/small-heap.js', import.meta.url).href

t.test('this V8 knows what the daemon tells it about its heap', async t => {
  const script = `import('${smallHeap}').then(({ keepHeapSmall }) => keepHeapSmall())`
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  t.same({ status, stderr }, { status: 0, stderr: '' })
})
