/**
 * How often workers ended by themselves: by component for its status, by node and topology for what is at
 * risk. In memory, bounded by the components and nodes on the board.
 *
 * Invariants
 *   R1  the count of a component only grows while its topology lives and this Nimbus does: an end is counted
 *       for what the worker had then, not for what it has when somebody asks
 */
import type { ExitReason } from '../../cluster/seat-messages.ts'

export interface WorkerStart {
  readonly incarnation: number
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface WorkerExit {
  readonly node: string
  readonly worker: number
  readonly reason: ExitReason
  /** Milliseconds since 1970, by this Nimbus. */
  readonly at: number
  /** What had executors in the worker. Asked for only when the end counts. */
  readonly components: () => Iterable<string>
}

/** As long as the history of the other signs. */
const RECENT_MS = 5 * 60_000
/** Ends kept of a topology on a node: more say nothing more. */
const RECENT_MAX = 32

/** Ends in good order: nobody has to look at them. */
const orderly: ReadonlySet<ExitReason> = new Set(['shutdown', 'assignment-changed'])

export class RestartBook {
  private readonly pages = new Map<string, Map<string, number>>()
  private readonly starts = new Map<string, Map<number, WorkerStart>>()
  private readonly nodes = new Map<string, number>()
  /** Node → topology → when, the newest last. */
  private readonly recent = new Map<string, Map<string, number[]>>()

  add(topologyId: string, exit: WorkerExit): void {
    if (orderly.has(exit.reason)) return
    const { node, at } = exit
    const page = this.pages.get(topologyId) ?? new Map<string, number>()
    this.pages.set(topologyId, page)
    for (const component of new Set(exit.components())) page.set(component, (page.get(component) ?? 0) + 1)
    this.nodes.set(node, (this.nodes.get(node) ?? 0) + 1)
    const onNode = this.recent.get(node) ?? new Map<string, number[]>()
    this.recent.set(node, onNode)
    onNode.set(topologyId, [...(onNode.get(topologyId) ?? []), at].slice(-RECENT_MAX))
  }

  started(topologyId: string, worker: number, start: WorkerStart): void {
    const page = this.starts.get(topologyId) ?? new Map<number, WorkerStart>()
    this.starts.set(topologyId, page)
    page.set(worker, start)
  }

  /** When this incarnation of a worker was up; undefined: this Nimbus was not told. */
  startOf(topologyId: string, worker: number, incarnation: number): number | undefined {
    const start = this.starts.get(topologyId)?.get(worker)
    return start?.incarnation === incarnation ? start.at : undefined
  }

  countOf(topologyId: string, component: string): number {
    return this.pages.get(topologyId)?.get(component) ?? 0
  }

  /** Topology → exits on a node within the last minutes. */
  recentOn(node: string, now: number): ReadonlyMap<string, number> {
    const found = new Map<string, number>()
    for (const [topologyId, times] of this.recent.get(node) ?? []) {
      const count = times.filter((at) => now - at <= RECENT_MS).length
      if (count > 0) found.set(topologyId, count)
    }
    return found
  }

  /** Exits on a node. */
  countOn(node: string): number {
    return this.nodes.get(node) ?? 0
  }

  keepOnly(isKnown: (topologyId: string) => boolean, isNode: (node: string) => boolean): void {
    for (const id of this.pages.keys()) if (!isKnown(id)) this.pages.delete(id)
    for (const id of this.starts.keys()) if (!isKnown(id)) this.starts.delete(id)
    for (const node of this.nodes.keys()) if (!isNode(node)) this.nodes.delete(node)
    for (const [node, onNode] of this.recent) {
      if (!isNode(node)) this.recent.delete(node)
      for (const id of onNode.keys()) if (!isKnown(id)) onNode.delete(id)
    }
  }
}
