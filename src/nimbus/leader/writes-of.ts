/** What one topology's step writes. Pure; the second half of a round's decision (decide-round.ts). */

import type { BoardWrite } from '../../cluster/board.ts'
import { formatRanges } from '../../cluster/executor-ranges.ts'
import type { AssignmentRecord, RunMode, TopologyRecord } from '../../cluster/records.ts'
import type { PlannedMove, TopologyPlan } from '../../schedule/plan.ts'
import type { NewEvent } from '../monitor/event-ring.ts'
import { assignmentOf, isDealtAnew, isSameAssignment } from './assignment-of.ts'
import { changesOf, type RoundFacts } from './facts.ts'
import { decideMove } from './move.ts'
import type { Batch, Case } from './round-case.ts'
import { mergeChanges } from './shape.ts'

/** Time that workers have to get up in their new places before sources go on. */
export const SETTLE_MS = 30_000
/** Moves that get an event each; beyond it they are only counted. */
const MOVE_EVENTS_MAX = 20

/** Of a topology that waits for nothing any more. */
const SETTLED = {
  phaseAfter: undefined,
  phaseDeadline: undefined,
  phaseMs: undefined,
  wanted: undefined,
} as const

/** undefined: nothing to write. */
export function writesOf(facts: RoundFacts, each: Case, plan: TopologyPlan | undefined): Batch | undefined {
  switch (each.step) {
    case 'leave':
      return undefined
    case 'fail':
      return fail(facts, each)
    case 'unassign':
      return unassign(each)
    case 'remove':
      return remove(facts, each)
    case 'drain':
      if (each.topology.record.phase === 'killed') return drainKilled(facts, each)
      return place(facts, each, plan, 'drain')
    case 'wait':
      return place(facts, each, plan, each.assignment?.record.run ?? 'drain')
    case 'assign':
      if (isVoluntary(facts, each, plan)) return rebalanceByItself(facts, each)
      return place(facts, each, plan, each.topology.record.phase === 'inactive' ? 'inactive' : 'active')
    case 'resume':
      return resume(facts, each, plan)
    case 'move':
      return move(facts, each, plan)
  }
}

/**
 * The plan deals executors anew though nothing is lost: slots have come free. Nothing is restarted for that;
 * it waits until nothing is in flight.
 */
function isVoluntary(
  facts: RoundFacts,
  { topology, assignment, wanted }: Case,
  plan: TopologyPlan | undefined,
): boolean {
  if (plan === undefined || wanted === undefined || assignment === undefined) return false
  const current = assignment.record
  // Where something runs nowhere it must run at once.
  if (current.unplaced.length > 0 || plan.unplaced.length > 0) return false
  if ((facts.lostWorkers.get(topology.record.id) ?? []).length > 0) return false
  const workers = plan.workers.map(({ worker, executors }) => ({
    worker,
    executors: formatRanges(executors),
  }))
  return isDealtAnew(current, wanted.digest, workers)
}

function rebalanceByItself(facts: RoundFacts, { topology, wanted }: Case): Batch {
  const { record, version } = topology
  const drainMs = wanted?.outline.drainTimeoutMs ?? 0
  const next: TopologyRecord = {
    ...record,
    phase: 'rebalancing',
    phaseAfter: record.phase === 'inactive' ? 'inactive' : 'active',
    phaseDeadline: facts.now + drainMs,
    phaseMs: drainMs,
    wanted: { parallelism: {}, workers: undefined, scheduler: undefined },
  }
  const text = `${record.name} is spread over slots that have come free`
  return {
    topologyId: record.id,
    writes: [{ kind: 'put-topology', record: next, version }],
    events: [event(facts, record, 'topology-rebalancing', text)],
  }
}

