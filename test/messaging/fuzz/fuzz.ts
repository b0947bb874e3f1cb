/** Runs cases one after the other; the same seed gives the same cases. */

import { collectGarbage } from '../../../bench/growth.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { Answering } from './answering.ts'
import { Receiving } from './receiving.ts'

export interface FuzzResult {
  readonly cases: number
  readonly endings: ReadonlyMap<string, number>
  /** What the process grew by, in MiB, after the first tenth. */
  readonly grownMb: number
}

/** Sessions that one office serves before there is a new one. */
const SESSIONS_MAX = 500
const TURN_CASES = 100

/** @throws Error naming seed and number of the case that failed */
export async function fuzz(cases: number, seed: number): Promise<FuzzResult> {
  // Traces of the errors that are expected would be most of the time.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const root = new SeededRandom(seed)
  const endings = new Map<string, number>()
  const answering = new Answering()
  let receiving = new Receiving()
  let startMb = 0
  for (let number = 0; number < cases; number += 1) {
    if (number === Math.floor(cases / 10)) startMb = memoryMb()
    if (receiving.isSpent || number % SESSIONS_MAX === SESSIONS_MAX - 1) {
      addTo(endings, receiving.endings)
      receiving = new Receiving()
    }
    // Promises of listeners settle, or all that ever listened would be held.
    if (number % TURN_CASES === 0) await new Promise((resolve) => setImmediate(resolve))
    const random = root.split(`case ${number}`)
    try {
      const kind = number % 20
      if (kind === 0) answering.runCase(random)
      else if (kind === 1) receiving.runOversized(random)
      else receiving.runCase(random)
    } catch (error) {
      Error.stackTraceLimit = stackTraceLimit
      throw new Error(`seed ${seed}, case ${number}: ${String(error)}`, { cause: error })
    }
  }
  Error.stackTraceLimit = stackTraceLimit
  addTo(endings, receiving.endings)
  addTo(endings, answering.endings)
  return { cases, endings, grownMb: memoryMb() - startMb }
}

/** What is alive, on the heap and beside it. */
function memoryMb(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

function addTo(sum: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [ending, count] of more) sum.set(ending, (sum.get(ending) ?? 0) + count)
}
