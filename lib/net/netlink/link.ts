import type { Mac } from '../mac.js'
import {
  type Attributes,
  asAttributes,
  asMac,
  asNumber,
  asText,
  decodePayload,
  encodeAttributes,
  fromText,
  fromU32,
  malformed,
} from './attribute.js'

export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17
export const RTM_GETLINK = 18

/** How far up an interface is: RFC 2863 §3.1.13, Documentation/networking/operstates.rst. */
export type OperationalState = (typeof operationalStates)[number]

const operationalStates = [
  'unknown',
  'notPresent',
  'down',
  'lowerLayerDown',
  'testing',
  'dormant',
  'up',
] as const

/** The XDP program on an interface. Generic and native exclude each other. */
export interface XdpAttachment {
  mode: 'native' | 'generic' | 'offload'
  programId: number
}

/** A VLAN tag: IEEE 802.1Q, or a provider's around it, 802.1ad. */
export interface Vlan {
  readonly id: number
  readonly protocol: '802.1Q' | '802.1ad'
}

/** A network interface as the kernel tells of it. */
export interface Link {
  index: number
  name: string
  /** Undefined on an interface that is not Ethernet-like. */
  mac: Mac | undefined
  mtu: number
  /** The operator wants it up. */
  up: boolean
  /** It is up and has a carrier. */
  running: boolean
  loopback: boolean
  operationalState: OperationalState
  /** Index of the bridge, bond or VRF that it is a port of. */
  master: number | undefined
  /**
   * Index of the interface below a VLAN or macvlan, of the other end of a veth; undefined also when that one is in
   * another network namespace, where the number means something else.
   */
  lower: number | undefined
  /** `veth`, `bridge`, `vlan`…; undefined for hardware and for lo. */
  kind: string | undefined
  /** What a VLAN's frames are tagged with on the interface below; undefined for all other kinds. */
  vlan: Vlan | undefined
  xdp: XdpAttachment | undefined
}

// include/uapi/linux/if_link.h
const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_LINK = 5
const IFLA_MASTER = 10
const IFLA_WIRELESS = 11
const IFLA_OPERSTATE = 16
const IFLA_LINKINFO = 18
const IFLA_EXT_MASK = 29
const IFLA_LINK_NETNSID = 37
const IFLA_XDP = 43
const IFLA_ALT_IFNAME = 53
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_VLAN_ID = 1
const IFLA_VLAN_PROTOCOL = 5
const IFLA_XDP_DRV_PROG_ID = 5
const IFLA_XDP_SKB_PROG_ID = 6
const IFLA_XDP_HW_PROG_ID = 7
const RTEXT_FILTER_SKIP_STATS = 8

// include/uapi/linux/if.h
const IFF_UP = 0x1
const IFF_LOOPBACK = 0x8
const IFF_RUNNING = 0x40

const ETH_P_8021AD = 0x88a8 // include/uapi/linux/if_ether.h

const AF_UNSPEC = 0
const IFINFOMSG_SIZE = 16

/** Asks for one link by index or by name (an alternative name will do), or for all of them. */
export function encodeLinkQuery(which?: number | string): Buffer {
  const header = Buffer.alloc(IFINFOMSG_SIZE)
  if (typeof which === 'number') header.writeInt32LE(which, 4)
  const attributes = encodeAttributes([
    [IFLA_ALT_IFNAME, typeof which === 'string' ? fromText(which) : undefined],
    [IFLA_EXT_MASK, fromU32(RTEXT_FILTER_SKIP_STATS)],
  ])
  return Buffer.concat([header, attributes])
}

/**
 * The link that an RTM_NEWLINK or RTM_DELLINK is about. Undefined for messages about something else: a bridge says
 * with RTM_DELLINK that it lost a port, and wireless drivers send their own events.
 */
export function decodeLink(payload: Buffer): Link | undefined {
  const { header, attributes } = decodePayload(payload, IFINFOMSG_SIZE)
  if (header.readUInt8(0) !== AF_UNSPEC || attributes.has(IFLA_WIRELESS)) return undefined
  const name = asText(attributes.get(IFLA_IFNAME))
  if (name === undefined) throw malformed('link: no name, expected one')
  const flags = header.readUInt32LE(8)
  const info = asAttributes(attributes.get(IFLA_LINKINFO))
  const kind = asText(info?.get(IFLA_INFO_KIND))
  return {
    index: header.readInt32LE(4),
    name,
    mac: asMac(attributes.get(IFLA_ADDRESS)),
    mtu: asNumber(attributes.get(IFLA_MTU)) ?? 0,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    operationalState: operationalStates[asNumber(attributes.get(IFLA_OPERSTATE)) ?? 0] ?? 'unknown',
    master: asNumber(attributes.get(IFLA_MASTER)),
    lower: attributes.has(IFLA_LINK_NETNSID) ? undefined : asNumber(attributes.get(IFLA_LINK)),
    kind,
    vlan: kind === 'vlan' ? decodeVlan(asAttributes(info?.get(IFLA_INFO_DATA))) : undefined,
    xdp: decodeXdp(asAttributes(attributes.get(IFLA_XDP))),
  }
}

/** The protocol stands in network order. */
function decodeVlan(attributes: Attributes | undefined): Vlan | undefined {
  const id = asNumber(attributes?.get(IFLA_VLAN_ID))
  if (id === undefined) return undefined
  const isProvider = attributes?.get(IFLA_VLAN_PROTOCOL)?.readUInt16BE(0) === ETH_P_8021AD
  return { id, protocol: isProvider ? '802.1ad' : '802.1Q' }
}

const xdpModes = [
  [IFLA_XDP_DRV_PROG_ID, 'native'],
  [IFLA_XDP_SKB_PROG_ID, 'generic'],
  [IFLA_XDP_HW_PROG_ID, 'offload'],
] as const

function decodeXdp(attributes: Attributes | undefined): XdpAttachment | undefined {
  for (const [type, mode] of xdpModes) {
    const programId = asNumber(attributes?.get(type))
    if (programId !== undefined) return { mode, programId }
  }
  return undefined
}
