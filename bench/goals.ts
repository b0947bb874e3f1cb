/**
 * The speed goals as a table: what was wanted, what Storm or a loop does, what we do, and whether it is
 * met.
 */
import type { Line } from './case.ts'
import { type Comparison, compareWithStorm, type StormRow, times } from './storm.ts'
import { plain, short } from './table.ts'

export interface GoalRow {
  readonly goal: string
  /** Storm's figure, or that of a loop, or the limit. */
  readonly against: string
  readonly ours: string
  readonly ratio: string
  /** undefined: a figure is missing. */
  readonly isMet: boolean | undefined
}

/** `what` at least (or at most) a limit. */
interface Limit {
  readonly goal: string
  readonly name: string
  readonly read: (line: Line) => number | null
  readonly max?: number
  readonly min?: number
  readonly unit: string
}

const SPEED_TO_DEFAULT = 10
const SPEED_TO_BEST = 6
const SPEED_BETWEEN_WORKERS = 3
const CPU_TO_BEST = 1.5
const LOOP_COST_MAX = 2

const ackedWithin = [
  'const-spout/ack',
  'const-null/ack',
  'const-id-null/ack',
  'simplified-word-count/ack',
  'word-count-text/ack',
]
const unackedWithin = [
  'const-spout/noack',
  'const-null/noack',
  'const-null/noack-ids',
  'const-id-null/noack',
  'simplified-word-count/noack',
  'word-count-text/noack',
]
const betweenWorkers = [
  'const-null/2-workers-noack',
  'const-null/2-workers-ack',
  'word-count-text/2-workers-ack',
]
const atFixedRates = [
  'rate/const-null-10k',
  'rate/const-null-300k',
  'rate/const-null-half',
  'rate/const-null-2-workers-10k',
]
/** Ours, and the loop that does the same work: acks and queues too. */
const loops: readonly (readonly [ours: string, loop: string])[] = [
  ['const-null/ack', 'loop/const-null'],
  ['word-count/ack', 'loop/word-count-acked'],
  ['word-count-text/ack', 'loop/word-count-text-acked'],
]
/** For orientation: the same count without acks and queues. */
const plainLoops: readonly (readonly [ours: string, loop: string])[] = [
  ['word-count/noack', 'loop/word-count'],
  ['word-count-text/noack', 'loop/word-count-text'],
]

const limits: readonly Limit[] = [
  {
    goal: 'spout → null bolt, acked: at least 6.5 M tuples/s',
    name: 'const-null/ack',
    read: (line) => line.tuplesPerSecond,
    min: 6.5e6,
    unit: '/s',
  },
  {
    goal: 'word count, acked: at least 10 M words/s',
    name: 'word-count/ack',
    read: (line) => line.tuplesPerSecond,
    min: 10e6,
    unit: '/s',
  },
  {
    goal: '`typhoon run` to the first tuple: at most 300 ms',
    name: 'start/first-tuple',
    read: (line) => line.p50Ms,
    max: 300,
    unit: ' ms',
  },
  {
    goal: 'word count, resident memory: at most 150 MB',
    name: 'memory/word-count',
    read: (line) => line.rssMb,
    max: 150,
    unit: ' MB',
  },
  {
    goal: 'heap over 50 million words: flat, below 30 KB a million',
    name: 'heap/growth-50m',
    read: (line) => numberOf(line['heapKbPerMillion']),
    max: 30,
    unit: ' KB/M',
  },
]

export function goalRows(lines: readonly Line[], storm: readonly StormRow[]): readonly GoalRow[] {
  const byName = new Map(lines.map((line) => [line.name, line]))
  const comparisons = new Map(compareWithStorm(lines, storm).map((row) => [row.name, row]))
  return [
    ...ackedWithin.flatMap((name) => ackedRows(name, comparisons.get(name))),
    ...unackedWithin.map((name) => cpuRow(name, comparisons.get(name))),
    ...betweenWorkers.map((name) => betweenRow(name, comparisons.get(name))),
    ...atFixedRates.map((name) => latencyRow(name, comparisons.get(name))),
    ...loops.map(([ours, loop]) => loopRow(byName.get(ours), byName.get(loop), [ours, loop])),
    ...plainLoops.map(([ours, loop]) => loopRow(byName.get(ours), byName.get(loop), [ours, loop])),
    ...limits.map((limit) => limitRow(limit, byName.get(limit.name))),
  ]
}

function missing(goal: string): GoalRow {
  return { goal, against: '–', ours: '–', ratio: '–', isMet: undefined }
}

