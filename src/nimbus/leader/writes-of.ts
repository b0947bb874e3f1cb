/** What one topology's step writes. Pure; the second half of a round's decision (decide-round.ts). */

import type { BoardWrite } from '../../cluster/board.ts'
import { formatRanges } from '../../cluster/executor-ranges.ts'
import type { AssignmentRecord, RunMode, StateBlob, TopologyRecord } from '../../cluster/records.ts'
import type { PlannedMove, TopologyPlan } from '../../schedule/plan.ts'
import type { NewEvent } from '../monitor/event-ring.ts'
import { assignmentOf, isSameAssignment } from './assignment-of.ts'
import { changesOf, type RoundFacts } from './facts.ts'
import { decideMove } from './move.ts'
import { SLOT_MS } from './place-around.ts'
import { heldPlan, isVoluntary, leavingMoves, type PlanSeen } from './planned-moves.ts'
import type { Batch, Case } from './round-case.ts'
import { isSettled } from './running.ts'
import { mergeChanges } from './shape.ts'

/** Time that workers have to get up in their new places before sources go on. */
export const SETTLE_MS = 30_000
/** Reasons of a rebalance that are told. */
const REASONS_MAX = 3
/** Moves that get an event each; beyond it they are only counted. */
const MOVE_EVENTS_MAX = 20
/** Rebalances of which it is kept that they were given up: nobody asks for older ones. */
const GIVEN_UP_MAX = 8

/** Of a topology that waits for nothing any more. */
const SETTLED = {
  phaseAfter: undefined,
  phaseDeadline: undefined,
  phaseMs: undefined,
  phaseWrites: undefined,
  wanted: undefined,
} as const

/** undefined: nothing to write. `leftOut`: why it has no plan though nothing is wrong with it alone. */
export function writesOf(
  facts: RoundFacts,
  each: Case,
  plan: TopologyPlan | undefined,
  leftOut: string | undefined,
): Batch | undefined {
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
      return place(facts, each, held(facts, each, plan), 'drain')
    case 'wait':
      return place(facts, each, held(facts, each, plan), each.assignment?.record.run ?? 'drain')
    case 'assign': {
      const run = each.topology.record.phase === 'inactive' ? 'inactive' : 'active'
      if (plan === undefined) return leftOut === undefined ? undefined : runWithoutPlan(facts, each, run)
      const stays = place(facts, each, held(facts, each, plan), run)
      return rebalanceByItself(facts, each, plan, stays) ?? stays
    }
    case 'resume':
      return resume(facts, each, held(facts, each, plan))
    case 'move':
      if (plan !== undefined) return move(facts, each, plan)
      if (leftOut === undefined || !isWaitOver(facts, each.topology.record)) return undefined
      return giveUp(facts, each, `there is no plan for it: ${leftOut}`)
  }
}

/** The plan without what can wait for a rebalance. */
function held(facts: RoundFacts, each: Case, plan: TopologyPlan | undefined): TopologyPlan | undefined {
  const seen = plan && planSeen(each, plan)
  return seen === undefined ? plan : heldPlan(facts, seen)
}

function planSeen({ assignment, wanted }: Case, plan: TopologyPlan): PlanSeen | undefined {
  if (assignment === undefined || wanted === undefined) return undefined
  return { current: assignment.record, plan, layoutDigest: wanted.digest }
}

