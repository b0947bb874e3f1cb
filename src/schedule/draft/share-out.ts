/**
 * Shares executors of the pool out over workers, evenly: each goes to the worker with the fewest of its
 * component, among those to the one with the fewest at all; nobody gets more than an even share of all as
 * long as another has less. From nothing that is the placement of even.ts, onto workers that have some it
 * fills the gaps. Executors that fit nowhere stay in the pool.
 */
import type { Draft, DraftWorker } from './draft.ts'

/** May the executor go there, besides what the draft says? */
export type Allow = (worker: DraftWorker, executor: number) => boolean

export function shareOut(
  draft: Draft,
  workers: readonly DraftWorker[],
  executors: readonly number[],
  allow?: Allow,
): void {
  const isFree = draft.isFree && allow === undefined
  const placed = workers.reduce((sum, worker) => sum + worker.executors.size, 0)
  const share = Math.ceil((placed + executors.length) / workers.length)
  for (const executor of executors) {
    const component = draft.component(executor)
    let best: DraftWorker | undefined
    let bestCount = 0
    for (const worker of workers) {
      // A full share counts as many of the component as nobody has: it comes last.
      const count =
        (worker.counts[component] ?? 0) + (worker.executors.size < share ? 0 : executors.length + share)
      if (best !== undefined && count > bestCount) continue
      if (best !== undefined && count === bestCount && worker.executors.size >= best.executors.size) continue
      if (!isFree && !(draft.fits(worker, executor) && (allow?.(worker, executor) ?? true))) continue
      best = worker
      bestCount = count
    }
    if (best !== undefined) draft.place(best, executor)
  }
}

/** Each executor to the node on which it leaves least: fuller nodes, less evenly, but more of them fit. */
export function packIn(draft: Draft, workers: readonly DraftWorker[], executors: readonly number[]): void {
  for (const executor of executors) {
    let best: DraftWorker | undefined
    let bestLeft = 0
    for (const worker of workers) {
      const { cpuFree, cpuPercent, memoryFree, memoryBytes } = worker.node
      const left = cpuFree / Math.max(cpuPercent, 1) + memoryFree / Math.max(memoryBytes, 1)
      if (best !== undefined && left >= bestLeft) continue
      if (!draft.fits(worker, executor)) continue
      best = worker
      bestLeft = left
    }
    if (best !== undefined) draft.place(best, executor)
  }
}

/** The pool in order of numbers: components one after the other. */
export function inTurn(draft: Draft): number[] {
  return [...draft.pool].sort((a, b) => a - b)
}

/** What is hardest to place first: components under rules, then what asks for most. */
export function heaviestFirst(draft: Draft): number[] {
  const { nodeMax, apartNodes, apartWorkers } = draft.rules
  let cpuMost = 1
  let memoryMost = 1
  for (const executor of draft.pool) {
    cpuMost = Math.max(cpuMost, draft.executor(executor).cpuPercent)
    memoryMost = Math.max(memoryMost, draft.executor(executor).memoryBytes)
  }
  const weight = (executor: number): number => {
    const component = draft.component(executor)
    const isRuled =
      (nodeMax[component] ?? 0) < Number.POSITIVE_INFINITY ||
      (apartNodes[component] ?? []).length + (apartWorkers[component] ?? []).length > 0
    const { cpuPercent, memoryBytes } = draft.executor(executor)
    // A ruled component stands before any other: shares add up to two at most.
    return (isRuled ? 3 : 0) + cpuPercent / cpuMost + memoryBytes / memoryMost
  }
  return inTurn(draft).sort((a, b) => weight(b) - weight(a) || a - b)
}
