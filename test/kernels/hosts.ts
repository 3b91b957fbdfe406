import { createServer } from 'node:http'
import type { Test } from 'tap'
import type { Host } from '../../cli/demo/lab/host.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
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
