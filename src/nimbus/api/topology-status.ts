/** Status, metrics and workers of a topology, from its records and the newest heartbeats. Pure. */
import { parseRanges } from '../../cluster/executor-ranges.ts'
import type { AssignmentRecord, TopologyRecord } from '../../cluster/records.ts'
import type {
  ComponentStatus,
  TopologyMetrics,
  TopologyState,
  TopologyStatus,
  TopologySummary,
} from '../../rpc/contract.ts'
import type { SlotBeat } from '../../rpc/heartbeat.ts'
import type { WorkerStatus } from '../../rpc/nimbus-api.ts'
import { ownTaskCount } from '../../topology/expand.ts'
import type { MetricSample } from '../../topology/hook.ts'
import type { Shape } from '../leader/shape.ts'
import type { ComponentFigures, RateBook } from '../monitor/rate-book.ts'
import type { RestartBook } from '../monitor/restart-book.ts'

export interface TopologySeen {
  readonly record: TopologyRecord
  readonly assignment: AssignmentRecord | undefined
  /** undefined: its outline is not here. */
  readonly shape: Shape | undefined
  /** Why the outline is not here, or why it is left alone. */
  readonly trouble: string | undefined
  readonly slots: readonly { readonly node: string; readonly slot: SlotBeat }[]
  readonly rates: RateBook
  readonly restarts: RestartBook
  readonly notes: readonly string[]
  readonly now: number
  readonly nowMs: number
}

export function summaryOf(seen: TopologySeen): TopologySummary {
  const { record, assignment, shape } = seen
  return {
    name: record.name,
    id: record.id,
    state: stateOf(seen),
    version: record.version,
    workers: assignment?.workers.length ?? 0,
    tasks: shape === undefined ? 0 : ownTaskCount(shape.expanded),
    submittedAt: record.submittedAt,
    isFinished: isFinished(seen),
  }
}

export function stateOf(seen: TopologySeen): TopologyState {
  const { record } = seen
  switch (record.phase) {
    case 'killed':
      return 'stopping'
    case 'rebalancing':
      return 'rebalancing'
    case 'inactive':
      return record.failure !== undefined || isLeftAlone(seen) ? 'failed' : 'inactive'
    case 'active':
      if (isLeftAlone(seen)) return 'failed'
      return isUp(seen) ? 'active' : 'starting'
  }
}

function isLeftAlone({ record, trouble }: TopologySeen): boolean {
  return record.quarantine !== undefined || trouble !== undefined
}

/** Every executor is placed, and every worker runs. */
function isUp({ assignment, slots }: TopologySeen): boolean {
  if (assignment === undefined || assignment.workers.length === 0 || assignment.unplaced.length > 0)
    return false
  return assignment.workers.every((worker) => slotFor(slots, worker)?.phase === 'running')
}

/** Every source has read all, and nothing is in flight. */
export function isFinished({ assignment, slots }: TopologySeen): boolean {
  if (assignment === undefined || assignment.workers.length === 0 || assignment.unplaced.length > 0)
    return false
  return assignment.workers.every((worker) => {
    const beat = slotFor(slots, worker)?.beat
    return beat?.isFinished === true && beat.isQuiet
  })
}

export function statusOf(seen: TopologySeen): TopologyStatus {
  const { record, shape, rates } = seen
  return {
    ...summaryOf(seen),
    guarantee: shape?.outline.guarantee ?? 'at-least-once',
    config: asConfig(record.config),
    components: componentsOf(seen),
    unplaced: unplacedOf(seen),
    bottleneck: rates.bottleneck,
  }
}

/** As it was given at submit; the topology's own build has checked every member. */
function asConfig(config: TopologyRecord['config']): TopologyStatus['config'] {
  const isObject = typeof config === 'object' && config !== null && !Array.isArray(config)
  return isObject ? (config as TopologyStatus['config']) : {}
}

export function componentsOf(seen: TopologySeen): readonly ComponentStatus[] {
  const figures = new Map(seen.rates.figures().map((each) => [each.component, each]))
  const outlined = seen.shape?.outline.components ?? []
  return outlined.flatMap(({ id, kind, executors, tasks }) => {
    if (kind === 'system') return []
    return [componentOf(seen, { component: id, kind, executors, tasks }, figures.get(id))]
  })
}

