/** 1,000 services of 10 reals each, on 100 addresses. */
export const thousandServices = Array.from({ length: 1000 }, (_, index) => ({
  vip: `10.1.0.${1 + (index % 100)}`,
  port: 8000 + Math.floor(index / 100),
  reals: Array.from({ length: 10 }, (_, real) => 1 + ((index * 10 + real) % 250)),
}))

/** The same as keepalived.conf has it. */
export const thousandServicesText = thousandServices
  .map(({ vip, port, reals }) =>
    [
      `virtual_server ${vip} ${port} {`,
      '  delay_loop 6\n  lb_algo rr\n  lb_kind DR\n  protocol TCP',
      ...reals.map(
        last => `  real_server 10.0.0.${last} ${port} {\n    weight 1\n    TCP_CHECK {\n    }\n  }`,
      ),
      '}\n',
    ].join('\n'),
  )
  .join('')

/** The same configuration with a port of its own for each check, so that no two are equal and each is run. */
export function numberedChecks(text: string): string {
  let port = 20_000
  return text.replaceAll('TCP_CHECK {', keyword => `${keyword}\n      connect_port ${port++}`)
}
