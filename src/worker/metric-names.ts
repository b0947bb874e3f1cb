/**
 * Every metric of the engine, once: name, type, labels, meaning.
 *
 * Route: this table → samples.ts (what reporters are given), docs/reference/metrics.md
 * (tools/docs/metrics-page.ts).
 *
 * Invariants
 *   M1  a metric that is not here is a component's own
 *   M2  names are as Prometheus wants them: counters end in `_total`, times in `_seconds`
 */
import type { TaskStats } from '../flow/executor/task-stats.ts'

export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Which components have it. */
  readonly of: 'spouts' | 'bolts' | 'all'
  /** Whether it has the label `stream` beyond topology, worker and component. */
  readonly isPerStream?: true
  readonly meaning: string
}

export const queued = {
  name: 'typhoon_inbox_tuples',
  type: 'gauge',
  of: 'bolts',
  meaning: 'Tuples that wait in its inboxes.',
} as const satisfies MetricRow

export const blockedSeconds = {
  name: 'typhoon_executor_blocked_seconds_total',
  type: 'counter',
  of: 'all',
  meaning: 'Time in which it could not go on because those who read from it had no room.',
} as const satisfies MetricRow

export const pending = {
  name: 'typhoon_tuples_pending',
  type: 'gauge',
  of: 'spouts',
  meaning: 'Trees that are open: emitted, and neither acked nor failed yet.',
} as const satisfies MetricRow

export const emitted = {
  name: 'typhoon_tuples_emitted_total',
  type: 'counter',
  of: 'all',
  isPerStream: true,
  meaning: 'Emits, whoever reads them.',
} as const satisfies MetricRow

export const transferred = {
  name: 'typhoon_tuples_transferred_total',
  type: 'counter',
  of: 'all',
  isPerStream: true,
  meaning: 'Tuples that came of the emits: one for each task that was sent one.',
} as const satisfies MetricRow

export const executeSeconds = {
  name: 'typhoon_execute_seconds',
  type: 'histogram',
  of: 'bolts',
  meaning: 'Duration of calls of execute, sampled at stats.sample.rate.',
} as const satisfies MetricRow

export const completeSeconds = {
  name: 'typhoon_complete_seconds',
  type: 'histogram',
  of: 'spouts',
  meaning: 'Time from an emit until its tree was acked, sampled at stats.sample.rate.',
} as const satisfies MetricRow

/** Names of the plain counts of a task. */
type CountName = {
  [Name in keyof TaskStats]: Name extends `${string}Count` ? Name : never
}[keyof TaskStats]

export interface CountRow extends MetricRow {
  /** Where the figure is read from. */
  readonly count: CountName
}

function countOf(count: CountName, name: string, of: MetricRow['of'], meaning: string): CountRow {
  return { name, type: 'counter', of, meaning, count }
}

/** Metric of each count of a task. */
export const counts: readonly CountRow[] = [
  countOf('executedCount', 'typhoon_tuples_executed_total', 'bolts', 'Tuples given to execute.'),
  countOf(
    'ackedCount',
    'typhoon_tuples_acked_total',
    'all',
    'Bolts: tuples answered with ack. Spouts: trees that were done.',
  ),
  countOf(
    'failedCount',
    'typhoon_tuples_failed_total',
    'all',
    'Bolts: tuples answered with fail. Spouts: trees that failed, for whatever reason.',
  ),
  countOf(
    'expiredCount',
    'typhoon_tuples_expired_total',
    'spouts',
    'Of the trees that failed, those not done within topology.message.timeout.secs.',
  ),
  countOf(
    'replayedCount',
    'typhoon_tuples_replayed_total',
    'spouts',
    'Items emitted again by the engine after their tree had failed.',
  ),
  countOf(
    'skippedCount',
    'typhoon_tuples_skipped_total',
    'bolts',
    'Tuples given up without a dead letter: onError says skip.',
  ),
  countOf('deadLetteredCount', 'typhoon_dead_letters_total', 'all', 'Tuples given up as dead letters.'),
  countOf(
    'invalidCount',
    'typhoon_records_invalid_total',
    'spouts',
    'Records that could not be read and were left out: onInvalid says skip.',
  ),
  countOf(
    'threwCount',
    'typhoon_calls_threw_total',
    'all',
    'Calls of user code that threw, repeats included.',
  ),
  countOf(
    'retriedCount',
    'typhoon_calls_retried_total',
    'bolts',
    'Calls repeated for the same tuple by onError.',
  ),
  countOf('tickCount', 'typhoon_ticks_total', 'bolts', 'Calls of onTick.'),
]

/** All of them, for the reference. */
export const metricRows: readonly MetricRow[] = [
  ...counts,
  emitted,
  transferred,
  pending,
  queued,
  blockedSeconds,
  executeSeconds,
  completeSeconds,
]
