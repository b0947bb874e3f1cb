/**
 * How often workers ended by themselves: by worker for the status of components, by node for what is at
 * risk. In memory, bounded by the workers and nodes on the board.
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
}

/** Ends in good order: nobody has to look at them. */
const orderly: ReadonlySet<ExitReason> = new Set(['shutdown', 'assignment-changed'])

export class RestartBook {
  private readonly pages = new Map<string, Map<number, number>>()
  private readonly starts = new Map<string, Map<number, WorkerStart>>()
  private readonly nodes = new Map<string, number>()

  add(topologyId: string, exit: WorkerExit): void {
    if (orderly.has(exit.reason)) return
    const page = this.pages.get(topologyId) ?? new Map<number, number>()
    this.pages.set(topologyId, page)
    page.set(exit.worker, (page.get(exit.worker) ?? 0) + 1)
    this.nodes.set(exit.node, (this.nodes.get(exit.node) ?? 0) + 1)
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

  countOf(topologyId: string, worker: number): number {
    return this.pages.get(topologyId)?.get(worker) ?? 0
  }

  /** Exits on a node. */
  countOn(node: string): number {
    return this.nodes.get(node) ?? 0
  }

  keepOnly(isKnown: (topologyId: string) => boolean, isNode: (node: string) => boolean): void {
    for (const id of this.pages.keys()) if (!isKnown(id)) this.pages.delete(id)
    for (const id of this.starts.keys()) if (!isKnown(id)) this.starts.delete(id)
    for (const node of this.nodes.keys()) if (!isNode(node)) this.nodes.delete(node)
  }
}
