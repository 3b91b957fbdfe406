import type { Test } from 'tap'
import type { Host } from '../../cli/demo/lab/host.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
import { PassPrograms } from '../../cli/demo/lab/pass.js'

/** A second cable between a host and the switch: down at the host's end, and without an address. */
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
