/**
 * What heartbeats say of a topology as a whole: is it quiet, does it run as assigned, is anything of it
 * left. Pure.
 *
 * A worker counts for what its node's newest heartbeat says, and only while that is not old: what was true
 * ten seconds ago proves nothing.
 */

import { parseRanges } from '../../cluster/executor-ranges.ts'
import { placementText, placementTextDigest } from '../../cluster/layout.ts'
import type { AssignmentRecord, WorkerAssignment } from '../../cluster/records.ts'
import type { SlotBeat } from '../../rpc/heartbeat.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'
import type { RoundFacts } from './facts.ts'
import type { Shape } from './shape.ts'

/** Time past the lease in which a worker without a supervisor has certainly ended. */
const LEASE_MARGIN_MS = 1_000

type HeardFacts = Pick<RoundFacts, 'heard' | 'nowMs' | 'settings'>

/**
 * The slot of a worker of this assignment, as its node reports it; undefined: nothing, or not of this life.
 */
export function slotOf(
  facts: HeardFacts,
  topologyId: string,
  worker: WorkerAssignment,
): SlotBeat | undefined {
  const heard = freshly(facts, worker.node)
  return heard?.beat.slots.find(
    (slot) =>
      slot.port === worker.port &&
      slot.topologyId === topologyId &&
      slot.worker === worker.worker &&
      slot.generation === worker.generation,
  )
}

/** Every worker that can be relied on says that nothing is in flight, and knows that it shall drain. */
export function isQuiet(facts: RoundFacts, assignment: AssignmentRecord): boolean {
  if (assignment.run !== 'drain') return false
  const living = assignment.workers.filter(({ node }) => !facts.deadNodes.has(node))
  return living.every((worker) => {
    const beat = slotOf(facts, assignment.topologyId, worker)?.beat
    return beat?.isQuiet === true && beat.run === 'drain'
  })
}

/**
 * Each worker that can be relied on has no process, and would start in a drain: nothing can be in flight,
 * and nothing will be, for a worker that starts in a drain has sources that stand. Its supervisor has to say
 * so: one whose view of the board lags would start it with sources that go.
 */
export function runsNowhere(facts: RoundFacts, assignment: AssignmentRecord): boolean {
  if (assignment.run !== 'drain') return false
  const living = assignment.workers.filter(({ node }) => !facts.deadNodes.has(node))
  return living.every((worker) => {
    const slot = slotOf(facts, assignment.topologyId, worker)
    if (slot?.run !== 'drain' || slot.pid !== undefined) return false
    return slot.phase === 'backing-off' || slot.phase === 'fetching'
  })
}

/**
 * The newest word of each worker that can be relied on was given after that time. `certainly`: whatever it
 * took on its way; else as far as its age tells.
 */
export function saidSince(
  facts: RoundFacts,
  { topologyId, workers }: AssignmentRecord,
  sinceMs: number,
  certainty: 'certainly' | 'by its age',
): boolean {
  return workers.every((worker) => {
    if (facts.deadNodes.has(worker.node)) return true
    const heard = facts.heard.get(worker.node)
    if (heard === undefined) return false
    const ageMs = slotOf(facts, topologyId, worker)?.beatAgeMs ?? 0
    // A heartbeat is made after the one before it has come.
    const madeMs = certainty === 'certainly' ? (heard.previousMs ?? Number.NEGATIVE_INFINITY) : heard.atMs
    return madeMs - ageMs > sinceMs
  })
}

/** Workers run, in this layout and generation, with the executors that are assigned. */
export function isSettled(facts: RoundFacts, assignment: AssignmentRecord, shape: Shape): boolean {
  const placement = placementTextDigest(placementText(assignment))
  return assignment.workers.every((worker) => {
    if (facts.deadNodes.has(worker.node)) return false
    const slot = slotOf(facts, assignment.topologyId, worker)
    if (slot?.phase !== 'running' || slot.layout !== assignment.layout) return false
    // Executors that changed places one for one leave the counts as they were.
    if (slot.placement !== undefined && slot.placement !== placement) return false
    return slot.beat?.run === assignment.run && hasExecutors(slot, worker, shape)
  })
}

/** What it was told may not be what it has yet: as many executors of each component as assigned. */
function hasExecutors(slot: SlotBeat, worker: WorkerAssignment, shape: Shape): boolean {
  const wanted = new Map<string, number>()
  for (const executor of parseRanges(worker.executors)) {
    const component = shape.components[executor - 1] ?? ''
    if (!component.startsWith('__')) wanted.set(component, (wanted.get(component) ?? 0) + 1)
  }
  const found = (slot.beat?.components ?? []).filter(({ component }) => !component.startsWith('__'))
  const counted = found.filter(({ executors }) => executors > 0)
  return (
    counted.length === wanted.size && counted.every((each) => wanted.get(each.component) === each.executors)
  )
}

/**
 * No worker of a topology is left that could be waited for: every node said so, or has been silent for longer
 * than a lease. By then its workers have ended, or it is cut off with them: those go on until it can be told
 * that their assignment is gone. Nothing they do counts: their positions are refused without the assignment,
 * and a later topology of this name has another id and another token.
 */
export function isGone(facts: RoundFacts, topologyId: string): boolean {
  for (const { beat, atMs } of facts.heard.values()) {
    const reports = beat.slots.some((slot) => slot.topologyId === topologyId && slot.phase !== 'empty')
    if (reports && facts.nowMs - atMs <= leaseEndMs(facts)) return false
  }
  const isYoung = facts.nowMs - facts.leadingSinceMs <= leaseEndMs(facts)
  return !isYoung || [...facts.view.supervisors.keys()].every((node) => facts.heard.has(node))
}

function leaseEndMs({ settings }: RoundFacts): number {
  return settings.leaseMs + LEASE_MARGIN_MS
}

function freshly({ heard, nowMs, settings }: HeardFacts, node: string): NodeHeard | undefined {
  const found = heard.get(node)
  return found !== undefined && nowMs - found.atMs <= settings.taskTimeoutMs ? found : undefined
}
