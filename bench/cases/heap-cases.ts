/** What stays in memory, what is allocated per tuple, and that nothing piles up. */
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case, Figures, Plan } from '../case.ts'
import { type Bench, measureRun, settle, startRun, workOf } from '../engine.ts'
import { collectGarbage, judgeGrowth } from '../growth.ts'
import { constNull, wordCount, wordCountText } from '../topologies/storm-perf.ts'

const MIB = 2 ** 20

const memory: Case = {
  name: 'memory/word-count',
  what: 'resident memory of the word count of a book at full speed, acked',
  // As long again as others run: what grows slowly shall show.
  run: async (plan) =>
    await measureRun(wordCountText({ isAcked: true }), { ...plan, windowMs: plan.windowMs * 2 }),
}

/** Much more than a part of this case allocates, so that no collection disturbs the count. */
const YOUNG_MIB = 1024
const ALLOCATED_MAX = 300 * MIB

interface Allocation {
  readonly bytesPerTuple: number
  readonly perSecond: number
  readonly count: number
}

/** Bytes per tuple between two looks at the heap, with no garbage collection in between. */
async function allocationOf(bench: Bench, plan: Plan): Promise<Allocation> {
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  const run = await startRun(bench)
  const work = workOf(bench, run)
  await sleep(plan.warmMs)
  observer.observe({ entryTypes: ['gc'] })
  const samples: Allocation[] = []
  for (let tries = 0; samples.length < plan.windowCount && tries < 20; tries += 1) {
    collectGarbage()
    await sleep(0)
    collections = 0
    const fromMs = performance.now()
    const heap = process.memoryUsage().heapUsed
    const count = work.count()
    let allocated = 0
    while (allocated < ALLOCATED_MAX * plan.scale && collections === 0) {
      await sleep(5)
      allocated = process.memoryUsage().heapUsed - heap
    }
    const counted = work.count() - count
    if (collections > 0 || counted === 0) continue
    const perSecond = (counted / (performance.now() - fromMs)) * 1000
    samples.push({ bytesPerTuple: allocated / counted, perSecond, count: counted })
  }
  observer.disconnect()
  await settle(bench, run)
  await run.stop()
  const sorted = samples.sort((a, b) => a.bytesPerTuple - b.bytesPerTuple)
  const middle = sorted[sorted.length >> 1]
  if (middle === undefined) throw new Error('every window had a garbage collection in it')
  return { ...middle, count: samples.reduce((sum, each) => sum + each.count, 0) }
}

async function allocation(plan: Plan): Promise<Figures> {
  const constant = await allocationOf(constNull({ isAcked: true }), plan)
  const untracked = await allocationOf(constNull({ isAcked: false }), plan)
  const words = await allocationOf(wordCount({ isAcked: true }), plan)
  return {
    tuplesPerSecond: constant.perSecond,
    cpuSecondsPerMillion: null,
    p50Ms: null,
    p99Ms: null,
    rssMb: process.memoryUsage.rss() / MIB,
    unit: 'tuples',
    tuples: constant.count,
    more: {
      bytesPerTuple: Math.round(constant.bytesPerTuple),
      bytesPerUntrackedTuple: Math.round(untracked.bytesPerTuple),
      bytesPerWord: Math.round(words.bytesPerTuple),
    },
  }
}

async function growth(plan: Plan): Promise<Figures> {
  const cpu = process.cpuUsage()
  const fromMs = performance.now()
  const found = await judgeGrowth(wordCount({ isAcked: true }), Math.round(50e6 * plan.scale))
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - fromMs) / 1000
  return {
    tuplesPerSecond: found.tuples / seconds,
    cpuSecondsPerMillion: user / found.tuples + system / found.tuples,
    p50Ms: null,
    p99Ms: null,
    rssMb: process.memoryUsage.rss() / MIB,
    unit: 'words',
    tuples: found.tuples,
    more: {
      heapMbFirst: Number((found.marks[0] ?? 0).toFixed(2)),
      heapMbLast: Number((found.marks.at(-1) ?? 0).toFixed(2)),
      heapKbPerMillion: Number((found.slopeMbPerMillion * 1024).toPrecision(3)),
      isFlat: found.isFlat ? 'yes' : 'no',
    },
  }
}

export const heapCases: readonly Case[] = [
  memory,
  {
    name: 'heap/allocation-per-tuple',
    what: 'bytes allocated per tuple: acked, not acked, and per word of the word count',
    nodeFlags: [`--min-semi-space-size=${YOUNG_MIB}`, `--max-semi-space-size=${YOUNG_MIB}`],
    run: allocation,
  },
  {
    name: 'heap/growth-50m',
    what: 'heap after garbage collection at ten marks over 50 million words: flat',
    run: growth,
  },
]
