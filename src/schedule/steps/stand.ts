/**
 * Fills a draft with what runs: who can stay where it is, who should leave, who has lost its slot.
 *
 *   homeless   its node is dead or unknown, its port is gone, the slot is somebody else's, it was said to be
 *   lost leaving    its node is drained, on the blacklist, or kept for others
 *   staying    all others
 *
 * A new layout keeps the slots and nothing else: every executor is in the pool again.
 */
import { assertDefined } from '../../base/assert.ts'
import type { Draft } from '../draft/draft.ts'
import type { DraftNode } from '../draft/draft-node.ts'
import type { PlannedWorker } from '../request.ts'

export function standOn(draft: Draft, nodes: ReadonlyMap<string, DraftNode>): void {
  const { current } = draft.topology
  if (current === undefined) return
  for (const worker of current.workers) {
    // Never the same executor twice, nor one that is no more, whatever the record says.
    const executors = current.isSameLayout ? worker.executors.filter((number) => draft.pool.has(number)) : []
    if (current.isSameLayout && executors.length === 0) continue
    if (draft.workers.has(worker.worker)) continue
    if (current.isSameLayout) keepWorker(draft, nodes.get(worker.node), worker, executors)
    else keepSlot(draft, nodes.get(worker.node), worker)
  }
  if (!draft.isHeld) dropSurplus(draft)
}

function keepWorker(
  draft: Draft,
  node: DraftNode | undefined,
  was: PlannedWorker,
  executors: readonly number[],
): void {
  const why = whyHomeless(draft, node, was)
  if (why !== undefined) {
    for (const executor of executors) draft.pool.delete(executor)
    const { worker, generation, port } = was
    draft.homeless.push({ worker, generation, executors, why, node: was.node, port })
    return
  }
  const here = assertDefined(node, 'a worker with a slot has a node')
  const whyLeaving = whyLeavingOf(draft, here)
  if (whyLeaving !== undefined) draft.leavers.add(was.worker)
  const worker = draft.open(was.worker, here, was.port, { generation: was.generation, whyLeaving })
  for (const executor of executors) draft.place(worker, executor, true)
}

function keepSlot(draft: Draft, node: DraftNode | undefined, was: PlannedWorker): void {
  const whyLeaving = node === undefined || draft.isHeld ? undefined : whyLeavingOf(draft, node)
  const why = whyHomeless(draft, node, was) ?? whyLeaving
  if (why !== undefined || node === undefined) {
    draft.say(was.worker, why ?? `${was.node} is not in the cluster`)
    return
  }
  draft.open(was.worker, node, was.port, { generation: was.generation + 1 })
}

function whyHomeless(draft: Draft, node: DraftNode | undefined, was: PlannedWorker): string | undefined {
  if (node === undefined) return `${was.node} is not in the cluster`
  if (!node.isUp) return node.whyLeft
  if (!node.hasPort(was.port)) return `${was.node} has no slot ${was.port} any more`
  if (draft.topology.lostWorkers.includes(was.worker)) return 'the worker was lost'
  return node.freePorts.includes(was.port) ? undefined : `slot ${was.port} of ${was.node} is taken`
}

function whyLeavingOf(draft: Draft, node: DraftNode): string | undefined {
  if (node.whyLeft !== undefined) return node.whyLeft
  const own = draft.isolatedNodes === undefined ? undefined : draft.topology.topologyId
  if (node.keptFor === own) return undefined
  return node.keptFor === undefined
    ? `${node.name} is not one of its own nodes`
    : `${node.name} is kept for another`
}

/** More workers than asked for: first those that have to move anyway, then the highest numbers. */
function dropSurplus(draft: Draft): void {
  const why = `asked for ${draft.workersWanted} workers`
  const byNumber = (a: { worker: number }, b: { worker: number }) => a.worker - b.worker
  draft.homeless.sort(byNumber)
  while (draft.workers.size + draft.homeless.length > draft.workersWanted) {
    const homeless = draft.homeless.pop()
    if (homeless !== undefined) {
      draft.say(homeless.worker, homeless.why)
      for (const executor of homeless.executors) draft.pool.add(executor)
      continue
    }
    const worker = assertDefined(draft.leaving().at(-1) ?? draft.staying().at(-1), 'a surplus has workers')
    draft.say(worker.worker, why)
    draft.close(worker)
  }
}
