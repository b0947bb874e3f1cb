/**
 * Signs that a worker or a node may fail soon, in words: a trend that will cross a limit, or a level that
 * leaves no room. Judges the series of risk-history.ts; decides nothing else (judge-drain.ts does).
 *
 * Route: heartbeats → risk-history.ts → [here] → API, judge-drain.ts.
 *
 * A load that is high and level is no risk: a topology at full speed looks like that. Each rule wants a limit
 * that is near, and each says which.
 */
import type { Series } from './risk-history.ts'
import { median, risingFloor, SAMPLES_MIN, type Sample } from './trend.ts'

export interface WorkerLimits {
  readonly heapLimitBytes: number
  /** Delay of the loop at which it counts as hung. */
  readonly workerTimeoutMs: number
}

export interface NodeRiskLimits {
  readonly memoryBytes: number
  readonly diskBytes: number
  /** Topology → how often its workers on the node ended by themselves within the history. */
  readonly exits: ReadonlyMap<string, number>
}

/** How far ahead a trend is believed: twice the length of the history. */
export const HORIZON_MS = 10 * 60_000
/** Disks fill slower, and cannot be emptied by a restart: told earlier. */
export const DISK_HORIZON_MS = 30 * 60_000
/** Below this share of a limit a trend is not told: heaps of young workers grow as they should. */
export const MEMORY_SHARE_MIN = 0.6
/** Memory of a node this full has no room for a worker's collection. */
export const MEMORY_SHARE_FULL = 0.95
/** Disk this full: logs and bundles of a few minutes. */
export const DISK_SHARE_FULL = 0.97
/** Share of the worker's time-out: at a fifth, one long collection more is a hang. */
export const LOOP_DELAY_SHARE = 0.2
/** A loop that is busy all the time and late as well cannot catch up. */
export const LOOP_BUSY_SHARE = 0.98
/** Delay of a supervisor's loop at which its heartbeats and leases come late: half of what they come in. */
export const SUPERVISOR_DELAY_MS = 500
/** A link in one place is slower than this only in trouble; and it must be slower than it was. */
export const RTT_MIN_MS = 50
export const RTT_FACTOR = 4
/** Share of samples in the last minute without an echo. Two in a minute happen. */
export const ECHO_MISSED_SHARE = 0.25
/** Restarts in the history's five minutes: one is a crash, three are a pattern. */
export const WORKER_RESTARTS = 3
/**
 * The same of all workers of a node. Without those of the topology that ended most: one that crashes in a
 * loop does so wherever it runs, and is told of its workers.
 */
export const NODE_RESTARTS = 6
const NODE_RESTARTS_OF_OTHERS = 3
/** Samples of the last minute, which they must be of. */
const RECENT = 12
const RECENT_MS = 60_000

/**
 * `name`: as people know it, `worker orders-2`. Figures: heap, loopDelay, loopBusy, rtt, echoMissed,
 * restarts.
 */
export function judgeWorkerRisk(name: string, series: Series, limits: WorkerLimits): readonly string[] {
  return [
    ...memoryRisk(`heap of ${name}`, series['heap'] ?? [], limits.heapLimitBytes),
    ...loopRisk(name, series, limits.workerTimeoutMs),
    ...linkRisk(name, series),
    ...restartRisk(name, series['restarts'] ?? [], WORKER_RESTARTS),
  ]
}

/** Figures: memory, disk (used), loopDelay, rtt, echoMissed. */
export function judgeNodeRisk(name: string, series: Series, limits: NodeRiskLimits): readonly string[] {
  const delay = recentMedian(series['loopDelay'] ?? [])
  return [
    ...memoryRisk(`memory of ${name}`, series['memory'] ?? [], limits.memoryBytes),
    ...fullRisk(`memory of ${name}`, series['memory'] ?? [], limits.memoryBytes, MEMORY_SHARE_FULL),
    ...growthRisk(`disk of ${name}`, series['disk'] ?? [], limits.diskBytes, DISK_HORIZON_MS),
    ...fullRisk(`disk of ${name}`, series['disk'] ?? [], limits.diskBytes, DISK_SHARE_FULL),
    ...(delay >= SUPERVISOR_DELAY_MS
      ? [`supervisor of ${name} is ${seconds(delay)} late with its work`]
      : []),
    ...linkRisk(name, series),
    ...exitRisk(name, limits.exits),
  ]
}

function memoryRisk(name: string, samples: readonly Sample[], limit: number): readonly string[] {
  if ((samples.at(-1)?.value ?? 0) < limit * MEMORY_SHARE_MIN) return []
  return growthRisk(name, samples, limit, HORIZON_MS)
}

