/**
 * From the board and heartbeats to what a scheduling round is told. Pure.
 *
 * Invariants
 *   Q1  a slot of a topology that is not scheduled in this round is no free slot
 *   Q2  a node that is doubtful (no session, or silent) keeps what it has and gets nothing
 */
import type { AssignmentRecord, SupervisorRecord, TopologyRecord } from '../../cluster/records.ts'
import { currentOf, rulesOf, strategyOf } from '../../schedule/from-records.ts'
import type { ScheduleNode, ScheduleRequest, ScheduleTopology } from '../../schedule/request.ts'
import type { RoundFacts } from './facts.ts'
import type { Shape } from './shape.ts'

/** A topology that takes part, in the shape it shall have. */
export interface Candidate {
  readonly record: TopologyRecord
  readonly assignment: AssignmentRecord | undefined
  readonly shape: Shape
  readonly lostWorkers: readonly number[]
}

export function scheduleRequest(facts: RoundFacts, candidates: readonly Candidate[]): ScheduleRequest {
  const sorted = inOrder(candidates)
  const scheduled = new Set(candidates.map(({ record }) => record.id))
  return {
    nodes: nodesOf(facts, scheduled),
    topologies: sorted.map((candidate) => topologyOf(candidate, facts)),
    isolation: facts.settings.isolation,
    seed: facts.epoch,
  }
}

/** Who comes first when slots are short. */
export function inOrder(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...candidates].sort(byPriority)
}

function byPriority(a: Candidate, b: Candidate): number {
  return (
    a.shape.outline.priority - b.shape.outline.priority ||
    a.record.submittedAt - b.record.submittedAt ||
    (a.record.id < b.record.id ? -1 : 1)
  )
}

function topologyOf(candidate: Candidate, facts: RoundFacts): ScheduleTopology {
  const { record, assignment, shape, lostWorkers } = candidate
  const needs = new Map(shape.outline.components.map((each) => [each.id, each]))
  const { scheduler } = shape.outline
  return {
    topologyId: record.id,
    name: record.name,
    strategy: strategyOf(scheduler, facts.settings.scheduler),
    workers: shape.outline.workers,
    executors: shape.expanded.executors.map(({ executor, componentId }) => ({
      executor,
      component: componentId,
      cpuPercent: needs.get(componentId)?.cpuPercent ?? 0,
      memoryBytes: needs.get(componentId)?.memoryBytes ?? 0,
    })),
    rules: rulesOf(shape.outline),
    current: currentOf(assignment, shape.digest),
    lostWorkers,
  }
}

function nodesOf(facts: RoundFacts, scheduled: ReadonlySet<string>): readonly ScheduleNode[] {
  const taken = new Map<string, { ours: number[]; others: Set<number> }>()
  for (const { record } of facts.view.assignments.values()) {
    for (const { node, port } of record.workers) {
      const ports = taken.get(node) ?? { ours: [], others: new Set() }
      if (scheduled.has(record.topologyId)) ports.ours.push(port)
      else ports.others.add(port)
      taken.set(node, ports)
    }
  }
  const names = [...new Set([...facts.view.supervisors.keys(), ...taken.keys()])].sort()
  return names.map((node) => {
    const { ours, others } = taken.get(node) ?? { ours: [], others: new Set<number>() }
    const supervisor = facts.view.supervisors.get(node)
    // Q2: without its record nobody knows its slots but those that are used.
    const ports = supervisor?.ports.filter((port) => !others.has(port)) ?? [...new Set(ours)].sort(ascending)
    return { ...capacity(supervisor), node, ports, ...verdicts(facts, node), used: usedOf(facts, node) }
  })
}

/** What is not known must not refuse what runs there. */
function capacity(
  supervisor: SupervisorRecord | undefined,
): Pick<ScheduleNode, 'cpuPercent' | 'memoryBytes'> {
  if (supervisor === undefined) return { cpuPercent: 1e9, memoryBytes: 2 ** 50 }
  return { cpuPercent: supervisor.cpuPercent, memoryBytes: supervisor.memoryBytes }
}

function verdicts(
  facts: RoundFacts,
  node: string,
): Pick<ScheduleNode, 'isDead' | 'isSilent' | 'isDraining' | 'isBlacklisted'> {
  const record = facts.view.nodes.get(node)?.record
  return {
    isDead: facts.deadNodes.has(node),
    isSilent: !facts.view.supervisors.has(node) || isSilent(facts, node),
    isDraining: record?.isDraining ?? false,
    isBlacklisted: (record?.blacklistedUntil ?? 0) > facts.now,
  }
}

/** Measured: what the machine is busy with, and what our workers there have taken of its memory. */
function usedOf(facts: RoundFacts, node: string): ScheduleNode['used'] {
  const beat = facts.heard.get(node)?.beat
  if (beat === undefined) return undefined
  const memoryBytes = beat.slots.reduce((sum, slot) => sum + (slot.beat?.rssBytes ?? 0), 0)
  return { cpuPercent: beat.machine.cpuUsed * 100, memoryBytes }
}

/** Was heard, and is not any more. A node that was never heard may just have begun. */
function isSilent(facts: RoundFacts, node: string): boolean {
  const heard = facts.heard.get(node)
  return heard !== undefined && facts.nowMs - heard.atMs > facts.settings.taskTimeoutMs
}

function ascending(a: number, b: number): number {
  return a - b
}
