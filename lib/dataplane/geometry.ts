import { flow, fragment, fragmentKey, limit, template } from './layout.gen.js'

/** How much the tables have room for; fixed when the maps are made, found again in them afterwards. */
export interface Geometry {
  readonly flowBuckets: number
  readonly templateBuckets: number
  /** Datagrams in fragments at a time whose first fragment is remembered. */
  readonly fragments: number
}

/** Below this, the tables are too small to be worth the arithmetic. */
const SMALLEST_BUCKETS = 128
/** A flow names its template by 24 bits of a slot's index: bpf/flow-types.h. */
const MOST_TEMPLATE_BUCKETS = 2 ** 24 / limit.ways
/** Packets in fragments at a time, unless somebody says otherwise. */
const MOST_FRAGMENTED = 16_384

/** An entry of a hash that forgets the oldest, beside key and value: `struct htab_elem`, and its bucket. */
const LRU_ENTRY_BYTES = 48 + 16

/**
 * The tables for so many flows, persistent clients and packets in fragments at a time. Twice as many slots as flows, and
 * as clients, in buckets of 8 with a second choice each: at that load one in 4,000 loses its place to another
 * (bench/RESULTS.md), where it would be one in 13 with one slot for each.
 */
export function geometryFor(
  maxFlows: number,
  maxTemplates = maxFlows,
  maxFragments = MOST_FRAGMENTED,
): Geometry {
  const buckets = (slots: number) => Math.max(SMALLEST_BUCKETS, 2 ** Math.ceil(Math.log2(slots / limit.ways)))
  return {
    flowBuckets: buckets(2 * maxFlows),
    templateBuckets: Math.min(buckets(2 * maxTemplates), MOST_TEMPLATE_BUCKETS),
    fragments: maxFragments,
  }
}

export function isSameGeometry(one: Geometry, other: Geometry): boolean {
  return (
    one.flowBuckets === other.flowBuckets &&
    one.templateBuckets === other.templateBuckets &&
    one.fragments === other.fragments
  )
}

/** What each of the tables' maps must have room for. */
export function tableSizes({ flowBuckets, templateBuckets, fragments }: Geometry) {
  return {
    flow_words: flowBuckets,
    flows: flowBuckets * limit.ways,
    template_words: templateBuckets,
    templates: templateBuckets * limit.ways,
    fragments,
  }
}

/** Kernel memory of the tables: 8 bytes a slot for its word, and the cold half beside it. */
export function tableBytes({ flowBuckets, templateBuckets, fragments }: Geometry): number {
  const words = limit.ways * (flowBuckets * (8 + flow.size) + templateBuckets * (8 + template.size))
  return words + fragments * (LRU_ENTRY_BYTES + fragmentKey.size + fragment.size)
}
