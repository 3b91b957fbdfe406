import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../lib/config/index.js'
import { instance, service } from './examples.js'

const seed = (name: string) => readFileSync(new URL(`../fixtures/seed/${name}.conf`, import.meta.url), 'utf8')

/** The exit codes of `keepalived -t`, in a network of its own with the interfaces that the texts name. */
function keepalived(texts: readonly string[], directory: string): number[] {
  const files = texts.map((text, index) => {
    const file = join(directory, `${index}.conf`)
    writeFileSync(file, text)
    return file
  })
  const links = ['eth0', 'enp0s8'].map(link => `ip link add ${link} type veth peer name ${link}-peer`)
  const check = 'for file; do keepalived -t -f "$file" 2> /dev/null; echo $?; done'
  const output = execFileSync('unshare', [
    '--net',
    'sh',
    '-ec',
    [...links, 'set +e', check].join('\n'),
    'sh',
    ...files,
  ])
  return output.toString().trim().split('\n').map(Number)
}

/** Something is wrong with the text itself; what is only not honoured here is no fault of it. */
function isFaulty(text: string): boolean {
  return parseConfig(text).diagnostics.some(({ code }) => code !== 'not-honoured' && code !== 'not-run')
}

const group = (lines: string) => `virtual_server_group g {\n${lines}\n}\n`

