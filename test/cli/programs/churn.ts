/**
 * Makes garbage of the kind that lives for a while, beside 50 MB that stay, and prints how many bytes the heap came to:
 * 75 to 95 million, where V8 left to itself has 195 to 245.
 */
import { keepHeapSmall } from '../../../cli/small-heap.js'

keepHeapSmall()

const things = (count: number) => Array.from({ length: count }, (_, number) => ({ number, text: [number] }))
const staying = things(300_000)
const passing = things(100_000)
let most = 0
for (let i = 0; i < 2_000_000; i++) {
  passing[i % passing.length] = { number: i, text: [i] }
  if (i % 10_000 === 0) most = Math.max(most, process.memoryUsage().heapTotal)
}
if (staying.length > 0) console.log(most)
