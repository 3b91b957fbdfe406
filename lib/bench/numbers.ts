/** Of a value that was measured several times. */
export interface Spread {
  readonly min: number
  readonly median: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { min: sorted[0] ?? Number.NaN, median: sorted[sorted.length >> 1] ?? Number.NaN }
}

/** What is left of one over another, of minimum and median each. */
export function over(spread: Spread, floor: Spread): Spread {
  return { min: spread.min - floor.min, median: spread.median - floor.median }
}
