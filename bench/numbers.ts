export function minimum(values: readonly number[]): number {
  return Math.min(...values)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
