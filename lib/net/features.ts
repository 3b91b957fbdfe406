import { ethtool } from './ethtool.js'

/** What an interface does for the stack, or not. */
export interface Feature {
  readonly name: string
  readonly on: boolean
  /** It cannot be switched: `[fixed]` to ethtool(8). */
  readonly fixed: boolean
}

// include/uapi/linux/ethtool.h
const ETHTOOL_GSTRINGS = 0x1b
const ETHTOOL_GSSET_INFO = 0x37
const ETHTOOL_GFEATURES = 0x3a
const ETHTOOL_SFEATURES = 0x3b
const ETH_SS_FEATURES = 4
const ETH_GSTRING_LEN = 32

const SSET_INFO_SIZE = 16
const STRINGS_SIZE = 12
const BLOCKS_SIZE = 8
/** Features come in blocks of so many; a block is a word for each thing that is said of them. */
const BLOCK_BITS = 32
const GET_BLOCK_SIZE = 16
const SET_BLOCK_SIZE = 8

/** By the kernel's names, which `ethtool -k` prints: `rx-vlan-hw-parse`. See netdev_features_strings in net/ethtool/common.c. */
export function featuresOf(interfaceName: string): Feature[] {
  const names = featureNames(interfaceName)
  const blocks = Math.ceil(names.length / BLOCK_BITS)
  const answer = Buffer.alloc(BLOCKS_SIZE + blocks * GET_BLOCK_SIZE) // struct ethtool_gfeatures
  answer.writeUInt32LE(ETHTOOL_GFEATURES, 0)
  answer.writeUInt32LE(blocks, 4)
  ethtool(interfaceName, answer, 'ask for features')
  return names.flatMap((name, index) => {
    if (name === '') return [] // a bit that means nothing
    const has = (word: number) => {
      const at = BLOCKS_SIZE + Math.floor(index / BLOCK_BITS) * GET_BLOCK_SIZE + word * 4
      return ((answer.readUInt32LE(at) >>> (index % BLOCK_BITS)) & 1) === 1
    }
    const [available, active, neverChanged] = [has(0), has(2), has(3)]
    return [{ name, on: active, fixed: !available || neverChanged }]
  })
}

/**
 * Switches some features on or off. What the interface does not have, or cannot switch, stays as it is; some drivers
 * take the link down for a moment.
 */
export function setFeatures(interfaceName: string, wanted: Readonly<Record<string, boolean>>): void {
  const names = featureNames(interfaceName)
  const blocks = Math.ceil(names.length / BLOCK_BITS)
  const request = Buffer.alloc(BLOCKS_SIZE + blocks * SET_BLOCK_SIZE) // struct ethtool_sfeatures
  request.writeUInt32LE(ETHTOOL_SFEATURES, 0)
  request.writeUInt32LE(blocks, 4)
  for (const [index, name] of names.entries()) {
    const value = wanted[name]
    if (value === undefined) continue
    const at = BLOCKS_SIZE + Math.floor(index / BLOCK_BITS) * SET_BLOCK_SIZE
    const bit = 2 ** (index % BLOCK_BITS)
    request.writeUInt32LE(request.readUInt32LE(at) + bit, at)
    if (value) request.writeUInt32LE(request.readUInt32LE(at + 4) + bit, at + 4)
  }
  ethtool(interfaceName, request, 'set features')
}

/** In the order of their bits, which is another one in each kernel. */
function featureNames(interfaceName: string): string[] {
  const info = Buffer.alloc(SSET_INFO_SIZE + 4) // struct ethtool_sset_info
  info.writeUInt32LE(ETHTOOL_GSSET_INFO, 0)
  info.writeUInt32LE(2 ** ETH_SS_FEATURES, 8)
  ethtool(interfaceName, info, 'count features')
  const count = info.readUInt32LE(SSET_INFO_SIZE)
  const strings = Buffer.alloc(STRINGS_SIZE + count * ETH_GSTRING_LEN) // struct ethtool_gstrings
  strings.writeUInt32LE(ETHTOOL_GSTRINGS, 0)
  strings.writeUInt32LE(ETH_SS_FEATURES, 4)
  strings.writeUInt32LE(count, 8)
  ethtool(interfaceName, strings, 'ask for the names of features')
  return Array.from({ length: count }, (_, index) => {
    const at = STRINGS_SIZE + index * ETH_GSTRING_LEN
    return strings.toString('latin1', at, at + ETH_GSTRING_LEN).replace(/\0.*$/s, '')
  })
}
