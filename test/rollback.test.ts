import t from 'tap'
import { Rollback } from '../lib/rollback.js'

t.test('an undertaking of several steps', async t => {
  const undone: string[] = []
  const begin = (rollback: Rollback) => {
    rollback.add(() => undone.push('first'))
    rollback.add(() => {
      throw new Error('not to be undone')
    })
    rollback.own({ [Symbol.dispose]: () => void undone.push('last') })
  }

  t.test('stays when it is committed', async t => {
    using rollback = new Rollback()
    begin(rollback)
    rollback.commit()
    rollback[Symbol.dispose]()
    t.same(undone, [])
  })

  t.test('is undone else, last first, all of it, also where a step of that fails', async t => {
    const rollback = new Rollback()
    begin(rollback)
    t.throws(() => rollback[Symbol.dispose](), /not to be undone/)
    t.same(undone, ['last', 'first'])
  })
})
