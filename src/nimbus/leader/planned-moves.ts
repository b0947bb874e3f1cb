/**
 * What of a plan must happen at once, and what can wait until the topology has drained. Pure.
 *
 *   forced      something is lost, or runs nowhere: at once, whatever it costs
 *   voluntary   everything runs where it is, and the plan has something better: its node is drained, on the
 *               blacklist or kept for another; slots have come free. By a rebalance, so that nothing is in
 *               flight, and keyed state comes along
 *
 * Invariants
 *   V1  outside of a rebalance's move, nothing that lives is moved or dealt anew, unless something is forced
 *       that deals its executors anew as well
 */
import { formatRanges, parseRanges } from '../../cluster/executor-ranges.ts'
import type { AssignmentRecord, WorkerAssignment } from '../../cluster/records.ts'
import type { PlannedMove, Seat, TopologyPlan } from '../../schedule/plan.ts'
import type { PlannedWorker } from '../../schedule/request.ts'
import { isDealtAnew } from './assignment-of.ts'
import type { RoundFacts } from './facts.ts'

export interface PlanSeen {
  readonly current: AssignmentRecord
  readonly plan: TopologyPlan
  /** Of the shape that was planned for. */
  readonly layoutDigest: string
}

/** Something must change now. */
export function isForced(facts: RoundFacts, { current, plan, layoutDigest }: PlanSeen): boolean {
  if (current.layoutDigest !== layoutDigest) return true
  const lost = current.workers.filter((worker) => isLost(facts, current.topologyId, worker))
  // One that has no other place stays in its slot: nothing of that can be done now, nor has it to be.
  if (lost.some((worker) => !staysIn(plan, worker))) return true
  const placed = (workers: readonly { readonly executors: readonly number[] }[]) =>
    workers.reduce((sum, { executors }) => sum + executors.length, 0)
  // Nothing is lost, so what is placed stays placed: another number means that something can run at last, or
  // that it must not run on where it is.
  const before = current.workers.map(({ executors }) => ({ executors: parseRanges(executors) }))
  return placed(before) !== placed(plan.workers)
}

/** The plan has something better for what runs. */
export function isVoluntary(facts: RoundFacts, seen: PlanSeen): boolean {
  return seen.plan.moves.length > 0 && !isForced(facts, seen)
}

/** The plan without what can wait. */
export function heldPlan(facts: RoundFacts, seen: PlanSeen): TopologyPlan {
  const { current, plan, layoutDigest } = seen
  if (plan.moves.length === 0) return plan
  if (!isForced(facts, seen)) return { ...plan, workers: current.workers.map(asPlanned), moves: [] }
  const workers = plan.workers.map((each) => ({ ...each, executors: formatRanges(each.executors) }))
  // Then every worker begins anew in any case.
  if (current.layoutDigest !== layoutDigest || isDealtAnew(current, layoutDigest, workers)) return plan
  const stays = (worker: number): WorkerAssignment | undefined => {
    const before = current.workers.find((each) => each.worker === worker)
    return before === undefined || isLost(facts, current.topologyId, before) ? undefined : before
  }
  return {
    ...plan,
    workers: plan.workers.map((each) => {
      const before = stays(each.worker)
      return before === undefined ? each : asPlanned(before)
    }),
    moves: plan.moves.filter(({ worker }) => stays(worker) === undefined),
  }
}

/** Away from nodes that shall be empty, or only another's: they are made even if something stays behind. */
export function leavingMoves(plan: TopologyPlan): readonly PlannedMove[] {
  return plan.moves.filter(({ isLeaving, from, to }) => isLeaving && from?.node !== to?.node)
}

/** Its node is gone, or the leader has given it up, or its slot is no more. */
function isLost(facts: RoundFacts, topologyId: string, { worker, node, port }: WorkerAssignment): boolean {
  if (facts.deadNodes.has(node) || facts.lostWorkers.get(topologyId)?.includes(worker) === true) return true
  return facts.view.supervisors.get(node)?.ports.includes(port) === false
}

function staysIn({ workers }: TopologyPlan, { worker, node, port, generation }: WorkerAssignment): boolean {
  const found = workers.find((each) => each.worker === worker)
  return found?.node === node && found.port === port && found.generation === generation
}

/**
 * The plan but for workers in these slots: what they would run runs nowhere for now, and says why. Who was to
 * move there leaves all the same, and nobody is told of a move that is not made.
 */
export function withoutSlots(plan: TopologyPlan, slots: ReadonlySet<string>, why: string): TopologyPlan {
  const isOut = ({ node, port }: Seat): boolean => slots.has(`${node}:${port}`)
  const executors = plan.workers.filter(isOut).flatMap((each) => each.executors)
  return {
    ...plan,
    moves: plan.moves.flatMap((move): PlannedMove[] => {
      if (move.to === undefined || !isOut(move.to)) return [move]
      const had = plan.workers.find(({ worker }) => worker === move.worker)?.executors ?? []
      const given = [...had.filter((executor) => !move.gained.includes(executor)), ...move.given]
      return move.from === undefined ? [] : [{ ...move, kind: 'gone', to: undefined, gained: [], given, why }]
    }),
    workers: plan.workers.filter((worker) => !isOut(worker)),
    unplaced: [...plan.unplaced, { component: '', executors: executors.sort((a, b) => a - b), why }],
  }
}

function asPlanned({ worker, node, port, generation, executors }: WorkerAssignment): PlannedWorker {
  return { worker, node, port, generation, executors: parseRanges(executors) }
}