/** What lives and has a better place waits until nothing is in flight. undefined: there is no such thing. */
function rebalanceByItself(
  facts: RoundFacts,
  each: Case,
  plan: TopologyPlan,
  otherwise: Batch | undefined,
): Batch | undefined {
  const { record, version } = each.topology
  const seen = planSeen(each, plan)
  if (seen === undefined || !isVoluntary(facts, seen)) return undefined
  const leaving = leavingMoves(plan)
  // It was tried not long ago and did not work: spreading is not worth standing still again and again.
  if (leaving.length === 0 && facts.resting.has(record.id)) return undefined
  const drainMs = each.wanted?.outline.drainTimeoutMs ?? 0
  const next: TopologyRecord = {
    ...record,
    phase: 'rebalancing',
    phaseAfter: record.phase === 'inactive' ? 'inactive' : 'active',
    phaseDeadline: facts.now + drainMs,
    phaseMs: drainMs,
    wanted: { parallelism: {}, workers: undefined, scheduler: undefined },
  }
  const reasons = [...new Set(leaving.map(({ why }) => why))].slice(0, REASONS_MAX).join(', ')
  const text =
    leaving.length > 0
      ? `${record.name} drains, to be moved with its keyed state: ${reasons}`
      : `${record.name} is spread over slots that have come free`
  return {
    topologyId: record.id,
    writes: [{ kind: 'put-topology', record: next, version }],
    events: [event(facts, record, 'topology-rebalancing', text)],
    begins: {
      countsOn: plan.workers.map(({ node, port }) => `${node}:${port}`),
      isLeaving: leaving.length > 0,
      otherwise,
    },
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

/** Where it is. */
function runWithoutPlan(facts: RoundFacts, each: Case, run: RunMode): Batch | undefined {
  const current = each.assignment?.record
  return current && current.run !== run
    ? putAssignment(each, { ...current, epoch: facts.epoch, run })
    : undefined
}

/** A rebalance stands still no longer than this, whatever it waits for. */
export function isWaitOver(facts: RoundFacts, record: TopologyRecord): boolean {
  return (facts.phaseLeftMs(record) ?? -SLOT_MS) <= -SLOT_MS
}

function move(facts: RoundFacts, each: Case, plan: TopologyPlan): Batch | undefined {
  const { topology, assignment, shape, wanted } = each
  const { record } = topology
  if (shape === undefined || wanted === undefined || record.wanted === undefined) return undefined
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
      if (!isForMovesOnly(record.wanted) || leavingMoves(plan).length === 0)
        return giveUp(facts, each, decided.why)
      return moveNow(facts, each, { plan, state: decided.state, told: [decided.why] })
    case 'place':
      return moveNow(facts, each, { plan, state: decided.state, told: [] })
  }
}

/** Nobody asked for other numbers: it was begun for the sake of the places. */
function isForMovesOnly({ parallelism, workers, scheduler }: NonNullable<TopologyRecord['wanted']>): boolean {
  return Object.keys(parallelism).length === 0 && workers === undefined && scheduler === undefined
}

interface MoveNow {
  readonly plan: TopologyPlan
  readonly state: readonly StateBlob[]
  /** What stays behind although it is moved. */
  readonly told: readonly string[]
}

function moveNow(facts: RoundFacts, each: Case, { plan, state, told }: MoveNow): Batch | undefined {
  const { topology, assignment, wanted } = each
  const { record } = topology
  if (wanted === undefined || record.wanted === undefined) return undefined
  const current = assignment?.record
  const isDrained = facts.quietTopologies.has(record.id)
  const late =
    current === undefined || isDrained ? [] : ['what was in flight is replayed, it did not drain in time']
  const lines = [...late, ...told].map((text) => {
    return event(facts, record, 'moved-undrained', `${record.name} is moved all the same: ${text}`)
  })
  const wish = { topologyId: record.id, current, plan, shape: wanted, run: 'drain', dump: '' } as const
  const next = assignmentOf(facts, { ...wish, state, isDrained })
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
    events: [...lines, ...eventsOf(facts, record, current, plan, next)],
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
  } else writes.push(...(resumeWithoutPlan(facts, each, phase)?.writes ?? []))
  return {
    topologyId: record.id,
    writes,
    events: [event(facts, record, 'topology-rebalanced', `${record.name} is rebalanced`)],
  }
}

/** Where it is. */
function resumeWithoutPlan(facts: RoundFacts, each: Case, run: RunMode): Batch | undefined {
  const current = each.assignment?.record
  if (current === undefined) return undefined
  const isAllThere = each.shape !== undefined && isSettled(facts, current, each.shape)
  return putAssignment(each, {
    ...current,
    epoch: facts.epoch,
    run,
    state: isAllThere ? [] : current.state,
  })
}

export function giveUp(facts: RoundFacts, { topology, assignment }: Case, why: string): Batch {
  const { record } = topology
  const phase = record.phaseAfter ?? 'active'
  const back: TopologyRecord = {
    ...record,
    phase,
    ...SETTLED,
    givenUp: givenUpWith(topology, why),
  }
  const writes: BoardWrite[] = [{ kind: 'put-topology', record: back, version: topology.version }]
  if (assignment !== undefined) {
    const next = { ...assignment.record, epoch: facts.epoch, run: phase, dump: '' }
    writes.push({ kind: 'put-assignment', record: next, version: assignment.version })
  }
  const message = `the rebalance of ${record.name} was given up: ${why}`
  return { topologyId: record.id, writes, events: [event(facts, record, 'rebalance-given-up', message)] }
}

/** Whoever waits for that rebalance knows it by the version that it gave the record. */
function givenUpWith({ version, record }: Case['topology'], why: string): TopologyRecord['givenUp'] {
  const begun = version - (record.phaseWrites ?? 0)
  return [...(record.givenUp ?? []), { version: begun, why }].slice(-GIVEN_UP_MAX)
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
    ...(record.wanted === undefined ? {} : { givenUp: givenUpWith(topology, failure) }),
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
