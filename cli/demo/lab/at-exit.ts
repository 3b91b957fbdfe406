const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface AtExitOptions {
  /** Also when a signal ends this process. Say no if the program has handlers of its own. */
  readonly signals: boolean
}

/**
 * Runs a synchronous function when this process ends without having called it off: by `process.exit()`, by an error
 * that nobody catches, by a signal. (Nothing runs after SIGKILL.)
 *
 * @returns calls it off
 */
export function atExit(cleanUp: () => void, options: AtExitOptions): () => void {
  const callOff = () => {
    process.off('exit', cleanUp)
    for (const signal of signals) process.off(signal, onSignal)
  }
  const onSignal = (signal: NodeJS.Signals) => {
    callOff()
    cleanUp()
    process.kill(process.pid, signal)
  }
  process.on('exit', cleanUp)
  if (options.signals) for (const signal of signals) process.on(signal, onSignal)
  return callOff
}
