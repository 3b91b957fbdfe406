/**
 * How often a long loop of a test goes round: `full` times, and where the environment has `XDPLB_TEST_EFFORT=0.01` a
 * hundredth of that. For machines on which a test would go on for ever, emulated ones for instance.
 */
export function effort(full: number): number {
  return Math.ceil(full * Number(process.env.XDPLB_TEST_EFFORT ?? 1))
}
