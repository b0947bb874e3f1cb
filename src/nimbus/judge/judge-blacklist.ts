/**
 * A node that fails again and again gets nothing for a while: each of its returns would cost the topologies
 * on it another move. Pure.
 *
 * A node is on the list from its last failure on, for a time. Failures from before a release do not count
 * again: it is tried anew.
 */

export interface BlacklistSeen {
  readonly nowMs: number
  /** When the node was judged dead, ascending. Older ones may be missing. */
  readonly failuresMs: readonly number[]
  /** As in its record: until when it is, or was, on the list. undefined: never. */
  readonly untilMs: number | undefined
}

/** `nimbus.blacklist.*`. */
export interface BlacklistLimits {
  readonly spanMs: number
  readonly count: number
  readonly resumeMs: number
}

export interface BlacklistVerdict {
  readonly isListed: boolean
  /** When it is, or was, released. Goes into the record. */
  readonly untilMs: number | undefined
  readonly why: string
}

/** Failures that have to be kept: no more are ever looked at. */
export const FAILURES_KEPT_MAX = 100

export function judgeBlacklist(seen: BlacklistSeen, limits: BlacklistLimits): BlacklistVerdict {
  const { nowMs, untilMs } = seen
  if (untilMs !== undefined && nowMs < untilMs) {
    return { isListed: true, untilMs, why: `on the blacklist for ${duration(untilMs - nowMs)} more` }
  }
  const counted = seen.failuresMs.filter((atMs) => atMs > (untilMs ?? Number.NEGATIVE_INFINITY))
  const recent = counted.filter((atMs) => atMs > nowMs - limits.spanMs && atMs <= nowMs)
  const last = recent.at(-1)
  if (last === undefined || recent.length < limits.count) {
    return { isListed: false, untilMs, why: untilMs === undefined ? '' : 'released from the blacklist' }
  }
  const until = last + limits.resumeMs
  if (nowMs >= until) return { isListed: false, untilMs: until, why: 'released from the blacklist' }
  const why = `failed ${recent.length} times within ${duration(limits.spanMs)}`
  return { isListed: true, untilMs: until, why: `${why}, on the blacklist for ${duration(until - nowMs)}` }
}

function duration(ms: number): string {
  return ms < 120_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`
}