function componentOf(
  { rates, nowMs, restarts, record }: TopologySeen,
  known: Pick<ComponentStatus, 'component' | 'kind' | 'executors' | 'tasks'>,
  now: ComponentFigures | undefined,
): ComponentStatus {
  const restartCount = restarts.countOf(record.id, known.component)
  if (now === undefined) return { ...known, ...IDLE, restartCount }
  const { counts, seconds } = rates.since(known.component, now, nowMs)
  const loopMs = seconds * 1_000 * Math.max(1, now.executors)
  const busy = Math.min(1, counts.busyMs / loopMs)
  const blocked = Math.min(1 - busy, counts.blockedMs / loopMs)
  const isSpout = known.kind === 'spout'
  return {
    ...known,
    inPerSecond: counts.executedCount / seconds,
    outPerSecond: counts.emittedCount / seconds,
    busy,
    blocked,
    idle: 1 - busy - blocked,
    inboxFill: now.inboxFill,
    executeP50: isSpout ? now.completeP50 : now.executeP50,
    executeP99: isSpout ? now.completeP99 : now.executeP99,
    ackedCount: now.ackedCount,
    failedCount: now.failedCount,
    restartCount,
    lagCount: now.lagCount,
  }
}

const IDLE = {
  inPerSecond: 0,
  outPerSecond: 0,
  busy: 0,
  blocked: 0,
  idle: 1,
  inboxFill: 0,
  executeP50: 0,
  executeP99: 0,
  ackedCount: 0,
  failedCount: 0,
  lagCount: undefined,
} as const

/**
 * Unplaced executors by component; what keeps the topology from being looked after at all; what else is not
 * as it was asked for.
 */
function unplacedOf({ record, assignment, shape, trouble, notes }: TopologySeen): TopologyStatus['unplaced'] {
  const why = record.quarantine ?? trouble
  // Without its outline nobody knows how many: 0 would say that all may run.
  if (why !== undefined)
    return [{ component: '', count: Math.max(1, shape?.expanded.executors.length ?? 0), why }]
  const unplaced = (assignment?.unplaced ?? []).flatMap((each) => {
    const counts = new Map<string, number>()
    for (const executor of parseRanges(each.executors)) {
      const component = shape?.components[executor - 1] ?? ''
      counts.set(component, (counts.get(component) ?? 0) + 1)
    }
    return [...counts].map(([component, count]) => ({ component, count, why: each.why }))
  })
  return [...unplaced, ...notes.map((why) => ({ component: '', count: 0, why }))]
}

export function metricsOf(seen: TopologySeen): TopologyMetrics {
  const figures = seen.rates.figures()
  const spouts = figures.filter(({ kind }) => kind === 'spout')
  const perSecond = (pick: 'ackedCount' | 'failedCount'): number =>
    spouts.reduce((sum, each) => {
      const { counts, seconds } = seen.rates.since(each.component, each, seen.nowMs)
      return sum + counts[pick] / seconds
    }, 0)
  return {
    at: seen.now,
    components: componentsOf(seen),
    completeP50: largest(spouts.map(({ completeP50 }) => completeP50)),
    completeP99: largest(spouts.map(({ completeP99 }) => completeP99)),
    ackedPerSecond: perSecond('ackedCount'),
    failedPerSecond: perSecond('failedCount'),
    samples: figures.flatMap((each) => samplesOf(seen.record.name, each)),
  }
}

function samplesOf(topology: string, each: ComponentFigures): readonly MetricSample[] {
  const labels = { topology, component: each.component }
  const totals = {
    typhoon_tuples_emitted_total: each.emittedCount,
    typhoon_tuples_executed_total: each.executedCount,
    typhoon_tuples_acked_total: each.ackedCount,
    typhoon_tuples_failed_total: each.failedCount,
    typhoon_dead_letters_total: each.deadLetterCount,
  }
  return Object.entries(totals).map(([name, value]) => ({ name, labels, value }))
}

export function workersOf(
  seen: TopologySeen,
  riskOf: (node: string, worker: number) => readonly string[],
): readonly WorkerStatus[] {
  return (seen.assignment?.workers ?? []).map((assigned) => {
    const { worker, node, port, executors } = assigned
    const slot = slotFor(seen.slots, assigned)
    const startedAt = slot && seen.restarts.startOf(seen.record.id, worker, slot.incarnation)
    return {
      topology: seen.record.name,
      worker,
      node,
      port,
      phase: slot?.phase ?? 'empty',
      incarnation: slot?.incarnation ?? 0,
      pid: slot?.pid,
      restartCount: slot?.restartCount ?? 0,
      why: slot?.why ?? 'its supervisor does not report it yet',
      executors,
      uptimeMs: startedAt === undefined ? undefined : Math.max(0, seen.now - startedAt),
      beat: slot?.beat,
      atRisk: riskOf(node, worker),
    }
  })
}

function slotFor(
  slots: TopologySeen['slots'],
  worker: { readonly node: string; readonly port: number; readonly generation: number },
): SlotBeat | undefined {
  return slots.find(
    ({ node, slot }) =>
      node === worker.node && slot.port === worker.port && slot.generation === worker.generation,
  )?.slot
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}
