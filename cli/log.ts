import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import type { LogOptions } from './log-options.js'
import { hasColors } from './terminal.js'

export type Log = Logger

/**
 * The daemon's log, on standard error. Every line is written before the call returns, so an exit loses none. Nothing
 * logs a configuration; should a password come along all the same, it is blotted out.
 */
export async function openLog({ logLevel, logFormat }: LogOptions): Promise<Log> {
  const isPretty = logFormat === 'auto' ? process.stderr.isTTY : logFormat === 'pretty'
  const stderr = pino.destination({ dest: process.stderr.fd, sync: true })
  const options = {
    level: logLevel,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
    redact: passwords,
  }
  return pino(options, isPretty ? await readable(stderr) : stderr)
}

/** As deep as a whole configuration holds one: `config.vrrpInstances.0.authentication.password`. */
const passwords = [0, 1, 2, 3, 4].map(depth => `${'*.'.repeat(depth)}password`)

async function readable(destination: DestinationStream): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty')
  const format = prettyFactory({
    colorize: hasColors(process.stderr),
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
  return { write: line => destination.write(format(line)) }
}
