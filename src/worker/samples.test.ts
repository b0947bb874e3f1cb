// Goal: what reporters are given adds up over tasks, and is all in the table of names.
import { describe, expect, test } from 'vitest'
import { MetricBoard } from '../flow/executor/metric-board.ts'
import { TaskStats } from '../flow/executor/task-stats.ts'
import type { HistogramValue, MetricSample } from '../topology/hook.ts'
import { metricRows } from './metric-names.ts'
import { type Measured, samplesOf } from './samples.ts'

function statsOf(componentId: string, task: number, kind: 'spout' | 'bolt', begin: number): TaskStats {
  const stats = new TaskStats(componentId, task, kind)
  stats.executedCount = begin + 1
  stats.ackedCount = begin + 2
  stats.failedCount = begin + 3
  stats.threwCount = begin + 4
  stats.retriedCount = begin + 5
  stats.skippedCount = begin + 6
  stats.deadLetteredCount = begin + 7
  stats.replayedCount = begin + 8
  stats.expiredCount = begin + 9
  stats.tickCount = begin + 10
  stats.invalidCount = begin + 11
  stats.streams = new Map([['default', { emittedCount: begin + 12, transferredCount: begin + 13 }]])
  return stats
}

function workerOf(reports: unknown[] = []): Measured {
  const bolts = [0, 100].map((begin, i) => ({ self: { stats: statsOf('count', i + 2, 'bolt', begin) } }))
  const spout = { self: { stats: statsOf('lines', 1, 'spout', 0) }, pendingCount: 4 }
  return {
    spec: { topologyName: 'words', worker: 3 },
    bolts: [{ componentId: 'count', blockedMs: 1_500, inbox: { count: 7 }, allTasks: bolts }],
    spouts: [{ componentId: 'lines', blockedMs: 250, allTasks: [spout] }],
    metrics: new MetricBoard(),
    desk: { report: (reported) => reports.push(reported) },
  }
}

const labelsOf = (component: string) => ({ topology: 'words', worker: '3', component })

function figureIn(samples: readonly MetricSample[], name: string, component: string): MetricSample['value'] {
  const found = samples.filter((each) => each.name === name && each.labels['component'] === component)
  expect(found, `${name} of ${component}`).toHaveLength(1)
  return found[0]?.value ?? Number.NaN
}

function distribution(value: MetricSample['value']): HistogramValue {
  if (typeof value === 'number') throw new Error('a number, not a distribution')
  return value
}

describe('samples', () => {
  test('are one figure a component: counts of its tasks added up, every count under its own name', () => {
    const samples = samplesOf(workerOf())
    const bolt = (name: string) => figureIn(samples, name, 'count')
    const spout = (name: string) => figureIn(samples, name, 'lines')
    expect([
      bolt('typhoon_tuples_executed_total'),
      bolt('typhoon_tuples_acked_total'),
      bolt('typhoon_tuples_failed_total'),
      bolt('typhoon_calls_threw_total'),
      bolt('typhoon_calls_retried_total'),
      bolt('typhoon_tuples_skipped_total'),
      bolt('typhoon_dead_letters_total'),
      bolt('typhoon_ticks_total'),
      bolt('typhoon_tuples_emitted_total'),
      bolt('typhoon_tuples_transferred_total'),
    ]).toEqual([102, 104, 106, 108, 110, 112, 114, 120, 124, 126])
    expect([
      spout('typhoon_tuples_acked_total'),
      spout('typhoon_tuples_failed_total'),
      spout('typhoon_calls_threw_total'),
      spout('typhoon_dead_letters_total'),
      spout('typhoon_tuples_replayed_total'),
      spout('typhoon_tuples_expired_total'),
      spout('typhoon_records_invalid_total'),
      spout('typhoon_tuples_emitted_total'),
      spout('typhoon_tuples_transferred_total'),
    ]).toEqual([2, 3, 4, 7, 8, 9, 11, 12, 13])
  })

  test('say what waits and what is blocked, times in seconds', () => {
    const samples = samplesOf(workerOf())
    expect(figureIn(samples, 'typhoon_inbox_tuples', 'count')).toBe(7)
    expect(figureIn(samples, 'typhoon_tuples_pending', 'lines')).toBe(4)
    expect(figureIn(samples, 'typhoon_executor_blocked_seconds_total', 'count')).toBe(1.5)
    expect(figureIn(samples, 'typhoon_executor_blocked_seconds_total', 'lines')).toBe(0.25)
  })

  test('have the labels of the table, and no name that is not in it', () => {
    const samples = samplesOf(workerOf())
    const rows = new Map(metricRows.map((row) => [row.name, row]))
    expect(rows.size).toBe(metricRows.length)
    for (const { name, labels, value } of samples) {
      const row = rows.get(name)
      const owner = labels['component'] === 'lines' ? 'spouts' : 'bolts'
      expect(['all', owner], name).toContain(row?.of)
      const own = labelsOf(labels['component'] ?? '')
      expect(labels, name).toEqual(row?.isPerStream ? { ...own, stream: 'default' } : own)
      expect(typeof value === 'number', name).toBe(row?.type !== 'histogram')
      expect(name.endsWith('_total'), name).toBe(row?.type === 'counter')
    }
    expect(new Set(samples.map(({ name }) => name))).toEqual(new Set(rows.keys()))
  })

  test('of times are cumulative buckets in seconds, those of several tasks together', () => {
    const worker = workerOf()
    const [first, second] = worker.bolts[0]?.allTasks ?? []
    first?.self.stats.executeMs.record(0.05)
    first?.self.stats.executeMs.record(40, 2)
    second?.self.stats.executeMs.record(40_000)
    second?.self.stats.executeMs.record(0.05)
    const took = distribution(figureIn(samplesOf(worker), 'typhoon_execute_seconds', 'count'))
    expect(took.count).toBe(5)
    expect(took.sum).toBeCloseTo(40.0801, 6)
    const [least, ...rest] = took.buckets
    expect(least).toEqual([0.0001, 2])
    expect(rest).toEqual(
      [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30].map((le) => [le, le < 0.04 ? 2 : 4]),
    )
    const counts = took.buckets.map(([, count]) => count)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
  })

  test('of components keep their name and unit', () => {
    const worker = workerOf()
    worker.metrics.counter('count', 2, 'seen').add(5)
    worker.metrics.counter('count', 3, 'seen').add(6)
    worker.metrics.gauge('lines', 1, 'open', () => 9)
    worker.metrics.histogram('count', 2, 'call_ms').record(250)
    const samples = samplesOf(worker)
    expect(figureIn(samples, 'seen', 'count')).toBe(11)
    expect(figureIn(samples, 'open', 'lines')).toBe(9)
    const calls = distribution(figureIn(samples, 'call_ms', 'count'))
    expect([calls.count, calls.sum]).toEqual([1, 250])
    expect(calls.buckets.filter(([, count]) => count === 0).map(([le]) => le)).toEqual([
      0.001, 0.01, 0.1, 1, 10, 100,
    ])
  })

  test('leave out a gauge that throws, and report it', () => {
    const reports: unknown[] = []
    const worker = workerOf(reports)
    const error = new Error('no gauge')
    worker.metrics.gauge('count', 2, 'broken', () => {
      throw error
    })
    worker.metrics.gauge('count', 2, 'whole', () => 1)
    const samples = samplesOf(worker)
    expect(samples.filter(({ name }) => name === 'broken')).toEqual([])
    expect(figureIn(samples, 'whole', 'count')).toBe(1)
    expect(reports).toEqual([{ componentId: 'count', task: 2, error }])
  })
})
