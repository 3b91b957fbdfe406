import { execFile } from 'node:child_process'
import { built } from '../../cli/demo/lab/built.js'

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** What test runners put into the environment of their children would slow them down and change their colours. */
const asUsersDo = ['env', ...['NODE_OPTIONS', 'FORCE_COLOR', 'NO_COLOR', 'CI'].flatMap(name => ['-u', name])]

/** Runs a program to its end, on pipes. @param argv `NAME=VALUE` may come first */
export function run(...argv: string[]): Promise<Outcome> {
  return new Promise(resolve => {
    const [env = '', ...args] = [...asUsersDo, ...argv]
    const child = execFile(env, args, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

/** Runs the built `xdplb` to its end. */
export function xdplb(...args: string[]): Promise<Outcome> {
  return run(process.execPath, built('cli/main.js'), ...args)
}
