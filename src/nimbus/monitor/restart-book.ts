/**
 * How often workers ended, and why: by worker for the status of components, by node for the blacklist. In memory.
 *
 * Bounds: the workers of the topologies on the board; 200 exits a topology with their time, the rest is counted.
 */
import type { ExitReason } from '../../cluster/seat-messages.ts'

const EXITS_KEPT = 200

export interface WorkerExit {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly node: string
  readonly worker: number
  readonly reason: ExitReason
}

interface Page {
  readonly counts: Map<number, number>
  readonly exits: WorkerExit[]
}

/** Ends in good order: nobody has to look at them. */
const orderly: ReadonlySet<ExitReason> = new Set(['shutdown', 'assignment-changed'])

export class RestartBook {
  private readonly pages = new Map<string, Page>()

  add(topologyId: string, exit: WorkerExit): void {
    if (orderly.has(exit.reason)) return
    let page = this.pages.get(topologyId)
    if (page === undefined) {
      page = { counts: new Map(), exits: [] }
      this.pages.set(topologyId, page)
    }
    page.counts.set(exit.worker, (page.counts.get(exit.worker) ?? 0) + 1)
    page.exits.push(exit)
    if (page.exits.length > EXITS_KEPT) page.exits.shift()
  }

  countOf(topologyId: string, worker: number): number {
    return this.pages.get(topologyId)?.counts.get(worker) ?? 0
  }

  /** Exits on a node since then. */
  exitsOn(node: string, since: number): readonly WorkerExit[] {
    return [...this.pages.values()].flatMap(({ exits }) =>
      exits.filter((exit) => exit.node === node && exit.at >= since),
    )
  }

  keepOnly(isKnown: (topologyId: string) => boolean): void {
    for (const id of this.pages.keys()) if (!isKnown(id)) this.pages.delete(id)
  }
}
