import { Balancer } from '../lib/balancer.js'
import { type Diagnostic, formatDiagnostic } from '../lib/config/index.js'
import { ControlServer } from '../lib/control/server.js'
import { socketPath } from '../lib/control/socket-path.js'
import { XdplbError } from '../lib/errors.js'
import type { BalancerStatus } from '../lib/status.js'
import { readFiles } from './config-files.js'
import { type Log, openLog } from './log.js'
import type { RunOptions } from './run.js'
import { keepHeapSmall } from './small-heap.js'
import { notifySystemd } from './systemd.js'

/** What `xdplb run` does. A file of its own, so that no other command loads what it takes. */
export async function runDaemon(options: RunOptions): Promise<void> {
  keepHeapSmall()
  const log = await openLog(options)
  const fault = await Promise.race([balance(options, log).catch(unexpected), uncaught()])
  if (fault === undefined) return
  log.fatal(
    { err: fault },
    'a fault of xdplb itself; if the kernel forwards it goes on forwarding, and the next start takes it over',
  )
  process.exitCode = 1
}

async function balance(options: RunOptions, log: Log): Promise<void> {
  const stop = stopRequested()
  process.on('SIGHUP', () => {
    const meanwhile = options.leaveForwarding
      ? 'the kernel goes on forwarding meanwhile'
      : 'the peer takes over'
    log.warn(`SIGHUP: reloading is not honoured yet; stop and start instead: ${meanwhile}`)
  })
  const { config, diagnostics } = await readFiles(options.file)
  for (const diagnostic of diagnostics) logDiagnostic(log, diagnostic)

  await using control = await ControlServer.listen(socketPath(options))
  const { interface: interfaces, ...rest } = options
  const balancer = await Balancer.start(config, interfaces === undefined ? rest : { ...rest, interfaces })
  logEvents(log, balancer)
  control.serve(balancer)
  logReady(log, balancer.status())
  notifySystemd('READY=1')

  log.info({ signal: await stop }, 'stopping')
  notifySystemd('STOPPING=1')
  await balancer.close({ leaveForwarding: options.leaveForwarding ?? false })
  log.info('stopped')
}

/** The first signal that asks for an end; those after it do not disturb the clean-up. */
function stopRequested(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve)
  })
}

/** An error that says what is to be done goes on to whoever prints it; any other is a fault. */
function unexpected(error: unknown): unknown {
  if (error instanceof XdplbError) throw error
  return error
}

/** What nobody caught. Whoever waits for this decides: the process does not end by itself any more. */
function uncaught(): Promise<Error> {
  return new Promise(resolve => process.on('uncaughtException', resolve))
}

function logDiagnostic(log: Log, diagnostic: Diagnostic): void {
  const { severity, message: _, hint: __, ...place } = diagnostic
  log[severity === 'error' ? 'error' : 'warn'](place, formatDiagnostic(diagnostic))
}

function logEvents(log: Log, balancer: Balancer): void {
  balancer.on('real', ({ up, ...event }) => {
    if (up) log.info(event, 'real server is up')
    else log.warn(event, 'real server is down')
  })
  balancer.on('interface', ({ state, ...event }) => {
    if (state === 'attached') log.info(event, 'interface is attached to')
    else log.warn(event, 'interface is missing')
  })
  balancer.on('log', ({ level, message }) => log[level](message))
  balancer.on('warning', ({ message }) => log.warn(message))
}

function logReady(log: Log, { services, interfaces, resized, flowTable }: BalancerStatus): void {
  if (resized)
    log[resized.lost > 0 ? 'warn' : 'info'](
      { slots: flowTable.slots, ...resized },
      'the tables have another size now, and the connections were moved',
    )
  const attached = interfaces.map(({ name, state, mode }) => `${name} ${mode ?? state}`)
  for (const { name, tagStripping } of interfaces)
    if (tagStripping)
      log.info({ name }, 'interface leaves VLAN tags on frames now: its rx-vlan-offload was on')
  if (services.length === 0)
    log.warn('the configuration has no virtual server that can be run: nothing is balanced')
  log.info({ services: services.map(({ service }) => service), interfaces: attached }, 'ready')
}
