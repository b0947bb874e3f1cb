/**
 * Between the records of the board and the scheduler: what stands there as a request, and a plan as the
 * workers of an assignment. Pure.
 */
import { assertDefined } from '../base/assert.ts'
import { formatRanges, parseRanges } from '../cluster/executor-ranges.ts'
import type { AssignmentRecord, WorkerAssignment } from '../cluster/records.ts'
import type { Json } from '../topology/describe/document.ts'
import { expandOutline, type TopologyOutline } from '../topology/describe/outline.ts'
import type { TopologyPlan } from './plan.ts'
import type { CurrentPlan, PlacementRules, PlannedWorker, ScheduleExecutor, Strategy } from './request.ts'

/** Executors of an outline as it is now (reshape comes before), with what each asks of a node. */
export function executorsOf(outline: TopologyOutline): readonly ScheduleExecutor[] {
  const components = new Map(outline.components.map((component) => [component.id, component]))
  return expandOutline(outline).executors.map(({ executor, componentId }) => {
    const { cpuPercent, memoryBytes } = assertDefined(components.get(componentId), 'it is of this outline')
    return { executor, component: componentId, cpuPercent, memoryBytes }
  })
}

/**
 * The strategy a topology asks for, or the cluster's (`storm.scheduler`). Others than we know: the cluster's.
 */
export function strategyOf(asked: string | undefined, fallback: Strategy): Strategy {
  switch (asked) {
    case 'even':
    case 'random':
    case 'weighted':
    case 'resource-aware':
      return asked
    default:
      return fallback
  }
}

/**
 * Rules as they stand in the outline's document: `schedulerApart…` of the topology's own configuration. What
 * the record's `config` says, given at submit, wins.
 */
export function rulesOf(outline: TopologyOutline, config: Json = {}): PlacementRules {
  const members = { ...membersOf(outline.document.config), ...membersOf(config) }
  return {
    apartNodes: listsOf(members['schedulerApartNodes']),
    apartWorkers: listsOf(members['schedulerApartWorkers']),
    nodeMax: countsOf(members['schedulerNodeMax']),
  }
}

/**
 * The plan as it stands. `layoutDigest` is that of the outline as it shall be (cluster/layout.ts).
 * @throws FormatError RECORD_MALFORMED
 */
export function currentOf(
  assignment: AssignmentRecord | undefined,
  layoutDigest: string,
): CurrentPlan | undefined {
  if (assignment === undefined) return undefined
  const workers = assignment.workers.map(({ worker, node, port, generation, executors }): PlannedWorker => {
    return { worker, node, port, generation, executors: parseRanges(executors) }
  })
  return { workers, isSameLayout: assignment.layoutDigest === layoutDigest }
}

/** Workers of the assignment that a plan makes. `hostOf`: host at which peers reach workers of a node. */
export function assignedWorkers(
  plan: TopologyPlan,
  hostOf: (node: string) => string,
): readonly WorkerAssignment[] {
  return plan.workers.map(({ worker, node, port, generation, executors }) => {
    const address = addressOf(hostOf(node), port)
    return { worker, node, port, address, generation, executors: formatRanges(executors) }
  })
}

export function unplacedOf(plan: TopologyPlan): AssignmentRecord['unplaced'] {
  return plan.unplaced.map(({ executors, why }) => ({ executors: formatRanges(executors), why }))
}

function addressOf(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`
}

function membersOf(json: Json | undefined): Readonly<Record<string, Json | undefined>> {
  return typeof json === 'object' && json !== null && !isList(json) ? json : {}
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json)
}

function listsOf(json: Json | undefined): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  for (const [name, list] of Object.entries(membersOf(json))) {
    if (list !== undefined && isList(list)) found[name] = list.filter((each) => typeof each === 'string')
  }
  return found
}

function countsOf(json: Json | undefined): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const [name, count] of Object.entries(membersOf(json)))
    if (typeof count === 'number') found[name] = count
  return found
}
