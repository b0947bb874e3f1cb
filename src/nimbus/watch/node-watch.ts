/**
 * Signs of nodes, gathered: when their sessions went, when the coordinator itself was away, what their
 * peers' links show. lost-nodes.ts says which of them are lost; here it is remembered how often each was.
 *
 * Bound: nodes that the board or an assignment names; 100 failures each.
 */
import type { Board, BoardView } from '../../cluster/board.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import { FAILURES_KEPT_MAX } from '../judge/judge-blacklist.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'
import type { NimbusSettings } from '../settings.ts'
import { isEmpty, lostNodes, type NodeSigns } from './lost-nodes.ts'

interface Sign {
  /** Monotonic. */
  readonly knownSinceMs: number
  lostSinceMs: number | undefined
  isDead: boolean
  /** Times at which it was judged dead, milliseconds since 1970. */
  readonly failures: number[]
}

export class NodeWatch {
  private readonly host: Host
  private readonly stops: readonly Stoppable[]
  private readonly settings: NimbusSettings
  private readonly signs = new Map<string, Sign>()
  /** Monotonic time at which the coordinator came back; undefined: it was never away. */
  private backMs: number | undefined = undefined
  private wasAway = false
  private begun: { readonly leaderSinceMs: number; readonly wasEmpty: boolean } | undefined = undefined

  constructor(host: Host, board: Board, settings: NimbusSettings) {
    this.host = host
    this.settings = settings
    this.stops = [
      board.onState((state) => {
        if (state === 'connected' && this.wasAway) this.backMs = host.clock.monotonicMs()
        this.wasAway = state !== 'connected'
      }),
      board.onChange(({ part, id }) => {
        if (part === 'supervisors') this.see(id, board.view.supervisors.has(id))
      }),
    ]
  }

  /** Times at which nodes were judged dead, milliseconds since 1970. */
  get failures(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.signs].map(([node, { failures }]) => [node, failures]))
  }

  stop(): void {
    for (const each of this.stops) each.stop()
  }

  /** Nodes that are lost now. `leaderSinceMs` is monotonic. */
  deadNodes(
    view: BoardView,
    heard: ReadonlyMap<string, NodeHeard>,
    leaderSinceMs: number,
  ): ReadonlySet<string> {
    const nowMs = this.host.clock.monotonicMs()
    const assigned = new Set<string>()
    for (const { record } of view.assignments.values())
      for (const { node } of record.workers) assigned.add(node)
    const peersHeard = heardByPeers(view, heard)
    const signs = [...assigned].map((node): NodeSigns => {
      const sign = this.see(node, view.supervisors.has(node))
      // What came when this Nimbus led before says nothing of now.
      const atMs = heard.get(node)?.atMs
      return {
        node,
        sessionLostSinceMs: sign.lostSinceMs,
        heartbeatMs: atMs !== undefined && atMs >= leaderSinceMs ? atMs : undefined,
        peersHeardMs: peersHeard.get(node),
        knownSinceMs: sign.knownSinceMs,
      }
    })
    // Asked once in a leadership: as nodes come back one by one, the last ones are still coming.
    if (this.begun?.leaderSinceMs !== leaderSinceMs) this.begun = { leaderSinceMs, wasEmpty: isEmpty(signs) }
    const dead = lostNodes(signs, {
      wasEmpty: this.begun.wasEmpty,
      nowMs,
      leaderSinceMs,
      backMs: this.backMs,
      silentMs: this.settings.taskTimeoutMs,
      leaseMs: this.settings.leaseMs,
    })
    this.count(dead)
    for (const node of this.signs.keys()) {
      if (!assigned.has(node) && !view.supervisors.has(node) && !this.isRemembered(node))
        this.signs.delete(node)
    }
    return dead
  }

  private see(node: string, hasSession: boolean): Sign {
    const nowMs = this.host.clock.monotonicMs()
    let sign = this.signs.get(node)
    if (sign === undefined) {
      sign = { knownSinceMs: nowMs, lostSinceMs: undefined, isDead: false, failures: [] }
      this.signs.set(node, sign)
      // It was gone before anybody here looked: nobody waits for it.
      if (!hasSession) sign.lostSinceMs = Number.NEGATIVE_INFINITY
    }
    if (hasSession) sign.lostSinceMs = undefined
    else sign.lostSinceMs ??= nowMs
    return sign
  }

  private count(dead: ReadonlySet<string>): void {
    for (const [node, sign] of this.signs) {
      const isDead = dead.has(node)
      if (isDead && !sign.isDead) {
        sign.failures.push(this.host.clock.now())
        if (sign.failures.length > FAILURES_KEPT_MAX) sign.failures.shift()
      }
      // With nothing assigned to it, it is not judged: dead it stays until its session is back.
      if (isDead || sign.lostSinceMs === undefined) sign.isDead = isDead
    }
  }

  /** A node that comes and goes is not there in between, and must not be new each time. */
  private isRemembered(node: string): boolean {
    const last = this.signs.get(node)?.failures.at(-1)
    return last !== undefined && this.host.clock.now() - last < this.settings.blacklist.spanMs
  }
}

/** When workers of other nodes last said that they receive from a node's workers. Monotonic. */
function heardByPeers(view: BoardView, heard: ReadonlyMap<string, NodeHeard>): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const [node, { beat, atMs }] of heard) {
    for (const slot of beat.slots) {
      const workers = view.assignments.get(slot.topologyId ?? '')?.record.workers
      if (workers === undefined) continue
      for (const link of slot.beat?.links ?? []) {
        const other = workers.find(({ worker }) => worker === link.worker)?.node
        if (link.isReceiving && other !== undefined && other !== node)
          found.set(other, Math.max(found.get(other) ?? 0, atMs))
      }
    }
  }
  return found
}
