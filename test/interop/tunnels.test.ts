import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import { addressBytes, parseAddress } from '../../lib/address.js'
import { formatEndpoint } from '../../lib/service.js'
import { realAddress } from '../tools/hops.js'
import { errorFrame } from '../tools/icmp.js'
import { buildFrame, checksum, clientMac, type Frame, ipOffset, pseudoChecksum } from '../tools/packet.js'
import { skip } from '../tools/program.js'
import { tunnelled } from '../tools/tunnel.js'
import { IpvsDirector } from './ipvs-director.js'
import { parseTraffic, type RealTraffic } from './ipvs-table.js'

// What a frame in a tunnel is to be is said by tunnelled(): that of the program by test/kernel/tunnels.test.ts, that of
// real IPVS here.

const REAL = 71

/** Two rounds of the estimator, of two seconds each. */
const ESTIMATION_MS = 4000

const clients = {
  4: { source: '10.0.0.100', destination: '10.0.0.1' },
  6: { source: '2001:db8::100', destination: '2001:db8::1' },
} as const

t.test('real IPVS sends in a tunnel what the program sends', { skip }, async t => {
  const lab = await Lab.open()
  t.teardown(() => lab.close())
  const ipvs = await IpvsDirector.start(lab)
  t.teardown(() => ipvs.close())
  // a tunnel is to come from the director's own address; a client is to be answered
  await ipvs.run('ip address change 2001:db8::1/128 dev vec0 preferred_lft 0')
  for (const { source } of Object.values(clients))
    await ipvs.run(`ip neighbour replace ${source} lladdr ${clientMac} dev vec0 nud permanent`)

  for (const inner of [4, 6] as const)
    for (const outer of [4, 6] as const)
      t.test(`of IPv${inner} in IPv${outer}`, async t => {
        const client = clients[inner]
        const service = inner === 4 ? `${client.destination}:80` : `[${client.destination}]:80`
        const real = formatEndpoint({ address: realAddress(REAL, outer), port: 80 })
        await ipvs.run(`reset; ipvsadm -A -t ${service} -s rr; ipvsadm -a -t ${service} -r ${real} -i`)

        const goesOn: Frame = { ...client, flags: ['ACK'] }
        const fits = outer === 4 ? 1480 : 1460
        const headers = inner === 4 ? 40 : 60
        const frames: Record<string, Frame> = {
          'a SYN': client,
          'an odd number of bytes': { ...goesOn, payload: 7 },
          'the last but one hop': { ...goesOn, ttl: 2 },
          'a traffic class': { ...goesOn, trafficClass: 0xb9 },
          congestion: { ...goesOn, trafficClass: 0x2b },
          'as much as fits': { ...goesOn, payload: fits - headers },
          'what may be fragmented': inner === 4 ? { ...goesOn, fragment: 0 } : goesOn,
          'an ICMP error': signed(errorFrame({ about: client, type: inner === 4 ? 3 : 1, quote: 20 })),
        }
        for (const [title, frame] of Object.entries(frames)) {
          const sent = (await ipvs.answersTo(frame)).find(bytes => bytes.subarray(0, 5).equals(realMacs))
          if (sent === undefined) t.fail(`${title}: nothing`)
          else t.strictSame(sent, tunnelled(frame, REAL, outer, sent), title)
        }

        const tooBig = buildFrame({ ...goesOn, payload: fits - headers + 1 })
        const answer = (await ipvs.answersTo(tooBig)).find(bytes => bytes.subarray(0, 6).equals(client6))
        t.equal(answer?.readUInt32BE(ipOffset(answer) + (inner === 4 ? 24 : 44)), fits, 'and says what fits')

        const lengths = [...Object.values(frames).map(frame => buildFrame(frame)), tooBig].map(
          ({ length }) => length - 14,
        )
        const bytes = lengths.reduce((sum, length) => sum + length, 0)
        const inside = { connections: 1, packets: lengths.length, bytes }
        t.strictSame(await trafficOf(ipvs, real, inside), inside, 'and counts what is inside')
      })
})

/** IPVS adds its counters up every other second: what they say of a real when they say it, or when they must have. */
async function trafficOf(
  ipvs: IpvsDirector,
  real: string,
  wanted: RealTraffic,
): Promise<RealTraffic | undefined> {
  for (const end = Date.now() + ESTIMATION_MS; ; ) {
    const traffic = parseTraffic(await ipvs.run('ipvsadm -Ln --stats --exact')).get(real)
    if (isDeepStrictEqual(traffic, wanted) || Date.now() > end) return traffic
  }
}

/** IPVS looks at the checksum of ICMP. */
function signed(error: Frame): Frame {
  const { source = '', destination = '', body = Buffer.alloc(0) } = error
  const isIpv6 = source.includes(':')
  const addresses = [source, destination].map(text => addressBytes(parseAddress(text)))
  const sum = isIpv6 ? pseudoChecksum(body, 58, Buffer.concat(addresses)) : checksum(body)
  return { ...error, body: Buffer.concat([body.subarray(0, 2), Buffer.of(sum >> 8, sum), body.subarray(4)]) }
}

const realMacs = Buffer.from('0200000001', 'hex')
const client6 = Buffer.from(clientMac.replaceAll(':', ''), 'hex')
