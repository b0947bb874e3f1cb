/**
 * One round of the leader: everything that was seen → everything that shall be written. Pure; round.ts does
 * it.
 *
 *   records ─▶ step of each life ─▶ one plan for all (schedule) ─▶ writes, a batch per topology
 *                                         ▲                            │
 *                                         ╰── around what stays ───────╯ (place-around.ts)
 *
 * Batches stand alone: one that fails, for its record has changed or is too large, holds up no other.
 *
 * Invariants
 *   R1  a topology that cannot be decided on is left as it is, with the reason told, and costs the others
 *       nothing, whatever is thrown (attempt.ts, place-all.ts)
 *   R2  nothing is written twice: the decision on what the batches bring about is empty
 */

import { paths } from '../../cluster/paths.ts'
import type { TopologyRecord } from '../../cluster/records.ts'
import type { Versioned } from '../../cluster/versioned.ts'
import type { TopologyPlan } from '../../schedule/plan.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import type { NewEvent } from '../monitor/event-ring.ts'
import { attempt } from './attempt.ts'
import { changesOf, isMalformed, type RoundFacts, type SearchState } from './facts.ts'
import { type Place, placeAll } from './place-all.ts'
import { placeAround } from './place-around.ts'
import type { Batch, Case } from './round-case.ts'
import { isGone, isSettled } from './running.ts'
import type { Candidate } from './schedule-request.ts'
import { mergeChanges } from './shape.ts'
import { type LifeStep, stepTopology } from './topology-life.ts'
import { giveUp, isWaitOver, writesOf } from './writes-of.ts'

export interface RoundDecision {
  readonly batches: readonly Batch[]
  /** Topologies that could not be decided on, and why: for the record, or for memory. */
  readonly quarantine: ReadonlyMap<string, string>
  /** What is not as it was asked for, by topology. */
  readonly notes: ReadonlyMap<string, readonly string[]>
  readonly steps: ReadonlyMap<string, LifeStep>
  /** Topologies without a plan in this round only, and why. */
  readonly leftOut: ReadonlyMap<string, string>
  /** Of those, who is better not asked about in the next rounds. */
  readonly culprits: ReadonlyMap<string, string>
  /** The search for them goes on in the next round, from here. */
  readonly search: SearchState | undefined
  /** What was asked of the scheduler: for who thinks of moving more. undefined: nothing could be asked. */
  readonly request: ScheduleRequest | undefined
}

export function decideRound(facts: RoundFacts, place: Place): RoundDecision {
  const quarantine = new Map<string, string>()
  const cases: Case[] = []
  for (const topology of facts.view.topologies.values()) {
    const found = attempt(topology.record.id, quarantine, () => caseOf(facts, topology))
    if (found !== undefined) cases.push(found)
  }
  const placed = placeAll(facts, candidatesOf(facts, cases), place, quarantine)
  const { plans, request, leftOut, culprits, search } = placed
  const batchOf = (each: Case, plan: TopologyPlan | undefined) => {
    return attempt(each.topology.record.id, quarantine, () =>
      writesOf(facts, each, plan, leftOut.get(each.topology.record.id)),
    )
  }
  const first = new Map<string, Batch>()
  for (const each of cases) {
    const { id } = each.topology.record
    const batch = batchOf(each, plans.get(id))
    if (batch !== undefined) first.set(id, batch)
  }
  const around =
    request &&
    placeAround({
      cases,
      request,
      place,
      plans,
      batches: first,
      batchOf,
      unwritable: facts.unwritable,
      resting: facts.resting,
      isLate: ({ topology: { record } }) => isWaitOver(facts, record),
      giveUp: (each, why) => giveUp(facts, each, why),
    })
  const batches = around?.batches ?? first
  return {
    batches: [...batches.values(), ...quarantineBatches(facts, quarantine)],
    quarantine,
    notes: new Map([
      ...[...(around?.plans ?? plans)].map(([id, { notes }]) => {
        const waits = around?.waiting.get(id)
        return [id, waits === undefined ? notes : [...notes, waits]] as const
      }),
      ...[...leftOut].map(([id, why]) => [id, [`not placed in this round: ${why}`]] as const),
    ]),
    leftOut,
    culprits,
    search,
    request,
    steps: new Map(cases.map((each) => [each.topology.record.id, each.step])),
  }
}

function caseOf(facts: RoundFacts, topology: Versioned<TopologyRecord>): Case | undefined {
  const { record } = topology
  const { view } = facts
  // What cannot be read is not written over: neither is what was known of it before.
  if (isMalformed(view, paths.topology(record.id)) || isMalformed(view, paths.assignment(record.id)))
    return undefined
  const assignment = view.assignments.get(record.id)
  const found = facts.outlines.get(record.id)
  if (found?.kind === 'broken' && record.phase !== 'killed') throw new Broken(found.why)
  const outline = found?.kind === 'outline' ? found.outline : undefined
  const shape = outline && facts.shapeOf(record.outline, outline, changesOf(record))
  const step = stepTopology({
    phase: record.phase,
    leftMs: facts.phaseLeftMs(record),
    isQuarantined: record.quarantine !== undefined || facts.quarantined.has(record.id),
    hasOutline: outline !== undefined,
    isFailing: facts.stopWanted.has(record.id),
    run: assignment?.record.run,
    isQuiet: facts.quietTopologies.has(record.id),
    hasWanted: record.wanted !== undefined,
    isSettled: assignment !== undefined && shape !== undefined && isSettled(facts, assignment.record, shape),
    isGone: record.phase === 'killed' && isGone(facts, record.id),
  })
  const isMoving = step === 'move' && outline !== undefined && record.wanted !== undefined
  const wanted = isMoving
    ? facts.shapeOf(record.outline, outline, mergeChanges(changesOf(record), record.wanted))
    : shape
  return { topology, assignment, step, shape, wanted }
}

const placedSteps: readonly LifeStep[] = ['assign', 'drain', 'wait', 'move', 'resume']

function candidatesOf(facts: RoundFacts, cases: readonly Case[]): readonly Candidate[] {
  return cases.flatMap((each): Candidate[] => {
    const { record } = each.topology
    const isKilled = record.phase === 'killed'
    if (isKilled || each.wanted === undefined || !placedSteps.includes(each.step)) return []
    const lostWorkers = facts.lostWorkers.get(record.id) ?? []
    return [{ record, assignment: each.assignment?.record, shape: each.wanted, lostWorkers }]
  })
}

class Broken extends Error {}

function quarantineBatches(facts: RoundFacts, quarantine: ReadonlyMap<string, string>): readonly Batch[] {
  return [...quarantine].flatMap(([topologyId, why]): Batch[] => {
    const topology = facts.view.topologies.get(topologyId)
    if (topology === undefined || topology.record.quarantine !== undefined) return []
    const record = { ...topology.record, quarantine: why.slice(0, 1_000) }
    const event: NewEvent = {
      at: facts.now,
      kind: 'topology-quarantined',
      topology: record.name,
      message: `${record.name} is left alone: ${why}`,
    }
    return [
      {
        topologyId,
        writes: [{ kind: 'put-topology', record, version: topology.version }],
        events: [event],
      },
    ]
  })
}
