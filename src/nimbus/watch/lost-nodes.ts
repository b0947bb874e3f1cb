/**
 * Which nodes are lost, of all that something is assigned to. Pure: judge-node.ts judges each by its own
 * signs; what is seen here is that many are gone at once.
 *
 * Invariants
 *   N1  two signs move a node (J1 of judge-node.ts)
 *   N2  when all have lost their sessions, it was the coordinator: nobody is moved before they could come
 *       back
 */
import { judgeNode, type NodeSeen } from '../judge/judge-node.ts'

export interface NodeSigns extends Omit<NodeSeen, 'nowMs' | 'leaderSinceMs'> {
  readonly node: string
}

export interface LossLimits {
  /** Monotonic, all times. */
  readonly nowMs: number
  readonly leaderSinceMs: number
  /** When the coordinator came back; undefined: it was never away. */
  readonly backMs: number | undefined
  /** Most nodes were not there when this leader looked first: a cluster that starts, not one that dies. */
  readonly wasEmpty: boolean
  /** Heartbeats older than this are silence. */
  readonly silentMs: number
  readonly leaseMs: number
}

/**
 * After an outage of the coordinator daemons begin new sessions, with waits of up to 5 s, and tell them
 * anew.
 */
const OUTAGE_GRACE_MS = 15_000

/** True if most have no session. */
export function isEmpty(signs: readonly Pick<NodeSigns, 'sessionLostSinceMs'>[]): boolean {
  const gone = signs.filter(({ sessionLostSinceMs }) => sessionLostSinceMs !== undefined)
  return gone.length * 2 > signs.length
}

export function lostNodes(signs: readonly NodeSigns[], limits: LossLimits): ReadonlySet<string> {
  const { nowMs, leaderSinceMs, backMs, silentMs, wasEmpty } = limits
  const gone = signs.filter(({ sessionLostSinceMs }) => sessionLostSinceMs !== undefined)
  const isAfterOutage = backMs !== undefined && nowMs - backMs < OUTAGE_GRACE_MS
  const isBeginning = wasEmpty && nowMs - leaderSinceMs <= silentMs
  const lost = gone.filter((each) => {
    if (each.heartbeatMs === undefined && (isAfterOutage || isBeginning)) return false
    return judgeNode({ ...each, nowMs, leaderSinceMs }, limits).state === 'dead'
  })
  return new Set(lost.map(({ node }) => node))
}
