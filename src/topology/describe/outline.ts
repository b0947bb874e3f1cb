/**
 * What a cluster must know of a topology without running user code: how many executors and tasks each
 * component has, what they ask of a node, and who reads from whom. Plain JSON, made by whoever submits,
 * read by Nimbus; workers build the topology itself and must come to the same numbers.
 *
 * Pure. The same outline and changes give the same numbers everywhere.
 */
import type { Guarantee } from '../../config/topology-config.ts'
import {
  ACKER,
  ackerCount,
  type CompiledSettings,
  type ExpandedTopology,
  expandParallelism,
  type Parallelism,
  parallelismOf,
  settingsOf,
} from '../expand.ts'
import type { Topology } from '../topology.ts'
import { type TopologyDocument, topologyDocument } from './document.ts'

export interface TopologyOutline {
  readonly name: string
  readonly guarantee: Guarantee
  readonly workers: number
  readonly messageTimeoutMs: number
  readonly drainTimeoutMs: number
  /** undefined: the cluster's. */
  readonly scheduler: string | undefined
  readonly priority: number
  /** Largest heap of a worker, if one was set. */
  readonly workerHeapBytes: number | undefined
  /** Time without progress after which a worker counts as hung; undefined: the cluster's. */
  readonly workerTimeoutMs: number | undefined
  readonly nodeOptions: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** In name order, system components included. */
  readonly components: readonly ComponentOutline[]
  readonly document: TopologyDocument
}

export interface ComponentOutline {
  readonly id: string
  readonly kind: 'spout' | 'bolt' | 'system'
  readonly executors: number
  readonly tasks: number
  /** True if tasks were given: they stay when executors change. */
  readonly hasOwnTasks: boolean
  /** What one executor asks of a node. */
  readonly cpuPercent: number
  readonly memoryBytes: number
  /** Components it reads from. */
  readonly inputs: readonly string[]
}

/** What a submit or a rebalance changes. */
export interface ParallelismChange {
  readonly workers?: number | undefined
  readonly parallelism?: Readonly<Record<string, { readonly executors?: number; readonly tasks?: number }>>
}

/** What a system executor asks of a node: next to nothing. */
const SYSTEM_CPU_PERCENT = 1
const SYSTEM_MEMORY_BYTES = 8 * 1024 * 1024

export function outlineOf(
  name: string,
  topology: Topology,
  settings: CompiledSettings = settingsOf(topology),
): TopologyOutline {
  const { topology: own } = settings
  const components = [...topology.components.values()].map((component): ComponentOutline => {
    const each = settings.components.get(component.id)
    const { executors, tasks } =
      each === undefined ? { executors: 1, tasks: 1 } : parallelismOf(each, own.maxTaskParallelism)
    return {
      id: component.id,
      kind: component.definition.kind,
      executors,
      tasks,
      hasOwnTasks: each?.tasks !== undefined,
      cpuPercent: each?.cpu ?? 0,
      memoryBytes: each?.memoryBytes ?? 0,
      inputs: [...new Set(component.inputs.map(({ componentId }) => componentId))],
    }
  })
  const ackers = ackerCount(own)
  if (ackers > 0) components.push(ackerOutline(ackers))
  return {
    name,
    guarantee: own.guarantee,
    workers: own.workers,
    messageTimeoutMs: own.messageTimeoutMs,
    drainTimeoutMs: own.drainTimeoutMs,
    scheduler: topology.config.schedulerStrategy,
    priority: own.priority,
    workerHeapBytes: own.workerMaxHeapSizeBytes,
    workerTimeoutMs: own.workerTimeoutMs,
    nodeOptions: own.nodeOptions,
    environment: own.environment,
    components: components.sort((a, b) => (a.id < b.id ? -1 : 1)),
    document: topologyDocument(topology),
  }
}

/**
 * The outline as changed. Ackers stay as many as they are unless named (`__acker`): a change of workers alone
 * does not number tasks anew.
 */
export function reshape(outline: TopologyOutline, change: ParallelismChange): TopologyOutline {
  const components = outline.components.map((component) => {
    const wanted = change.parallelism?.[component.id]
    if (wanted === undefined) return component
    const executors = wanted.executors ?? component.executors
    const tasks = wanted.tasks ?? (component.hasOwnTasks ? component.tasks : executors)
    return {
      ...component,
      executors,
      tasks,
      hasOwnTasks: component.hasOwnTasks || wanted.tasks !== undefined,
    }
  })
  return { ...outline, workers: change.workers ?? outline.workers, components }
}

/** Numbers of tasks and executors, as every worker of the topology has them. */
export function expandOutline(outline: TopologyOutline): ExpandedTopology {
  return expandParallelism(
    outline.components.map(({ id, executors, tasks }): [string, Parallelism] => [id, { executors, tasks }]),
  )
}

function ackerOutline(executors: number): ComponentOutline {
  return {
    id: ACKER,
    kind: 'system',
    executors,
    tasks: executors,
    hasOwnTasks: false,
    cpuPercent: SYSTEM_CPU_PERCENT,
    memoryBytes: SYSTEM_MEMORY_BYTES,
    inputs: [],
  }
}
