import t from 'tap'
import { Lab } from '../../../cli/demo/lab/lab.js'
import { Site } from '../../system/daemon.js'
import { takeVip } from '../hosts.js'

// Node has no SCTP; Python's sockets have what the kernel has.

const VIP = '10.0.0.1'
const SCTP = 132

const server = `import socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, ${SCTP})
listener.bind(('${VIP}', 99))
listener.listen()
print('listening', flush=True)
while True:
    association, _ = listener.accept()
    asked = association.recv(100)
    association.sendall(sys.argv[1].encode() + b' heard ' + asked)
    association.close()
`

const client = `import socket, sys
association = socket.socket(socket.AF_INET, socket.SOCK_STREAM, ${SCTP})
association.settimeout(30)
association.connect(('${VIP}', 99))
association.sendall(b'a question')
print(association.recv(100).decode())
association.close()
`

const config = `virtual_server ${VIP} 99 {
  lb_algo rr
  lb_kind DR
  protocol SCTP
  real_server 10.0.0.71 99 {
  }
  real_server 10.0.0.72 99 {
  }
}`

t.test('associations of SCTP', async t => {
  const lab = await Lab.open({ closeOnSignal: false })
  t.teardown(() => lab.close())
  const asker = await lab.host('client', { addresses: ['10.0.0.100/24'] })
  for (const [name, address] of Object.entries({ server1: '10.0.0.71', server2: '10.0.0.72' })) {
    const host = await lab.host(name, { addresses: [`${address}/24`] })
    takeVip(lab, host, VIP)
    await host.spawn(['python3', '-c', server, name]).printed(/listening/)
  }
  const balancer = await lab.host('lb1', { addresses: ['10.0.0.11/24', `${VIP}/32`] })
  const site = new Site(lab, balancer)
  t.teardown(() => site[Symbol.dispose]())
  await site.start(config)

  const ask = async () => (await asker.run(['python3', '-c', client])).trim()
  const answers = await Promise.all([ask(), ask()])
  const flows = await site.connections()
  t.same(answers.sort(), ['server1 heard a question', 'server2 heard a question'])
  t.equal(flows.length, 2)
  t.match(flows, [{ state: /SHUTDOWN|CLOSED/ }, { state: /SHUTDOWN|CLOSED/ }], 'followed to their ends')

  const [service] = (await site.status()).services
  t.equal(service?.service, `${VIP}:99/sctp`)
  t.equal(service?.traffic.connections, 2)
})
