/** What checks see inside of a worker process: private parts, by their names of today. */
import type { Pending } from '../../../src/flow/ack/pending.ts'
import type { PostOffice } from '../../../src/messaging/post-office.ts'
import type { SimProcess } from '../../../src/testing/cluster/sim-launcher.ts'
import type { Worker } from '../../../src/worker/worker.ts'

interface Running {
  readonly worker: Worker
  readonly office: { readonly post: PostOffice } | undefined
}

interface SpoutParts {
  readonly pending: Pending
  readonly verdicts: readonly unknown[]
}

export interface SpoutBooks {
  readonly component: string
  readonly emitted: number
  readonly acked: number
  readonly failed: number
  readonly open: number
  readonly pendingCount: number
}

function runningOf({ worker }: SimProcess): Running | undefined {
  return (worker as unknown as { seat?: { running?: Running } }).seat?.running
}

export function booksOf(process: SimProcess): readonly SpoutBooks[] {
  return (runningOf(process)?.worker.spoutTasks ?? []).map((task) => {
    const { stats, componentId } = task.self
    const { pending, verdicts } = task as unknown as SpoutParts
    return {
      component: componentId,
      emitted: stats.streams.get('default')?.emittedCount ?? 0,
      acked: stats.ackedCount,
      failed: stats.failedCount,
      open: pending.count + verdicts.length,
      pendingCount: task.pendingCount,
    }
  })
}

/** Peer → the incarnation it is believed to be. */
export function believedOf(process: SimProcess): ReadonlyMap<number, number> {
  const post = runningOf(process)?.office?.post as unknown as
    | { peers: Map<number, { incarnation: number }> }
    | undefined
  return new Map([...(post?.peers ?? [])].map(([worker, { incarnation }]) => [worker, incarnation]))
}

export function isWorkingIn(process: SimProcess): boolean {
  return runningOf(process)?.worker.loop !== undefined
}
