/**
 * Whether a topology that runs for long keeps more and more: the heap after garbage collection at ten
 * marks.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Bench, settle, startRun, workOf } from './engine.ts'

const MARKS = 10
/** Compiled code, growing tables and the like come and go by this much. */
const NOISE_MB = 1.5
const LOOK_MS = 20

export interface Growth {
  readonly tuples: number
  /** Heap in MiB at each mark, after garbage collection. */
  readonly marks: readonly number[]
  /** Of the line through the marks, the first left out: it still has the warm-up in it. */
  readonly slopeMbPerMillion: number
  /** From the second mark to the last one it grows by less than noise. */
  readonly isFlat: boolean
}

export async function judgeGrowth(bench: Bench, tuples: number): Promise<Growth> {
  const run = await startRun(bench)
  const work = workOf(bench, run)
  const marks: number[] = []
  const counts: number[] = []
  for (let mark = 1; mark <= MARKS; mark += 1) {
    while (work.count() < (tuples / MARKS) * mark) await sleep(LOOK_MS)
    marks.push(heapMb())
    counts.push(work.count() / 1e6)
  }
  const seen = work.count()
  await settle(bench, run)
  await run.stop()
  const slopeMbPerMillion = slope(counts.slice(1), marks.slice(1))
  const span = (counts.at(-1) ?? 0) - (counts[1] ?? 0)
  return { tuples: seen, marks, slopeMbPerMillion, isFlat: slopeMbPerMillion * span < NOISE_MB }
}

let collect: (() => void) | undefined

/** Works without a flag on the command line. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    const found: unknown = runInNewContext('gc')
    if (typeof found !== 'function') throw new Error('this Node has no gc')
    collect = () => {
      found()
    }
  }
  collect()
}

function heapMb(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** By least squares. */
export function slope(xs: readonly number[], ys: readonly number[]): number {
  const meanX = mean(xs)
  const meanY = mean(ys)
  let above = 0
  let below = 0
  xs.forEach((x, i) => {
    above += (x - meanX) * ((ys[i] ?? 0) - meanY)
    below += (x - meanX) ** 2
  })
  return below === 0 ? 0 : above / below
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
