import { flow, limit, template } from './layout.gen.js'

/** How many buckets the tables have; fixed when the maps are made, found again in them afterwards. */
export interface Geometry {
  readonly flowBuckets: number
  readonly templateBuckets: number
}

/** Below this, the tables are too small to be worth the arithmetic. */
const SMALLEST_BUCKETS = 128

/**
 * The tables for so many flows at a time. Twice as many slots as flows, in buckets of 8 with a second choice each:
 * at that load fewer than one flow in a thousand loses its place to another.
 */
export function geometryFor(maxFlows: number): Geometry {
  const buckets = (slots: number) => Math.max(SMALLEST_BUCKETS, 2 ** Math.ceil(Math.log2(slots / limit.ways)))
  return { flowBuckets: buckets(2 * maxFlows), templateBuckets: buckets(maxFlows) }
}

/** What each of the tables' maps must have room for. */
export function tableSizes({ flowBuckets, templateBuckets }: Geometry) {
  return {
    flow_words: flowBuckets,
    flows: flowBuckets * limit.ways,
    template_words: templateBuckets,
    templates: templateBuckets * limit.ways,
  }
}

/** Kernel memory of the tables: 8 bytes a slot for its word, and the cold half beside it. */
export function tableBytes({ flowBuckets, templateBuckets }: Geometry): number {
  return limit.ways * (flowBuckets * (8 + flow.size) + templateBuckets * (8 + template.size))
}
