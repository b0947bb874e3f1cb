/** Storm-perf's topologies at full speed, and at fixed rates. */
import type { Case, Figures, Plan } from '../case.ts'
import { type Bench, measureRun, startRun, workOf } from '../engine.ts'
import { measure } from '../measure.ts'
import {
  constIdNull,
  constNull,
  constSpoutOnly,
  type Options,
  simplifiedWordCount,
  wordCount,
  wordCountKeyed,
  wordCountText,
} from '../topologies/storm-perf.ts'
import { wordCountFile } from '../topologies/text-file.ts'

function engineCase(name: string, what: string, make: (plan: Plan) => Bench): Case {
  return { name, what, run: async (plan) => await measureRun(make(plan), plan) }
}

/** The same without acks and with. */
function pair(name: string, what: string, make: (options: Options) => Bench): readonly Case[] {
  return [
    engineCase(`${name}/noack`, `${what}, nothing acked`, () => make({ isAcked: false })),
    engineCase(`${name}/ack`, `${what}, every tuple acked`, () => make({ isAcked: true })),
  ]
}

export const engineCases: readonly Case[] = [
  ...pair('const-spout', 'a spout that nobody reads', constSpoutOnly),
  ...pair('const-null', 'spout → null bolt', constNull),
  engineCase('const-null/noack-ids', 'spout → null bolt, message ids though nothing acks', () =>
    constNull({ isAcked: false, withIds: true }),
  ),
  ...pair('const-id-null', 'spout → id bolt → null bolt', constIdNull),
  ...pair('word-count', 'five sentences → split ×2 → count ×2', wordCount),
  ...pair('simplified-word-count', 'words of a book → count', simplifiedWordCount),
  ...pair('word-count-text', 'lines of a book → split ×2 → count ×2', wordCountText),
  engineCase('word-count-text/keyed-ack', 'the same with keyed state of the engine', () =>
    wordCountKeyed({ isAcked: true }),
  ),
  engineCase('word-count-file/ack', 'lines of files → split ×2 → count ×2, acked', (plan) =>
    wordCountFile(plan.scale < 0.1 ? 2 ** 20 : undefined),
  ),
  engineCase('const-null/2-workers-noack', 'spout → null bolt in another worker', () =>
    constNull({ isAcked: false, workerCount: 2 }),
  ),
  engineCase('const-null/2-workers-ack', 'spout → null bolt in another worker, acked', () =>
    constNull({ isAcked: true, workerCount: 2 }),
  ),
  engineCase('word-count-text/2-workers-ack', 'word count of a book on two workers, acked', () =>
    wordCountText({ isAcked: true, workerCount: 2 }),
  ),
]

function rateCase(name: string, what: string, rate: number, workerCount?: number): Case {
  const options = { isAcked: true, rate, ...(workerCount === undefined ? {} : { workerCount }) }
  return {
    name,
    what,
    async run(plan) {
      return atRate(await measureRun(constNull(options), plan), rate)
    },
  }
}

/** First finds out what full speed is, then runs at half of it. */
async function runHalf(plan: Plan): Promise<Figures> {
  const full = constNull({ isAcked: true })
  const run = await startRun(full)
  const atFull = await measure(workOf(full, run), { ...plan, windowCount: 1 })
  run.kill()
  const rate = Math.round((atFull.tuplesPerSecond ?? 0) / 2)
  return atRate(await measureRun(constNull({ isAcked: true, rate }), plan), rate)
}

function atRate(figures: Figures, rate: number): Figures {
  const rateHeld = Number(((figures.tuplesPerSecond ?? 0) / rate).toPrecision(3))
  return { ...figures, more: { ...figures.more, rate, rateHeld } }
}

export const rateCases: readonly Case[] = [
  rateCase('rate/const-null-10k', 'spout → null bolt at 10,000 a second, acked', 10_000),
  rateCase('rate/const-null-300k', 'the same at 300,000 a second, half of what Storm can', 300_000),
  { name: 'rate/const-null-half', what: 'the same at half of full speed', run: runHalf },
  rateCase('rate/const-null-2-workers-10k', 'at 10,000 a second to another worker, acked', 10_000, 2),
]
