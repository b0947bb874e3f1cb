/**
 * Signs of nodes, gathered: when their sessions went, when the coordinator itself was away, what their peers' links
 * show. Which of them are lost is judged by lost-nodes.ts (pure).
 */
import type { Board, BoardView } from '../../cluster/board.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'
import type { NimbusSettings } from '../settings.ts'
import { type NodeSigns, lostNodes } from './lost-nodes.ts'

export interface WatchTimes {
  /** Monotonic, both. */
  readonly nowMs: number
  readonly leadingSinceMs: number
}

export class NodeWatch {
  private readonly stops: readonly Stoppable[]
  private readonly settings: NimbusSettings
  /** Monotonic time at which the coordinator came back; undefined: it was never away. */
  private backMs: number | undefined = undefined
  private wasAway = false

  constructor(host: Host, board: Board, settings: NimbusSettings) {
    this.settings = settings
    this.stops = [
      board.onState((state) => {
        if (state === 'connected' && this.wasAway) this.backMs = host.clock.monotonicMs()
        this.wasAway = state !== 'connected'
      }),
    ]
  }

  stop(): void {
    for (const each of this.stops) each.stop()
  }

  deadNodes(
    view: BoardView,
    heard: ReadonlyMap<string, NodeHeard>,
    { nowMs, leadingSinceMs }: WatchTimes,
  ): ReadonlySet<string> {
    const assigned = new Set<string>()
    for (const { record } of view.assignments.values()) for (const { node } of record.workers) assigned.add(node)
    const seenByPeers = nodesSeenByPeers(view, heard, nowMs - this.settings.taskTimeoutMs)
    const signs = [...assigned].map((node): NodeSigns => {
      const found = heard.get(node)
      return {
        node,
        hasSession: view.supervisors.has(node),
        silentMs: found === undefined ? undefined : nowMs - found.atMs,
        isSeenByPeers: seenByPeers.has(node),
      }
    })
    return lostNodes(signs, {
      leadingMs: nowMs - leadingSinceMs,
      sinceOutageMs: this.backMs === undefined ? undefined : nowMs - this.backMs,
      silentMs: this.settings.taskTimeoutMs,
      leaseMs: this.settings.leaseMs,
    })
  }
}

/** Nodes whose workers still send to workers of other nodes, as those say. */
function nodesSeenByPeers(
  view: BoardView,
  heard: ReadonlyMap<string, NodeHeard>,
  sinceMs: number,
): ReadonlySet<string> {
  const seen = new Set<string>()
  for (const [node, { beat, atMs }] of heard) {
    if (atMs < sinceMs) continue
    for (const slot of beat.slots) {
      const workers = view.assignments.get(slot.topologyId ?? '')?.record.workers
      if (workers === undefined) continue
      for (const link of slot.beat?.links ?? []) {
        const other = workers.find(({ worker }) => worker === link.worker)?.node
        if (link.isReceiving && other !== undefined && other !== node) seen.add(other)
      }
    }
  }
  return seen
}
