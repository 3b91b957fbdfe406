import { createServer } from 'node:http'
import type { Test } from 'tap'
import type { Host } from '../../cli/demo/lab/host.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
import { PassPrograms } from '../../cli/demo/lab/pass.js'
import { parseAddress } from '../../lib/address.js'
import { realserverUp } from '../../lib/realserver/realserver.js'

/** Has a host take packets for a VIP, as `xdplb realserver up` does. */
export function takeVip(lab: Lab, host: Host, vip: string): void {
  host.enter(() => realserverUp({ vips: [parseAddress(vip)], runDir: `${lab.directory}/${host.name}` }))
}

/** Answers every request with the host's name, once it has heard all of it. */
export function serveName(t: Test, host: Host, port = 80): void {
  const server = createServer((request, response) =>
    request.resume().on('end', () => response.end(host.name)),
  )
  t.teardown(() => server.close())
  host.enter(() => server.listen(port))
}

/** A second cable between the host and the switch. */
export async function addCable(t: Test, lab: Lab, host: Host, name: string): Promise<void> {
  await lab.switch.ip(
    `link add ${name} type veth peer name ${name} netns ${host.namespace}`,
    `link set ${name} master bridge up`,
  )
  const pass = new PassPrograms()
  t.teardown(() => pass.close())
  const ifindex = lab.switch.ifindex(name)
  lab.switch.enter(() => pass.attach(ifindex))
}
