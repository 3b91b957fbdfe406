import { Command } from 'commander'

const help = `
Needs root. Everything happens in network namespaces of its own, on one machine, and is gone afterwards, also after
Ctrl-C. The exit code is 0 if everything that is to be seen was seen.

Examples:
  # xdplb demo
  # xdplb demo --keep       leave it standing until Ctrl-C, and say how to play with it
`

/** `xdplb demo`: two balancers, two web servers, ten clients. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('show it working, in a network of namespaces on this machine')
    .option('--keep', 'leave it standing until Ctrl-C')
    .addHelpText('after', help)
    .action(async ({ keep = false }: { keep?: boolean }) => {
      const { demonstrate } = await import('./demonstration.js')
      if (!(await demonstrate(keep))) process.exitCode = 1
    })
}
