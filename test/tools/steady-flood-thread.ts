import { workerData } from 'node:worker_threads'
import { BpfMap, Program } from '../../lib/libbpf/index.js'
import { Fd } from '../../lib/net/fd.js'
import { CLIENT_AT } from './flood.js'
import { ROUNDS_AT, STOPPED_AT, type ThreadData } from './steady-flood.js'

// The thread of a SteadyFlood. The descriptors are the other thread's, which closes them.

const { program, clients, frame, count, state }: ThreadData = workerData
const strangers = new Program(new Fd(program))
const next = new BpfMap(new Fd(clients)).mapped()

while (Atomics.load(state, STOPPED_AT) === 0) {
  next.u32[CLIENT_AT] = 0
  strangers.testRun({ data: frame, repeat: count })
  Atomics.add(state, ROUNDS_AT, 1)
}
next.close()
