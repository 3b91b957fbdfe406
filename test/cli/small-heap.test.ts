import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const churn = fileURLToPath(new URL('programs/churn.ts', import.meta.url))

t.test('the heap of a daemon stays near what is alive', async t => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', churn], { encoding: 'utf8' })
  t.equal(stderr, '', 'this V8 knows the flag')
  t.ok(Number(stdout) < 130e6, `${stdout.trim()} bytes`)
})
