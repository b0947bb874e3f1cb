/**
 * A scheduling round: from what is asked for, what the nodes offer and what runs, to who shall run where, and
 * why anything is not as it was asked for.
 *
 * Route: nimbus gathers the facts (from-records.ts) → [here] → nimbus writes what has changed as assignments.
 * Pure: no clock, no randomness but the seed it is given. The same facts, the same plan.
 *
 *   all      what runs stands where it is                        stand.ts
 *   1        lost workers, and those that should leave, move     recover.ts
 *   2        topologies that have nothing begin                  begin.ts
 *   3        topologies with fewer workers than asked for grow   complete.ts
 *   4        what has no slot goes to the workers there are      fold.ts
 *
 * Step by step over all topologies, in order of priority: no topology grows, and none begins, while another
 * waits for a slot it had.
 *
 * Invariants
 *   S1  an executor is placed once at most, a slot is used once at most
 *   S2  nothing is placed newly on a node that is dead, drained, on the blacklist or kept for others
 *   S3  a worker that may stay keeps number, slot and executors, unless the topology changed its size or
 *       layout,
 *       or takes over what had no slot
 *   S4  executors that are placed nowhere, and workers that are missing, have their reason in words
 *   S5  a round on its own result changes nothing
 */

import { diffPlans } from './diff-plans.ts'
import { Draft } from './draft/draft.ts'
import { DraftNode } from './draft/draft-node.ts'
import type { SchedulePlan, TopologyPlan } from './plan.ts'
import type { PlannedWorker, ScheduleRequest } from './request.ts'
import { begin } from './steps/begin.ts'
import { complete } from './steps/complete.ts'
import { explainShortage, explainStaying, explainUnplaced } from './steps/explain.ts'
import { dissolve, fold } from './steps/fold.ts'
import { keepNodes } from './steps/isolate.ts'
import { recoverLeaving, recoverLost } from './steps/recover.ts'
import { standOn } from './steps/stand.ts'

export function schedule(request: ScheduleRequest): SchedulePlan {
  const { seed } = request
  const byName = new Map(request.nodes.map((facts) => [facts.node, facts]))
  const sorted = [...byName.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
  const nodes = sorted.map((facts, order) => new DraftNode(facts, order))
  const drafts = request.topologies.map((topology) => new Draft(topology, nodes.length))
  for (const draft of drafts) draft.isHeld = request.held?.has(draft.topology.topologyId) ?? false
  const movable = drafts.filter(({ isHeld }) => !isHeld)
  keepNodes(drafts, nodes, request.isolation)
  const nodesByName = new Map(nodes.map((node) => [node.name, node]))
  for (const draft of drafts) standOn(draft, nodesByName)
  recover(drafts, nodes, seed)
  for (const draft of drafts) begin(draft, nodes, seed)
  for (const draft of movable) complete(draft, nodes, seed)
  for (const draft of drafts) fold(draft)
  // Where not every executor may run everywhere, a fold can make room in which a worker has its use.
  for (const draft of movable.filter(({ isFree }) => !isFree)) {
    complete(draft, nodes, seed)
    fold(draft)
  }
  return { topologies: drafts.map((draft) => planOf(draft, nodes)) }
}

/** Who has to leave a node that is kept for another goes first, so that its owner finds room there. */
function recover(drafts: readonly Draft[], nodes: readonly DraftNode[], seed: number): void {
  const others = drafts.filter(({ isolatedNodes }) => isolatedNodes === undefined)
  const isolated = drafts.filter(({ isolatedNodes }) => isolatedNodes !== undefined)
  for (const draft of others) recoverLost(draft, nodes, seed)
  for (const group of isolated.length === 0 ? [others] : [others, isolated, others]) {
    for (const draft of group) if (!draft.isHeld) recoverLeaving(draft, nodes, seed)
  }
  for (const draft of others) if (!draft.isHeld) dissolve(draft)
  for (const draft of isolated) recoverLost(draft, nodes, seed)
  for (const draft of isolated.filter(({ isHeld }) => !isHeld)) {
    recoverLeaving(draft, nodes, seed)
    dissolve(draft)
  }
}

function planOf(draft: Draft, nodes: readonly DraftNode[]): TopologyPlan {
  const workers = [...draft.workers.values()]
    .sort((a, b) => a.worker - b.worker)
    .map(({ worker, node, port, generation, executors }): PlannedWorker => {
      return { worker, node: node.name, port, generation, executors: [...executors].sort((a, b) => a - b) }
    })
  const { changes } = diffPlans(draft.topology.current?.workers ?? [], workers)
  const notes = [...draft.notes, ...explainStaying(draft), ...explainShortage(draft, nodes)]
  return {
    topologyId: draft.topology.topologyId,
    workers,
    moves: changes.map((change) => ({
      ...change,
      isLeaving: draft.leavers.has(change.worker),
      why: draft.reasons.get(change.worker) ?? plainReason(draft),
    })),
    unplaced: draft.pool.size === 0 ? [] : explainUnplaced(draft, nodes),
    notes,
  }
}

function plainReason({ topology: { current } }: Draft): string {
  if (current === undefined) return 'the topology is new'
  return current.isSameLayout ? 'it was placed nowhere' : 'executors or tasks have changed'
}
