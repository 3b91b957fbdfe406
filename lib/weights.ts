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

/** The longest round of `wrr` that is laid out; weights that make a longer one are rounded. */
export const MOST_TURNS = 65_536

/** How many turns a round of `wrr` has in which each real has as many as its weight over their common divisor. */
export function roundLength(weights: readonly number[]): number {
  return weights.reduce((sum, weight) => sum + weight, 0) / (commonDivisor(weights) || 1)
}
