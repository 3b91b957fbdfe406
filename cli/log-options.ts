export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export const logFormats = ['auto', 'pretty', 'json'] as const

export interface LogOptions {
  logLevel: (typeof logLevels)[number]
  /** `auto`: for people on a terminal, JSON elsewhere. */
  logFormat: (typeof logFormats)[number]
}