/** To where the plan says; nothing if everything is there already. */
function place(
  facts: RoundFacts,
  { topology, assignment, wanted }: Case,
  plan: TopologyPlan | undefined,
  run: RunMode,
): Batch | undefined {
  if (plan === undefined || wanted === undefined) return undefined
  const { record } = topology
  const current = assignment?.record
  const next = assignmentOf(facts, {
    topologyId: record.id,
    current,
    plan,
    shape: wanted,
    run,
    dump: current?.dump ?? '',
    state: undefined,
  })
  if (isSameAssignment(current, next)) return undefined
  return {
    topologyId: record.id,
    writes: [{ kind: 'put-assignment', record: next, version: assignment?.version }],
    events: eventsOf(facts, record, current, plan, next),
  }
}

function move(facts: RoundFacts, each: Case, plan: TopologyPlan | undefined): Batch | undefined {
  const { topology, assignment, shape, wanted } = each
  const { record } = topology
  if (plan === undefined || shape === undefined || wanted === undefined || record.wanted === undefined)
    return undefined
  const current = assignment?.record
  const decided =
    current === undefined
      ? ({ kind: 'place', state: [] } as const)
      : decideMove(facts, {
          assignment: current,
          shape,
          wantedDigest: wanted.digest,
          plan,
          leftMs: facts.phaseLeftMs(record) ?? 0,
        })
  switch (decided.kind) {
    case 'wait':
      return undefined
    case 'ask':
      return (
        current && putAssignment(each, { ...current, epoch: facts.epoch, run: 'drain', dump: decided.dump })
      )
    case 'give-up':
      return giveUp(facts, each, decided.why)
    case 'place': {
      const { state } = decided
      const wish = {
        topologyId: record.id,
        current,
        plan,
        shape: wanted,
        run: 'drain',
        dump: '',
        state,
        isDrained: facts.quietTopologies.has(record.id),
      } as const
      const next = assignmentOf(facts, wish)
      const moved: TopologyRecord = {
        ...record,
        ...mergeChanges(changesOf(record), record.wanted),
        wanted: undefined,
        phaseDeadline: facts.now + SETTLE_MS,
        phaseMs: SETTLE_MS,
      }
      return {
        topologyId: record.id,
        writes: [
          { kind: 'put-topology', record: moved, version: topology.version },
          { kind: 'put-assignment', record: next, version: assignment?.version },
        ],
        events: eventsOf(facts, record, current, plan, next),
      }
    }
  }
}

/**
 * Back to what it was doing; workers that are not there yet find their state, those that are need it no
 * more.
 */
function resume(facts: RoundFacts, each: Case, plan: TopologyPlan | undefined): Batch | undefined {
  const { topology, assignment, wanted } = each
  const { record } = topology
  const phase = record.phaseAfter ?? 'active'
  const writes: BoardWrite[] = [
    {
      kind: 'put-topology',
      record: { ...record, phase, ...SETTLED },
      version: topology.version,
    },
  ]
  if (plan !== undefined && wanted !== undefined) {
    const current = assignment?.record
    const isStill = plan.moves.length === 0
    const isLate = (facts.phaseLeftMs(record) ?? 0) <= 0
    const state = isStill && isLate ? current?.state : []
    const wish = { topologyId: record.id, current, plan, shape: wanted, run: phase, dump: '', state } as const
    writes.push({
      kind: 'put-assignment',
      record: assignmentOf(facts, wish),
      version: assignment?.version,
    })
  }
  return {
    topologyId: record.id,
    writes,
    events: [event(facts, record, 'topology-rebalanced', `${record.name} is rebalanced`)],
  }
}

function giveUp(facts: RoundFacts, { topology, assignment }: Case, why: string): Batch {
  const { record } = topology
  const phase = record.phaseAfter ?? 'active'
  const back: TopologyRecord = {
    ...record,
    phase,
    ...SETTLED,
  }
  const writes: BoardWrite[] = [{ kind: 'put-topology', record: back, version: topology.version }]
  if (assignment !== undefined) {
    const next = { ...assignment.record, epoch: facts.epoch, run: phase, dump: '' }
    writes.push({ kind: 'put-assignment', record: next, version: assignment.version })
  }
  const message = `the rebalance of ${record.name} was given up: ${why}`
  return { topologyId: record.id, writes, events: [event(facts, record, 'rebalance-given-up', message)] }
}

