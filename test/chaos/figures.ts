/**
 * What a fault did to a run, from what the sink saw. Pure.
 *
 *   time ──┬────────────┬──────────────────┬────────▶
 *        fault      tasks back         data whole
 *
 * tasks back: each task that had to start again has worked on a tuple. Data whole: the last word that was due
 * before tasks were back, and had not been seen at the fault, has been seen.
 */
import { lineDueMs, numberOf, WORDS_MAX } from './workload.ts'

/** A word as the sink wrote it. */
export interface Sight {
  readonly number: number
  readonly atMs: number
}

/** A task's first tuple in a process. */
export interface FirstTuple {
  readonly component: string
  readonly task: number
  readonly pid: number
  readonly atMs: number
}

export interface Emission {
  readonly startMs: number
  readonly linesPerSecond: number
  /** Of each partition, the last line that anything was seen of: all before it were emitted. */
  readonly lastLines: readonly number[]
  /** Words of line `n` of the text, as often as it is read. */
  readonly wordCountOf: (line: number) => number
}

export interface FaultEffect {
  readonly tasksBackMs: number | undefined
  readonly dataWholeMs: number | undefined
  readonly restartedTasks: number
}

export interface RunVerdict {
  readonly emitted: number
  readonly lost: readonly number[]
  readonly duplicated: number
  /** Numbers that nobody emitted. */
  readonly invented: number
}

/** @param untilMs effects of this fault end where the next one begins */
export function effectOf(
  faultMs: number,
  untilMs: number,
  sights: readonly Sight[],
  firsts: readonly FirstTuple[],
  emission: Emission,
): FaultEffect {
  const restarted = firsts.filter(({ atMs }) => atMs >= faultMs && atMs < untilMs)
  const backAtMs = restarted.length === 0 ? faultMs : Math.max(...restarted.map(({ atMs }) => atMs))
  const firstSeen = firstSightsOf(sights)
  let wholeAtMs = faultMs
  for (const [number, atMs] of firstSeen) {
    const dueMs = lineDueMs(emission.startMs, emission.linesPerSecond, Math.floor(number / WORDS_MAX))
    if (dueMs <= backAtMs && atMs > faultMs && atMs < untilMs) wholeAtMs = Math.max(wholeAtMs, atMs)
  }
  return {
    tasksBackMs: restarted.length === 0 ? undefined : backAtMs - faultMs,
    dataWholeMs: wholeAtMs - faultMs,
    restartedTasks: new Set(restarted.map(({ component, task }) => `${component}/${task}`)).size,
  }
}

/** After everything was drained. */
export function verdictOf(sights: readonly Sight[], emission: Emission): RunVerdict {
  const seen = firstSightsOf(sights)
  const lost: number[] = []
  let emitted = 0
  for (let line = 0; line <= Math.max(...emission.lastLines); line += 1) {
    if (line > (emission.lastLines[line % emission.lastLines.length] ?? -1)) continue
    const count = emission.wordCountOf(line)
    emitted += count
    for (let place = 0; place < count; place += 1) {
      const number = numberOf(line, place)
      if (!seen.delete(number)) lost.push(number)
    }
  }
  const known = sights.length - seen.size
  return { emitted, lost, duplicated: known - (emitted - lost.length), invented: seen.size }
}

/** Lines are dealt to partitions in turn. */
export function lastLinesOf(sights: readonly Sight[], partitions: number): readonly number[] {
  const last = Array.from({ length: partitions }, () => -1)
  for (const { number } of sights) {
    const line = Math.floor(number / WORDS_MAX)
    last[line % partitions] = Math.max(last[line % partitions] ?? -1, line)
  }
  return last
}

export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Nearest rank: with few trials p99 is the worst. */
export function quantilesOf(values: readonly number[]): Quantiles | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

function firstSightsOf(sights: readonly Sight[]): Map<number, number> {
  const first = new Map<number, number>()
  for (const { number, atMs } of sights) {
    const known = first.get(number)
    if (known === undefined || atMs < known) first.set(number, atMs)
  }
  return first
}
