import { expect, test } from 'vitest'
import type { ComponentBeat, SeatBeat } from '../../cluster/seat-messages.ts'
import { RateBook } from './rate-book.ts'

function beatOf(...components: Partial<ComponentBeat>[]): SeatBeat {
  return {
    turns: 1,
    isQuiet: false,
    isFinished: false,
    run: 'active',
    rssBytes: 1,
    heapUsedBytes: 1,
    heapLimitBytes: 2,
    cpuMs: 1,
    loopDelayMs: 0,
    loopUtilisation: 0,
    links: [],
    components: components.map((each) => ({
      component: 'count',
      kind: 'bolt',
      executors: 1,
      tasks: 1,
      emittedCount: 0,
      executedCount: 0,
      ackedCount: 0,
      failedCount: 0,
      deadLetterCount: 0,
      busyMs: 0,
      blockedMs: 0,
      inboxFill: 0,
      executeP50: 0,
      executeP99: 0,
      completeP50: 0,
      completeP99: 0,
      lagCount: undefined,
      ...each,
    })),
  }
}

test('F1: totals never fall, through restarts and workers that are taken out', () => {
  const book = new RateBook()
  const executed = (): number => book.figures().reduce((sum, each) => sum + each.executedCount, 0)
  book.take(1, 10, beatOf({ executedCount: 100 }))
  book.take(2, 10, beatOf({ executedCount: 50 }))
  expect(executed()).toBe(150)
  book.take(1, 11, beatOf({ executedCount: 5 }))
  expect(executed()).toBe(155)
  // The one before still speaks.
  book.take(1, 10, beatOf({ executedCount: 110 }))
  expect(executed()).toBe(155)
  book.keepOnly((worker) => worker === 1)
  expect(executed()).toBe(155)
})

test('rates are over the last ten seconds', () => {
  const book = new RateBook()
  for (let second = 0; second <= 30; second += 1) {
    // Slow at first, then fast.
    const executedCount = second <= 15 ? second : 15 + (second - 15) * 100
    book.take(1, 1, beatOf({ executedCount }))
    book.look(second * 1_000, second)
  }
  const [now] = book.figures()
  if (now === undefined) throw new Error('it has one component')
  const { counts, seconds } = book.since('count', now, 30_000)
  expect(seconds).toBe(10)
  expect(counts.executedCount / seconds).toBe(100)
})

test('rates of what has just begun are over the time since it was first heard of', () => {
  const book = new RateBook()
  // The topology is looked at before any worker of it has told anything.
  for (const second of [0, 1, 2]) book.look(second * 1_000, second)
  for (const second of [3, 4, 5]) {
    // What was counted before the first word of it is of nobody knows when: a leader may have just begun.
    book.take(1, 1, beatOf({ executedCount: 1_000_000 + second * 50 }))
    book.look(second * 1_000, second)
  }
  const [now] = book.figures()
  if (now === undefined) throw new Error('it has one component')
  const { counts, seconds } = book.since('count', now, 5_000)
  expect([seconds, counts.executedCount / seconds]).toEqual([2, 50])
})

test('the bottleneck is full and not itself held back, and keeps its beginning', () => {
  const book = new RateBook()
  const first = { component: 'split', inboxFill: 0.95, blockedMs: 900, busyMs: 100 }
  const second = { component: 'count', inboxFill: 0.85, blockedMs: 0, busyMs: 1_000, executeP50: 2 }
  book.take(1, 1, beatOf(first, second))
  book.look(1_000, 41)
  book.look(2_000, 42)
  expect(book.bottleneck).toMatchObject({ component: 'count', since: 41 })
  expect(book.bottleneck?.evidence).toContain('85 % full')
  book.take(1, 1, beatOf({ ...first, inboxFill: 0.1 }, { ...second, inboxFill: 0.1 }))
  book.look(3_000, 43)
  expect(book.bottleneck).toBeUndefined()
})