const texts: Record<string, string> = {
  'the master of the pair': seed('master'),
  'the backup of the pair': seed('backup'),
  'an empty file': '',
  'an unknown word': 'foo 1\n',
  'an unknown word in a block': service('lb_knid DR'),
  'a keyword in capitals': service('', 'WEIGHT 2'),
  'a missing parameter': service('', 'weight'),
  'a missing name': 'vrrp_instance {\n}\n',
  'a block in one line with the word after it': service('', 'TCP_CHECK{connect_port 80\n}'),
  'a brace on the next line': service('').replaceAll(' {', '\n{'),
  'one brace too few': service('').slice(0, -1),
  'one brace too many': `${service('')}\n}`,
  'a block without its first brace': service('', 'TCP_CHECK\nconnect_port 80\n}'),
  'an open quote': service('quorum_up "/bin/true'),
  'a comment in quotes': 'global_defs {\nrouter_id "a # b"\n}\n',
  'escaped comment characters': 'global_defs {\nrouter_id a\\#b\\!c\n}\n',
  'a number in quotes': service('', 'weight "3"'),
  'a number with a sign': service('', 'weight +3'),
  'a number in hexadecimal': service('', 'weight 0x10'),
  'a number that is too large': service('', 'weight 2147483648'),
  'a time without digits before the point': service('delay_loop .5'),
  'a time without digits behind it': service('delay_loop 5.'),
  'a time with too many digits': service('delay_loop 1.1234567'),
  'a time of zero': service('delay_loop 0'),
  'no retry at all': service('', 'TCP_CHECK {\nretry 0\n}'),
  'persistence without a time': service('persistence_timeout'),
  'persistence for more than a month': service('persistence_timeout 2678401'),
  'a mask with holes': service('persistence_granularity 255.0.255.0'),
  'protocol in lower case': service('').replace('TCP', 'tcp'),
  'yes in capitals': service('', 'alpha Yes'),
  'no protocol': service('').replace('protocol TCP\n', ''),
  'no scheduler': service('').replace('lb_algo rr\n', ''),
  'no forwarding method': service('').replace('lb_kind DR\n', ''),
  'no real server': 'virtual_server 10.0.0.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind DR\n}',
  'no port': service('').replace(' 80 {', ' {'),
  'no port, with persistence': service('persistence_timeout 50').replaceAll(' 80 {', ' {'),
  'a bad address': service('').replace('10.0.0.71', '10.0.0.371'),
  'the same real server twice': service('real_server 10.0.0.71 80 {\n}'),
  'a real server of the other family': service('real_server 2001:db8::1 80 {\n}'),
  'another port': service('real_server 10.0.0.72 81 {\n}'),
  'a quorum that cannot be': service('quorum 5'),
  'a hysteresis that cannot be': service('quorum 1\nhysteresis 1'),
  'an HTTP check': service('', 'HTTP_GET {\nurl {\npath /\nstatus_code 200 301-302\n}\n}'),
  'a digest that is none': service('', 'HTTP_GET {\nurl {\npath /\ndigest 12\n}\n}'),
  'a group': 'virtual_server_group g {\n10.0.0.1-9 80\nfwmark 3\n}',
  'a service of a group': `${group('10.0.0.1-9 80')}${service('').replace('10.0.0.1 80', 'group g')}`,
  'a service of a group of other ports': `${group('10.0.0.1-9 81')}${service('').replace('10.0.0.1 80', 'group g')}`,
  'a service of a group of all ports': `${group('10.0.0.0/24')}${service('').replace('10.0.0.1 80', 'group g')}`,
  'a group of both families and a mark of either': group('10.0.0.1\n2001:db8::1\nfwmark 3'),
  'a service of a mark': service('')
    .replace('10.0.0.1 80', 'fwmark 3')
    .replace('71 80', '71')
    .replace('protocol TCP\n', ''),
  'a service of a mark with a port': service('')
    .replace('10.0.0.1 80', 'fwmark 3')
    .replace('protocol TCP\n', ''),
  'a service of a mark with a protocol': service('')
    .replace('10.0.0.1 80', 'fwmark 3')
    .replace('71 80', '71'),
  'a tunnel': service('', 'lvs_method TUN type ipip'),
  'a tunnel of GUE': service('', 'lvs_method TUN type gue port 5555 csum'),
  'a tunnel of GUE without a port': service('', 'lvs_method TUN type gue'),
  'a tunnel of IP with a checksum': service('', 'lvs_method TUN type ipip csum'),
  'a tunnel of GRE with a remote checksum': service('', 'lvs_method TUN type gre remcsum'),
  'a flag of another scheduler': service('mh-port'),
  'flags of its scheduler': service('sh-port\nsh-fallback').replace('lb_algo rr', 'lb_algo sh'),
  thresholds: service('', 'uthreshold 10\nlthreshold 5'),
  'timeouts of flows': 'global_defs {\nlvs_timeouts tcp 600 tcpfin 60 udp 0\n}',
  'a timeout of more than a month': 'global_defs {\nlvs_timeouts tcp 2678401\n}',
  'timeouts of nothing': 'global_defs {\nlvs_timeouts\n}',
  'a group with nothing in it': 'virtual_server_group g {\n}',
  'an instance': instance('priority 150\nadvert_int 2'),
  'an instance without an identifier': instance('').replace('virtual_router_id 51\n', ''),
  'an identifier that is too large': instance('').replace('51', '300'),
  'a priority of zero': instance('priority 0'),
  'half a second in version 2': instance('advert_int 0.5'),
  'half a second in version 3': instance('version 3\nadvert_int 0.5'),
  'a password that is too long': instance('authentication {\nauth_type PASS\nauth_pass 123456789\n}'),
  'a password in version 3': instance('version 3\nauthentication {\nauth_type PASS\nauth_pass 1234\n}'),
  'nopreempt in a master': instance('priority 100\nstate MASTER\nnopreempt'),
  'nopreempt in a backup': instance('state BACKUP\nnopreempt'),
  'a wait before taking over': instance('state BACKUP\npreempt_delay 5'),
  'an instance without addresses': instance('', { addresses: '' }),
  'addresses of both families': instance('', { addresses: '10.0.0.1\n2001:db8::1' }),
  'a prefix that is too long': instance('', { addresses: '10.0.0.1/33' }),
  'the loopback interface': instance('').replace('eth0', 'lo'),
  'the same name twice': `${instance('')}\n${instance('')}`,
  'a script that nothing defines': instance('track_script {\nx\n}'),
}

/** What keepalived 2.2.7 takes without a word. */
const silent: Record<string, string> = {
  'words that have no effect': service('', 'weight 3 4'),
  'a keyword said twice': service('', 'weight 3\nweight 4'),
  'one service said twice': `${service('')}\n${service('')}`,
}

t.test('keepalived finds fault with the same texts', { skip: reasonToSkip() }, t => {
  const statuses = keepalived(Object.values(texts), t.testdir())
  for (const [index, [title, text]] of Object.entries(texts).entries()) {
    t.equal(isFaulty(text), statuses[index] !== 0, `${title}: keepalived -t says ${statuses[index]}`)
  }
  t.end()
})

t.test('what it overlooks is said here', { skip: reasonToSkip() }, t => {
  t.same(
    keepalived(Object.values(silent), t.testdir()),
    Object.values(silent).map(() => 0),
  )
  for (const [title, text] of Object.entries(silent)) t.ok(isFaulty(text), title)
  t.end()
})

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for a network namespace'
  try {
    execFileSync('keepalived', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'needs keepalived'
  }
}