function ackedRows(name: string, found: Comparison | undefined): readonly GoalRow[] {
  const toDefault = `\`${name}\`: ${SPEED_TO_DEFAULT} × Storm's defaults`
  const toBest = `\`${name}\`: ${SPEED_TO_BEST} × Storm's best tuning`
  if (found === undefined) return [missing(toBest)]
  const ours = `${short(found.ours.tuplesPerSecond)}/s`
  const rows: GoalRow[] = []
  const { byDefault, fastest, speedToDefault, speedToBest } = found
  if (byDefault !== undefined) {
    rows.push({
      goal: toDefault,
      against: `${short(byDefault.tuplesPerSecond)}/s`,
      ours,
      ratio: times(speedToDefault),
      isMet: isAtLeast(speedToDefault, SPEED_TO_DEFAULT),
    })
  }
  rows.push({
    goal: toBest,
    against: `${short(fastest.tuplesPerSecond)}/s (${fastest.config})`,
    ours,
    ratio: times(speedToBest),
    isMet: isAtLeast(speedToBest, SPEED_TO_BEST),
  })
  return rows
}

function cpuRow(name: string, found: Comparison | undefined): GoalRow {
  const goal = `\`${name}\`: ${CPU_TO_BEST} × the tuples per CPU second`
  if (found === undefined) return missing(goal)
  return {
    goal,
    against: `${plain(found.thriftiest.cpuSecondsPerMillion)} CPU s/M (${found.thriftiest.config})`,
    ours: `${plain(found.ours.cpuSecondsPerMillion)} CPU s/M`,
    ratio: times(found.cpuToBest),
    isMet: isAtLeast(found.cpuToBest, CPU_TO_BEST),
  }
}

function betweenRow(name: string, found: Comparison | undefined): GoalRow {
  const goal = `\`${name}\`: ${SPEED_BETWEEN_WORKERS} × Storm's best between two workers`
  if (found === undefined) return missing(goal)
  return {
    goal,
    against: `${short(found.fastest.tuplesPerSecond)}/s (${found.fastest.config})`,
    ours: `${short(found.ours.tuplesPerSecond)}/s`,
    ratio: times(found.speedToBest),
    isMet: isAtLeast(found.speedToBest, SPEED_BETWEEN_WORKERS),
  }
}

function latencyRow(name: string, found: Comparison | undefined): GoalRow {
  const goal = `\`${name}\`: p50 and p99 below Storm's`
  if (found === undefined) return missing(goal)
  const { ours, quickest, p50ToBest, p99ToBest } = found
  return {
    goal,
    against: `${plain(quickest.p50Ms)} / ${plain(quickest.p99Ms)} ms`,
    ours: `${plain(ours.p50Ms)} / ${plain(ours.p99Ms)} ms`,
    ratio: `${times(p50ToBest)} / ${times(p99ToBest)}`,
    isMet: p50ToBest === null || p99ToBest === null ? undefined : p50ToBest > 1 && p99ToBest > 1,
  }
}

function loopRow(ours: Line | undefined, loop: Line | undefined, names: readonly [string, string]): GoalRow {
  const [name, loopName] = names
  const goal = `\`${name}\`: at most ${LOOP_COST_MAX} × the CPU of \`${loopName}\``
  const ourCpu = ours?.cpuSecondsPerMillion ?? null
  const loopCpu = loop?.cpuSecondsPerMillion ?? null
  if (ourCpu === null || loopCpu === null) return missing(goal)
  const cost = Number((ourCpu / loopCpu).toPrecision(3))
  return {
    goal,
    against: `${plain(loopCpu)} CPU s/M`,
    ours: `${plain(ourCpu)} CPU s/M`,
    ratio: times(cost),
    isMet: cost <= LOOP_COST_MAX,
  }
}

function limitRow(limit: Limit, line: Line | undefined): GoalRow {
  const value = line === undefined ? null : limit.read(line)
  const bound = limit.min ?? limit.max ?? 0
  const show = (figure: number) => `${limit.unit === '/s' ? short(figure) : plain(figure)}${limit.unit}`
  if (value === null) return { ...missing(limit.goal), against: show(bound) }
  return {
    goal: limit.goal,
    against: show(bound),
    ours: show(value),
    ratio: times(Number((value / bound).toPrecision(3))),
    isMet: limit.min === undefined ? value <= bound : value >= bound,
  }
}

function isAtLeast(value: number | null, bound: number): boolean | undefined {
  return value === null ? undefined : value >= bound
}

function numberOf(value: number | string | null | undefined): number | null {
  return typeof value === 'number' ? value : null
}
