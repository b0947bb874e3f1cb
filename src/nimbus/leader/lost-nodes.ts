/**
 * Which nodes are lost. Pure.
 *
 *   session   heartbeats      peers still hear its workers    verdict
 *   there     any             any                             stays: a supervisor that is silent is no lost node
 *   gone      fresh           any                             stays: it talks to us, only not to the coordinator
 *   gone      silent          no                              lost
 *   gone      silent          yes                             lost after lease + 1 s: its workers end by then
 *   gone      never heard     any                             lost, but for the grace of a cluster that comes back
 *
 * Invariants
 *   N1  two signs move a node
 *   N2  when all have lost their sessions, it was the coordinator: nobody is moved before they could come back
 */

export interface NodeSigns {
  readonly node: string
  readonly hasSession: boolean
  /** Age of its newest heartbeat; undefined: never heard. */
  readonly silentMs: number | undefined
  /** Workers of other nodes still receive from its workers. */
  readonly isSeenByPeers: boolean
}

export interface LossLimits {
  /** How long this leadership has been held. */
  readonly leadingMs: number
  /** Since the coordinator came back; undefined: it was never away. */
  readonly sinceOutageMs: number | undefined
  /** Heartbeats older than this are silence. */
  readonly silentMs: number
  readonly leaseMs: number
}

/** After an outage of the coordinator daemons begin new sessions, with waits of up to 5 s, and tell them anew. */
const OUTAGE_GRACE_MS = 15_000
const LEASE_MARGIN_MS = 1_000

export function lostNodes(signs: readonly NodeSigns[], limits: LossLimits): ReadonlySet<string> {
  const gone = signs.filter(({ hasSession }) => !hasSession)
  const isAfterOutage = limits.sinceOutageMs !== undefined && limits.sinceOutageMs < OUTAGE_GRACE_MS
  // A leader that begins among nodes of which most are not there sees a cluster that starts, not one that dies.
  const isBeginning = limits.leadingMs < limits.silentMs && gone.length * 2 > signs.length
  const hasGrace = isAfterOutage || isBeginning
  return new Set(gone.filter((each) => isLost(each, limits, hasGrace)).map(({ node }) => node))
}

function isLost({ silentMs, isSeenByPeers }: NodeSigns, limits: LossLimits, hasGrace: boolean): boolean {
  if (silentMs === undefined) return !hasGrace
  if (silentMs <= limits.silentMs) return false
  return !isSeenByPeers || silentMs > limits.leaseMs + LEASE_MARGIN_MS
}
