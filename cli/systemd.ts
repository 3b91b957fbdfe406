import { Socket } from '../lib/net/socket.js'

// <bits/socket.h>
const AF_UNIX = 1
const SOCK_DGRAM = 2

/** Tells systemd (`Type=notify`) about this service, sd_notify(3). Does nothing when it does not want to know. */
export function notifySystemd(state: 'READY=1' | 'STOPPING=1'): void {
  const path = process.env.NOTIFY_SOCKET
  if (!path) return
  const address = Buffer.from(`..${path}`) // struct sockaddr_un; a leading @ stands for the abstract namespace's NUL
  address.writeUInt16LE(AF_UNIX, 0)
  if (path.startsWith('@')) address[2] = 0
  using socket = new Socket({ name: 'notify', domain: AF_UNIX, type: SOCK_DGRAM, protocol: 0 })
  socket.send(Buffer.from(state), address)
}
