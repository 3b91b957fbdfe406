/** The greatest common divisor of those that are not 0; 0 if all are. */
export function commonDivisor(weights: readonly number[]): number {
  return weights.reduce(divisorOfTwo, 0)
}

/** The highest, 0 if there is none. A thousand arguments are too many for Math.max() on some stacks. */
export function highestOf(weights: readonly number[]): number {
  return weights.reduce((highest, weight) => Math.max(highest, weight), 0)
}

function divisorOfTwo(a: number, b: number): number {
  return b === 0 ? a : divisorOfTwo(b, a % b)
}
