/**
 * The speed goals as a table: what was wanted, what Storm or a loop does, what we do, and whether it is
 * met.
 */
import type { Line } from './case.ts'
import { STORM_MACHINE_WORDS } from './loops/yardstick.ts'
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
  /**
   * The ratio if this machine were as fast as Storm's was. Where Storm was measured beside it: leave it
   * aside.
   */
  readonly adjusted?: string
  readonly isMetAdjusted?: boolean | undefined
}

/** Speed of this machine as a share of that on which Storm was measured; null: not known. */
export function machineSpeed(lines: readonly Line[]): number | null {
  const words = lines.find((line) => line.name === 'loop/yardstick')?.tuplesPerSecond ?? null
  return words === null ? null : Number((words / STORM_MACHINE_WORDS).toPrecision(3))
}

/** A ratio to Storm and its goal, as it is and adjusted. */
function toStorm(ratio: number | null, min: number, speed: number | null) {
  const adjusted = ratio === null || speed === null ? null : Number((ratio / speed).toPrecision(3))
  return {
    ratio: times(ratio),
    isMet: isAtLeast(ratio, min),
    adjusted: times(adjusted),
    isMetAdjusted: isAtLeast(adjusted, min),
  }
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
const RATE_HELD_MIN = 0.95

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

/** `isSameHour`: Storm ran beside this, so its ratios need no adjusting; absolute limits still do. */
export function goalRows(
  lines: readonly Line[],
  storm: readonly StormRow[],
  isSameHour = false,
): readonly GoalRow[] {
  const byName = new Map(lines.map((line) => [line.name, line]))
  const speed = machineSpeed(lines)
  const speedToStorm = isSameHour ? null : speed
  const comparisons = new Map(compareWithStorm(lines, storm).map((row) => [row.name, row]))
  return [
    ...ackedWithin.flatMap((name) => ackedRows(name, comparisons.get(name), speedToStorm)),
    ...unackedWithin.map((name) => cpuRow(name, comparisons.get(name), speedToStorm)),
    ...betweenWorkers.map((name) => betweenRow(name, comparisons.get(name), speedToStorm)),
    ...atFixedRates.map((name) => latencyRow(name, comparisons.get(name))),
    ...loops.map(([ours, loop]) => loopRow(byName.get(ours), byName.get(loop), [ours, loop])),
    ...plainLoops.map(([ours, loop]) => loopRow(byName.get(ours), byName.get(loop), [ours, loop])),
    ...limits.map((limit) => limitRow(limit, byName.get(limit.name), speed)),
  ]
}

function missing(goal: string): GoalRow {
  return { goal, against: '–', ours: '–', ratio: '–', isMet: undefined }
}

function ackedRows(name: string, found: Comparison | undefined, speed: number | null): readonly GoalRow[] {
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
      ...toStorm(speedToDefault, SPEED_TO_DEFAULT, speed),
    })
  }
  rows.push({
    goal: toBest,
    against: `${short(fastest.tuplesPerSecond)}/s (${fastest.config})`,
    ours,
    ...toStorm(speedToBest, SPEED_TO_BEST, speed),
  })
  return rows
}

function cpuRow(name: string, found: Comparison | undefined, speed: number | null): GoalRow {
  const goal = `\`${name}\`: ${CPU_TO_BEST} × the tuples per CPU second`
  if (found === undefined) return missing(goal)
  return {
    goal,
    against: `${plain(found.thriftiest.cpuSecondsPerMillion)} CPU s/M (${found.thriftiest.config})`,
    ours: `${plain(found.ours.cpuSecondsPerMillion)} CPU s/M`,
    ...toStorm(found.cpuToBest, CPU_TO_BEST, speed),
  }
}

function betweenRow(name: string, found: Comparison | undefined, speed: number | null): GoalRow {
  const goal = `\`${name}\`: ${SPEED_BETWEEN_WORKERS} × Storm's best between two workers`
  if (found === undefined) return missing(goal)
  return {
    goal,
    against: `${short(found.fastest.tuplesPerSecond)}/s (${found.fastest.config})`,
    ours: `${short(found.ours.tuplesPerSecond)}/s`,
    ...toStorm(found.speedToBest, SPEED_BETWEEN_WORKERS, speed),
  }
}

function latencyRow(name: string, found: Comparison | undefined): GoalRow {
  const goal = `\`${name}\`: p50 and p99 below Storm's`
  if (found === undefined) return missing(goal)
  const { ours, quickest, p50ToBest, p99ToBest } = found
  // A rate that was not kept up is another, easier one.
  const isHeld = (numberOf(ours['rateHeld']) ?? 1) >= RATE_HELD_MIN
  return {
    goal,
    against: `${plain(quickest.p50Ms)} / ${plain(quickest.p99Ms)} ms`,
    ours: `${plain(ours.p50Ms)} / ${plain(ours.p99Ms)} ms`,
    ratio: `${times(p50ToBest)} / ${times(p99ToBest)}`,
    isMet: p50ToBest === null || p99ToBest === null ? undefined : isHeld && p50ToBest > 1 && p99ToBest > 1,
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

function limitRow(limit: Limit, line: Line | undefined, speed: number | null): GoalRow {
  const value = line === undefined ? null : limit.read(line)
  const bound = limit.min ?? limit.max ?? 0
  const show = (figure: number) => `${limit.unit === '/s' ? short(figure) : plain(figure)}${limit.unit}`
  if (value === null) return { ...missing(limit.goal), against: show(bound) }
  if (limit.min !== undefined) {
    const ratio = Number((value / limit.min).toPrecision(3))
    return { goal: limit.goal, against: show(bound), ours: show(value), ...toStorm(ratio, 1, speed) }
  }
  return {
    goal: limit.goal,
    against: show(bound),
    ours: show(value),
    ratio: times(Number((value / bound).toPrecision(3))),
    isMet: value <= bound,
  }
}

function isAtLeast(value: number | null, bound: number): boolean | undefined {
  return value === null ? undefined : value >= bound
}

function numberOf(value: number | string | null | undefined): number | null {
  return typeof value === 'number' ? value : null
}
