import { root } from './blocks/root.js'
import type { KeywordFact } from './schema.js'

export type { KeywordFact }

/** Every keyword of keepalived, block by block, and what becomes of it. The README's table is made of this. */
export function keywordTable(): readonly KeywordFact[] {
  const facts = root.facts().map(fact => [`${fact.block} ${fact.keyword}`, fact] as const)
  return [...new Map(facts).values()]
}
