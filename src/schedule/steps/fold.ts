/**
 * The last resort, when there is no slot: executors without a worker go to the workers that are left, and so
 * do those of workers that should leave, if all of one fit. A topology with fewer workers runs; one with
 * executors nowhere stands still. What fits nowhere stays in the pool and is explained.
 */
import type { Draft, DraftWorker } from '../draft/draft.ts'
import { heaviestFirst, inTurn, packIn, shareOut } from '../draft/share-out.ts'

export function fold(draft: Draft): void {
  const staying = draft.staying()
  if (draft.pool.size > 0 && staying.length > 0) {
    const sizes = new Map(staying.map((worker) => [worker, worker.executors.size]))
    shareOut(draft, staying, draft.isFree ? inTurn(draft) : heaviestFirst(draft))
    if (draft.isResourceAware) packIn(draft, staying, heaviestFirst(draft))
    for (const worker of staying) {
      if (worker.executors.size > (sizes.get(worker) ?? 0)) draft.say(worker.worker, whyTaking(draft))
    }
  }
}

/** Workers that should leave and found no slot: those whose executors fit elsewhere are dissolved. */
export function dissolve(draft: Draft): void {
  const staying = draft.staying()
  if (staying.length === 0) return
  for (const worker of draft.leaving()) tryDissolve(draft, worker, staying)
}

function whyTaking(draft: Draft): string {
  return draft.workers.size < draft.workersWanted
    ? 'takes over executors for which no slot is free'
    : 'takes over executors of workers that are gone'
}

/** All or nothing: it lives, so none of its executors may end up nowhere. */
function tryDissolve(draft: Draft, worker: DraftWorker, staying: readonly DraftWorker[]): void {
  const group = [...worker.executors]
  for (const executor of group) draft.remove(worker, executor)
  shareOut(draft, staying, group)
  if (group.some((executor) => draft.pool.has(executor))) {
    for (const other of staying) {
      for (const executor of group) if (other.executors.has(executor)) draft.remove(other, executor)
    }
    for (const executor of group) draft.place(worker, executor)
    return
  }
  for (const other of staying) {
    if (group.some((executor) => other.executors.has(executor))) draft.say(other.worker, whyTaking(draft))
  }
  draft.say(worker.worker, worker.whyLeaving ?? '')
  draft.close(worker)
}