/** Inactive, with its error shown, until somebody activates it. */
function fail(facts: RoundFacts, { topology }: Case): Batch {
  const { record, version } = topology
  const failure = (facts.stopWanted.get(record.id) ?? '').slice(0, 1_000)
  const stopped: TopologyRecord = {
    ...record,
    phase: 'inactive',
    ...SETTLED,
    failure,
  }
  return {
    topologyId: record.id,
    writes: [{ kind: 'put-topology', record: stopped, version }],
    events: [event(facts, record, 'topology-failed', `${record.name} stopped itself: ${failure}`)],
  }
}

function drainKilled(facts: RoundFacts, each: Case): Batch | undefined {
  const current = each.assignment?.record
  return current && putAssignment(each, { ...current, epoch: facts.epoch, run: 'drain' })
}

function putAssignment({ topology, assignment }: Case, record: AssignmentRecord): Batch {
  return {
    topologyId: topology.record.id,
    writes: [{ kind: 'put-assignment', record, version: assignment?.version }],
    events: [],
  }
}

function unassign({ topology, assignment }: Case): Batch | undefined {
  if (assignment === undefined) return undefined
  const { id } = topology.record
  return {
    topologyId: id,
    writes: [{ kind: 'delete-assignment', id, version: assignment.version }],
    events: [],
  }
}

function remove(facts: RoundFacts, { topology }: Case): Batch {
  const { record, version } = topology
  const writes: BoardWrite[] = [{ kind: 'delete-topology', id: record.id, version }]
  if (facts.view.names.get(record.name) === record.id) writes.push({ kind: 'free-name', name: record.name })
  return {
    topologyId: record.id,
    writes,
    events: [event(facts, record, 'topology-removed', `${record.name} is gone`)],
    positionsOf: record.id,
    freesKey: record.idempotencyKey,
  }
}

function eventsOf(
  facts: RoundFacts,
  record: TopologyRecord,
  current: AssignmentRecord | undefined,
  plan: TopologyPlan,
  next: AssignmentRecord,
): readonly NewEvent[] {
  const events: NewEvent[] = []
  if (current === undefined) {
    const count = next.workers.length
    const text = `${record.name} is placed on ${count === 1 ? 'one worker' : `${count} workers`}`
    events.push(event(facts, record, 'topology-assigned', text))
  } else {
    for (const each of plan.moves.slice(0, MOVE_EVENTS_MAX)) events.push(moveEvent(facts, record, each))
    const rest = plan.moves.length - MOVE_EVENTS_MAX
    if (rest > 0) events.push(event(facts, record, 'worker-moved', `${rest} more workers of ${record.name}`))
  }
  for (const { executors, why } of plan.unplaced.slice(0, MOVE_EVENTS_MAX)) {
    const text = `executors ${formatRanges(executors)} of ${record.name} run nowhere: ${why}`
    if (current?.unplaced.some((before) => before.executors === formatRanges(executors)) !== true)
      events.push(event(facts, record, 'executors-unplaced', text))
  }
  return events
}

function moveEvent(facts: RoundFacts, record: TopologyRecord, each: PlannedMove): NewEvent {
  const message = `worker ${each.worker} of ${record.name} ${wayOf(each)}: ${each.why}`
  return { ...event(facts, record, 'worker-moved', message), node: each.to?.node ?? each.from?.node }
}

/** `moved from a:6700 to b:6700`; `new at b:6700`; `gone from a:6700`; `renewed at a:6700`. */
function wayOf({ kind, from, to }: PlannedMove): string {
  const slot = ({ node, port }: { readonly node: string; readonly port: number }): string => `${node}:${port}`
  if (from === undefined) return to === undefined ? kind : `${kind} at ${slot(to)}`
  if (to === undefined) return `${kind} from ${slot(from)}`
  return slot(from) === slot(to) ? `${kind} at ${slot(to)}` : `${kind} from ${slot(from)} to ${slot(to)}`
}

function event(facts: RoundFacts, record: TopologyRecord, kind: string, message: string): NewEvent {
  return { at: facts.now, kind, topology: record.name, message }
}
