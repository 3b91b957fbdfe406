/** What the verifier adds after its verdict: statistics, of no use to whoever asks what is wrong. */
const statistics = /^(processed \d+ insns|verification time|stack depth|max_states|mark_read|-- )/

/** The last line of the verifier's log that says why: `R1 invalid mem access 'scalar'`. */
export function lastWord(log: string): string {
  const lines = log.split('\n').map(line => line.trim())
  return lines.findLast(line => line !== '' && !statistics.test(line)) ?? 'no reason given'
}