function growthRisk(
  name: string,
  samples: readonly Sample[],
  limit: number,
  horizonMs: number,
): readonly string[] {
  if (limit <= 0 || !couldReach(samples, limit, horizonMs)) return []
  const rise = risingFloor(samples)
  if (rise === undefined) return []
  const leftMs = (limit - rise.floor) / rise.slope
  if (leftMs > horizonMs) return []
  const minutes = Math.max(1, Math.round(leftMs / 60_000))
  const rate = megabytes(rise.slope * 60_000)
  return [`${name} grows ${rate}/min, its limit of ${megabytes(limit)} is reached in about ${minutes} min`]
}

/** Cheap, and true of most subjects: twice its whole range would not get there in time. */
function couldReach(samples: readonly Sample[], limit: number, horizonMs: number): boolean {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined || samples.length < SAMPLES_MIN) return false
  let least = first.value
  let most = first.value
  for (const { value } of samples) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return most + (2 * (most - least) * horizonMs) / Math.max(1, last.at - first.at) >= limit
}

function fullRisk(name: string, samples: readonly Sample[], limit: number, share: number): readonly string[] {
  if (limit <= 0 || samples.length < RECENT) return []
  const used = recentMedian(samples) / limit
  return used < share ? [] : [`${name} is ${Math.round(used * 100)} % full (${megabytes(limit)})`]
}

function loopRisk(name: string, series: Series, timeoutMs: number): readonly string[] {
  const delays = series['loopDelay'] ?? []
  const delay = recentMedian(delays)
  const hung = `it counts as hung at ${seconds(timeoutMs)}`
  if (delay >= timeoutMs * LOOP_DELAY_SHARE)
    return [`event loop of ${name} is ${seconds(delay)} late, ${hung}`]
  const busy = recentMedian(series['loopBusy'] ?? [])
  const rise = risingFloor(delays)
  if (rise === undefined || (timeoutMs - rise.floor) / rise.slope > HORIZON_MS) return []
  const share = busy >= LOOP_BUSY_SHARE ? `, and busy ${Math.round(busy * 100)} % of the time` : ''
  const minutes = Math.max(1, Math.round((timeoutMs - rise.floor) / rise.slope / 60_000))
  return [`event loop of ${name} is later and later${share}: ${hung}, in about ${minutes} min`]
}

function linkRisk(name: string, series: Series): readonly string[] {
  const found: string[] = []
  // Who has no links any more, for its workers are elsewhere, has no trouble with them either.
  const now = Math.max(...Object.values(series).map((samples) => samples.at(-1)?.at ?? 0))
  const isFresh = (samples: readonly Sample[]): boolean =>
    now - (samples.at(-RECENT)?.at ?? Number.NEGATIVE_INFINITY) < 2 * RECENT_MS
  const rtts = series['rtt'] ?? []
  const before = median(rtts.slice(0, -RECENT).map(({ value }) => value))
  const rtt = recentMedian(rtts)
  if (isFresh(rtts) && rtts.length >= 2 * RECENT && rtt >= RTT_MIN_MS && rtt >= before * RTT_FACTOR) {
    found.push(`echoes of links to ${name} take ${Math.round(rtt)} ms, ${Math.round(before)} ms before`)
  }
  const missed = (series['echoMissed'] ?? []).slice(-RECENT)
  const share = missed.reduce((sum, { value }) => sum + value, 0) / Math.max(1, missed.length)
  if (isFresh(missed) && missed.length >= RECENT && share >= ECHO_MISSED_SHARE) {
    found.push(
      `${Math.round(share * 100)} % of echoes of links to ${name} were missed within the last minute`,
    )
  }
  return found
}

/** `restarts` counts up and never resets: it is told by the leader, over incarnations. */
function restartRisk(name: string, samples: readonly Sample[], most: number): readonly string[] {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined) return []
  const count = last.value - first.value
  if (count < most) return []
  const minutes = Math.max(1, Math.round((last.at - first.at) / 60_000))
  return [`${name} was restarted ${count} times within ${minutes} min`]
}

function exitRisk(name: string, exits: ReadonlyMap<string, number>): readonly string[] {
  const counts = [...exits.values()]
  const total = counts.reduce((sum, count) => sum + count, 0)
  const others = total - Math.max(0, ...counts)
  if (total < NODE_RESTARTS || others < NODE_RESTARTS_OF_OTHERS) return []
  return [`workers of ${name} were restarted ${total} times within 5 min, of ${counts.length} topologies`]
}

/** 0 before there is a minute of samples: young subjects are not judged by their start. */
function recentMedian(samples: readonly Sample[]): number {
  return samples.length < RECENT ? 0 : median(samples.slice(-RECENT).map(({ value }) => value))
}

function megabytes(bytes: number): string {
  const mega = bytes / 2 ** 20
  return mega >= 10 ? `${Math.round(mega)} MB` : `${mega.toFixed(1)} MB`
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toPrecision(2))} s`
}
