/** What is said of a run, as lines: table, one line, summary, what is resumed. Pure. */
import type { Resumed } from '../../worker/seat/position-book.ts'
import type { RunFigures } from '../../worker/seat/run-figures.ts'
import { countText, percent, shortCount, shortTime } from '../figures.ts'
import { type Paint, widthOf } from '../paint.ts'
import { plainJson } from '../place.ts'
import { type Cell, type Column, textTable } from '../text-table.ts'
import type { RunRates } from './rates.ts'

/** How a run stands. */
export interface Standing {
  readonly name: string
  readonly state: string
  readonly workers: number
  readonly elapsedMs: number
  readonly figures: RunFigures
  readonly rates: RunRates
  /** Records still to read; undefined: not known. */
  readonly lag: number | undefined
}

const columns: readonly Column[] = [
  { title: 'COMPONENT' },
  { title: 'TASKS', align: 'right' },
  { title: 'IN/s', align: 'right' },
  { title: 'OUT/s', align: 'right' },
  { title: 'BUSY', align: 'right' },
  { title: 'QUEUE', align: 'right' },
  { title: 'P50', align: 'right' },
  { title: 'P99', align: 'right' },
  { title: 'FAILED', align: 'right' },
]

/** Shares above which something is worth a colour. */
const BUSY_HIGH = 0.85
const QUEUE_HIGH = 0.7

export function tableLines(standing: Standing, paint: Paint, columnsMax: number): readonly string[] {
  const rows = standing.rates.components.map((each): readonly Cell[] => [
    each.componentId,
    countText(each.tasks),
    shortCount(rounded(each.inPerSecond)),
    shortCount(rounded(each.outPerSecond)),
    marked(percent(each.busy), (each.busy ?? 0) > BUSY_HIGH, 'yellow'),
    marked(percent(each.queue), (each.queue ?? 0) > QUEUE_HIGH, 'yellow'),
    shortTime(each.p50Ms),
    shortTime(each.p99Ms),
    marked(shortCount(each.failedCount), each.failedCount > 0, 'red'),
  ])
  return [...headLines(standing, paint, columnsMax), ...textTable(columns, rows, paint, columnsMax)]
}

function headLines(standing: Standing, paint: Paint, columnsMax: number): readonly string[] {
  const { name, state, elapsedMs, figures, rates } = standing
  const parts = [
    paint('bold', name),
    paint(state === 'active' ? 'green' : 'yellow', state),
    clock(elapsedMs),
    `acked ${countText(figures.ackedCount)} (${shortCount(rounded(rates.ackedPerSecond))}/s)`,
    `in flight ${countText(figures.pendingCount)}`,
    `p99 ${shortTime(rates.p99Ms)}`,
    `busy ${percent(rates.busy)}`,
    ...lagParts(standing),
  ]
  if (figures.failedCount > 0) parts.push(paint('red', `failed ${countText(figures.failedCount)}`))
  return wrapped(parts, columnsMax)
}

/** As many parts to a line as it holds: a narrow window loses none. */
function wrapped(parts: readonly string[], columnsMax: number): readonly string[] {
  const lines: string[] = []
  for (const part of parts) {
    const line = `${lines.at(-1) ?? ''}  ${part}`
    if (lines.length === 0) lines.push(part)
    // The last column stays free, as in the live area.
    else if (widthOf(line) < columnsMax) lines[lines.length - 1] = line
    else lines.push(`  ${part}`)
  }
  return lines
}

/** One line for a pipe. */
export function progressLine(standing: Standing): string {
  const { name, state, elapsedMs, figures, rates } = standing
  const parts = [
    `${clock(elapsedMs)}  ${name} ${state}`,
    `acked ${countText(figures.ackedCount)}`,
    `${shortCount(rounded(rates.ackedPerSecond))}/s`,
    `in flight ${countText(figures.pendingCount)}`,
    `failed ${countText(figures.failedCount)}`,
    `p99 ${shortTime(rates.p99Ms)}`,
    ...lagParts(standing),
  ]
  return parts.join('  ')
}

function lagParts({ lag, rates }: Standing): readonly string[] {
  if (lag === undefined || lag === 0) return []
  const eta = rates.ackedPerSecond > 0 ? `, about ${shortTime((lag / rates.ackedPerSecond) * 1_000)}` : ''
  return [`to read ${countText(lag)}${eta}`]
}

export interface Ending {
  readonly name: string
  /** Why it ended, as part of a sentence: `all sources have ended`. */
  readonly why: string
  readonly elapsedMs: number
  readonly figures: RunFigures
  readonly deadLetterCount: number
}

