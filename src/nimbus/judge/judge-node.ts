/**
 * Is a node up, silent, or dead? Decides only; whoever gathers the facts acts on it.
 *
 *              session there          session gone
 *            ┌────────────────────┬──────────────────────────────────────────────┐
 *   beats    │ up                 │ silent: one sign is not enough               │
 *   come     │                    │                                              │
 *            ├────────────────────┼──────────────────────────────────────────────┤
 *   beats    │ silent: a slow net │ dead                                         │
 *   missing  │ shows this as well │ but silent until lease + 1 s have passed, if │
 *            │                    │ peers still hear its workers                 │
 *            └────────────────────┴──────────────────────────────────────────────┘
 *
 * Why that wait: workers that are heard live, so it may be only their supervisor that is gone, and whoever
 * looks after it needs time to start it again, so that it takes its workers back and nothing is moved. After
 * lease + 1 s workers without a supervisor have ended themselves. If they are still heard, their supervisor
 * lives and is cut off together with them: it renews their leases, and they work on until somebody tells it.
 * The wait does not rest on their end. What is started elsewhere has a newer incarnation, and peers refuse
 * the old one.
 *
 * Invariants
 *   J1  dead needs both signs
 *   J2  a leader that is new gives nodes with a session one time-out for their first heartbeat, and waits for
 *       no
 *       node whose session was gone before it led
 *   J3  once a node is dead by the facts it stays so until one of its signs is back
 *   J4  `lookAgainMs` is when the answer may change although nothing new is heard
 */

export interface NodeSeen {
  readonly nowMs: number
  /** Since when its ephemeral has been gone; undefined: it is there. */
  readonly sessionLostSinceMs: number | undefined
  /** Newest heartbeat that came to this leader; undefined: none yet. */
  readonly heartbeatMs: number | undefined
  /** When a peer's link last showed one of its workers alive; undefined: never. */
  readonly peersHeardMs: number | undefined
  readonly leaderSinceMs: number
  /** When this leader first saw the node on the board, or in an assignment. */
  readonly knownSinceMs: number
}

export interface NodeLimits {
  /** `nimbus.task.timeout.secs`: age at which heartbeats, and word of peers, are missing. */
  readonly silentMs: number
  /** `supervisor.worker.lease.secs`: how long its workers go on without their supervisor. */
  readonly leaseMs: number
}

export interface NodeVerdict {
  readonly state: 'up' | 'silent' | 'dead'
  readonly why: string
  /** undefined: not before something is heard. */
  readonly lookAgainMs: number | undefined
}

/** A worker that lost its supervisor needs a moment to end itself when its lease is over. */
export const LEASE_GRACE_MS = 1_000

/** One decision. The same arguments always give the same answer. */
export function judgeNode(seen: NodeSeen, limits: NodeLimits): NodeVerdict {
  const { nowMs, heartbeatMs, sessionLostSinceMs } = seen
  // Before the first heartbeat, silence counts from when there was somebody to hear it.
  const quietSinceMs = heartbeatMs ?? Math.max(seen.leaderSinceMs, seen.knownSinceMs)
  const silentAtMs = quietSinceMs + limits.silentMs
  if (sessionLostSinceMs === undefined) return judgeWithSession(seen, quietSinceMs, silentAtMs)
  const wasGoneBefore = heartbeatMs === undefined && sessionLostSinceMs <= seen.leaderSinceMs
  const age = seconds(nowMs - quietSinceMs)
  if (nowMs <= silentAtMs && !wasGoneBefore) {
    const beats = heartbeatMs === undefined ? 'a first heartbeat may still come' : 'heartbeats come'
    return { state: 'silent', why: `its session is gone, ${beats}`, lookAgainMs: silentAtMs + 1 }
  }
  const waitOverMs = quietSinceMs + limits.leaseMs + LEASE_GRACE_MS
  if (isHeardByPeers(seen, limits) && nowMs < waitOverMs) {
    const why = 'session and heartbeats are gone, peers still hear its workers: its supervisor may come back'
    return { state: 'silent', why, lookAgainMs: nextLook(seen, limits, waitOverMs) }
  }
  const beats = heartbeatMs === undefined ? 'no heartbeat has come' : `no heartbeat for ${age}`
  const gone = seconds(nowMs - sessionLostSinceMs)
  return { state: 'dead', why: `its session is gone for ${gone}, ${beats}`, lookAgainMs: undefined }
}

function judgeWithSession(
  { nowMs, heartbeatMs }: NodeSeen,
  quietSinceMs: number,
  silentAtMs: number,
): NodeVerdict {
  const isNew = heartbeatMs === undefined
  if (nowMs <= silentAtMs) {
    const why = isNew ? 'its session is there, a first heartbeat may still come' : 'session and heartbeats'
    return { state: 'up', why, lookAgainMs: silentAtMs + 1 }
  }
  const age = seconds(nowMs - quietSinceMs)
  const why = isNew ? `no heartbeat has come for ${age}` : `no heartbeat for ${age}`
  return { state: 'silent', why: `${why}, its session is there`, lookAgainMs: undefined }
}

function isHeardByPeers({ nowMs, peersHeardMs }: NodeSeen, { silentMs }: NodeLimits): boolean {
  return peersHeardMs !== undefined && nowMs - peersHeardMs <= silentMs
}

/** Peers may hear nothing any more before the wait is over: then nothing speaks for the node. */
function nextLook(seen: NodeSeen, { silentMs }: NodeLimits, waitOverMs: number): number {
  return Math.min(waitOverMs, (seen.peersHeardMs ?? 0) + silentMs + 1)
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)} s`
}
