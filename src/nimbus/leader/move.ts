/**
 * A rebalance that has drained: which keyed state must come along, is it written out, what is written now.
 * Pure.
 *
 *   drained ─▶ state of what moves asked for (`dump`) ─▶ reported as blobs ─▶ placed anew, with `state`
 *                        │ not within its time: the rebalance is given up, everything goes on as it was
 *
 * Invariants
 *   M1  state that moves is written out before its executors are placed elsewhere, or the rebalance does
 *       not happen
 *   M2  an executor whose worker does not run has no state to wait for
 */
import { formatRanges, parseRanges } from '../../cluster/executor-ranges.ts'
import type { AssignmentRecord, StateBlob } from '../../cluster/records.ts'
import type { TopologyPlan } from '../../schedule/plan.ts'
import { workersOfExecutors } from './assignment-of.ts'
import type { RoundFacts } from './facts.ts'
import { slotOf } from './running.ts'
import { type Shape, statefulExecutors } from './shape.ts'

/** Time for writing state out, after the time for the drain. A choice: 100 MB a worker on a slow disk. */
export const DUMP_MS = 60_000

export type MoveDecision =
  | { readonly kind: 'ask'; readonly dump: string }
  | { readonly kind: 'wait'; readonly missing: number }
  | { readonly kind: 'place'; readonly state: readonly StateBlob[] }
  /** `state`: what was written out all the same. */
  | { readonly kind: 'give-up'; readonly why: string; readonly state: readonly StateBlob[] }

export interface MoveSeen {
  readonly assignment: AssignmentRecord
  /** As it is now. */
  readonly shape: Shape
  readonly wantedDigest: string
  readonly plan: TopologyPlan
  /** To the end of the drain; negative: it is over for so long. */
  readonly leftMs: number
}

export function decideMove(facts: RoundFacts, seen: MoveSeen): MoveDecision {
  const { assignment, leftMs } = seen
  const needed = movingState(facts, seen)
  const asked = new Set(parseRanges(assignment.dump))
  const unasked = needed.filter(({ executor }) => !asked.has(executor))
  const isLate = leftMs <= -DUMP_MS
  if (unasked.length > 0) {
    if (isLate) return { kind: 'give-up', why: 'its keyed state could not be written out in time', state: [] }
    return {
      kind: 'ask',
      dump: formatRanges([...new Set([...asked, ...needed.map(({ executor }) => executor)])]),
    }
  }
  const dumped = dumpedState(facts, assignment)
  const state = needed.flatMap(({ executor, component }) => {
    const blob = dumped.get(executor)
    return blob === undefined ? [] : [{ component, ...blob }]
  })
  const missing = needed.filter(({ executor }) => !dumped.has(executor))
  if (missing.length > 0) {
    if (!isLate) return { kind: 'wait', missing: missing.length }
    const why = `${missing.length} executors did not write out their keyed state in time`
    return { kind: 'give-up', why, state }
  }
  return { kind: 'place', state }
}

/** Keyed executors that run now and will run in another process, or are dealt anew. */
function movingState(
  facts: RoundFacts,
  { assignment, shape, wantedDigest, plan }: MoveSeen,
): readonly { readonly executor: number; readonly component: string }[] {
  const isNewLayout = wantedDigest !== assignment.layoutDigest
  const before = workersOfExecutors(assignment)
  const after = new Map(plan.workers.flatMap((each) => each.executors.map((number) => [number, each])))
  return statefulExecutors(shape, assignment).filter(({ executor }) => {
    const from = before.get(executor)
    // M2: what died took its state along; it begins without, as after any restart.
    if (from === undefined || slotOf(facts, assignment.topologyId, from)?.phase !== 'running') return false
    if (isNewLayout) return true
    const to = after.get(executor)
    return to === undefined || to.worker !== from.worker || to.generation !== from.generation
  })
}

function dumpedState(
  facts: RoundFacts,
  assignment: AssignmentRecord,
): ReadonlyMap<number, { readonly digest: string; readonly sizeBytes: number }> {
  const found = new Map<number, { readonly digest: string; readonly sizeBytes: number }>()
  for (const worker of assignment.workers) {
    for (const { executor, digest, sizeBytes } of slotOf(facts, assignment.topologyId, worker)?.dumped ??
      []) {
      found.set(executor, { digest, sizeBytes })
    }
  }
  return found
}