export function summaryLines(
  { name, why, elapsedMs, figures, deadLetterCount }: Ending,
  paint: Paint,
): readonly string[] {
  const { ackedCount, failedCount, replayedCount, pendingCount, completeMs } = figures
  const seconds = Math.max(0.001, elapsedMs / 1_000)
  const good = failedCount === 0 && deadLetterCount === 0 && pendingCount === 0
  const parts = [
    `acked ${countText(ackedCount)}`,
    `${shortCount(rounded(ackedCount / seconds))}/s`,
    ...(completeMs.count === 0 ? [] : [`p50 ${shortTime(completeMs.quantile(0.5))}`]),
    ...(completeMs.count === 0 ? [] : [`p99 ${shortTime(completeMs.quantile(0.99))}`]),
    `failed ${countText(failedCount)}`,
    `replayed ${countText(replayedCount)}`,
    ...(pendingCount === 0 ? [] : [`still in flight ${countText(pendingCount)}`]),
    ...(deadLetterCount === 0 ? [] : [`dead letters ${countText(deadLetterCount)}`]),
  ]
  const mark = good ? paint('green', '✔') : paint('yellow', '⚠')
  return [`${mark} ${paint('bold', name)}: ${why} after ${shortTime(elapsedMs)}`, `  ${parts.join('  ')}`]
}

/**
 * `resumes lines.txt at byte 1,234, line 56: 55 are done, what was read after them is read again`. How many
 * that are nobody knows after a crash: positions are stored ten times a second, and reading goes on in
 * between.
 */
export function resumedLines(resumed: readonly Resumed[]): readonly string[] {
  return resumed.map(({ componentId, partition, position, readCount, ackedCount }) => {
    const openCount = Math.max(0, readCount - ackedCount)
    const open = openCount === 0 ? '' : ` (${countText(openCount)} when it was stored)`
    const done = `${countText(ackedCount)} are done, what was read after them${open} is read again`
    return `${componentId} resumes ${partition} at ${positionText(position)}: ${done}`
  })
}

/** A count that goes on from a position, but not from its figures, is taken for wrong by who is not told. */
export function emptyStateLine(componentIds: readonly string[]): string {
  const whose = componentIds.join(', ')
  const why = 'positions outlive a run, state does not without checkpoints'
  return `state of ${whose} begins empty: ${why} (--fresh reads all again)`
}

function positionText(position: unknown): string {
  if (typeof position === 'number' || typeof position === 'bigint') return `position ${String(position)}`
  if (typeof position === 'object' && position !== null && 'byte' in position) {
    const line = 'line' in position ? `, line ${countText(Number(position.line))}` : ''
    return `byte ${countText(Number(position.byte))}${line}`
  }
  return typeof position === 'string' ? position : (JSON.stringify(position, plainJson) ?? 'its beginning')
}

/** `1:05`, `1:02:05`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

function marked(text: string, isMarked: boolean, style: 'red' | 'yellow'): Cell {
  return isMarked ? { text, style } : text
}

/** Rates below ten keep a digit. */
function rounded(value: number | undefined): number | undefined {
  if (value === undefined) return undefined
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value)
}

/** The same for programs: flat, numbers as numbers, times in seconds. */
export function standingDocument({ name, state, workers, elapsedMs, figures, rates, lag }: Standing): object {
  return {
    topology: name,
    state,
    workers,
    elapsed: elapsedMs / 1_000,
    acked: figures.ackedCount,
    failed: figures.failedCount,
    replayed: figures.replayedCount,
    inFlight: figures.pendingCount,
    ackedPerSecond: rates.ackedPerSecond,
    p50: secondsOf(rates.p50Ms),
    p99: secondsOf(rates.p99Ms),
    busy: rates.busy,
    lag: lag ?? null,
    components: rates.components.map((each) => ({
      component: each.componentId,
      kind: each.kind,
      tasks: each.tasks,
      inPerSecond: each.inPerSecond ?? null,
      outPerSecond: each.outPerSecond,
      busy: each.busy ?? null,
      queue: each.queue ?? null,
      p50: secondsOf(each.p50Ms),
      p99: secondsOf(each.p99Ms),
      failed: each.failedCount,
    })),
  }
}

export function endingDocument({ name, why, elapsedMs, figures, deadLetterCount }: Ending): object {
  const { completeMs } = figures
  return {
    topology: name,
    why,
    elapsed: elapsedMs / 1_000,
    acked: figures.ackedCount,
    failed: figures.failedCount,
    replayed: figures.replayedCount,
    inFlight: figures.pendingCount,
    deadLetters: deadLetterCount,
    p50: completeMs.count === 0 ? null : completeMs.quantile(0.5) / 1_000,
    p99: completeMs.count === 0 ? null : completeMs.quantile(0.99) / 1_000,
    components: [...figures.components.values()].map((each) => ({
      component: each.componentId,
      kind: each.kind,
      tasks: each.taskCount,
      executed: each.executedCount,
      emitted: each.emittedCount,
      failed: each.failedCount,
      deadLettered: each.deadLetteredCount,
    })),
  }
}

function secondsOf(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000
}
