/**
 * Numbers the tasks and executors of a topology, system components included.
 *
 * Route: a checked Topology → [here] → flow (one process) or schedule and worker (a cluster). Pure: the same
 * topology gives the same numbers everywhere, which is what tuples are addressed by.
 *
 * Invariants
 *   X1  tasks and executors are numbered from 1 without gaps, over components in name order
 *   X2  the tasks of an executor follow each other, and belong to one component
 *   X3  a component has at least as many tasks as executors
 */
import {
  type ComponentSettings,
  compileComponentSettings,
  compileTopologySettings,
  type TopologySettings,
} from '../config/settings.ts'
import type { Component, Topology } from './topology.ts'

/** The system bolt that knows which trees are complete. */
export const ACKER = '__acker'

export interface TaskPlan {
  /** Its number in the topology, from 1. */
  readonly task: number
  readonly componentId: string
  /** Its number in the component, from 0. */
  readonly taskIndex: number
  /** Number of its executor. */
  readonly executor: number
}

export interface ExecutorPlan {
  /** Its number in the topology, from 1. */
  readonly executor: number
  readonly componentId: string
  /** Numbers of its tasks, ascending. */
  readonly tasks: readonly number[]
}

export interface ExpandedTopology {
  /** By number: the task `n` is at `n - 1`. */
  readonly tasks: readonly TaskPlan[]
  /** By number: the executor `n` is at `n - 1`. */
  readonly executors: readonly ExecutorPlan[]
  /** Numbers of the tasks of each component, ascending. */
  readonly componentTasks: ReadonlyMap<string, readonly number[]>
}

/** Settings of a topology and of each of its components, in numbers. */
export interface CompiledSettings {
  readonly topology: TopologySettings
  readonly components: ReadonlyMap<string, ComponentSettings>
}

/** How many executors and tasks a component has. */
export interface Parallelism {
  readonly executors: number
  readonly tasks: number
}

/**
 * Compiles all settings of a topology.
 * @throws UsageError CONFIG_UNKNOWN_KEY, CONFIG_INVALID_VALUE, CONFIG_CONTRADICTION, PARALLELISM_INVALID
 */
export function settingsOf(topology: Topology): CompiledSettings {
  const components = new Map<string, ComponentSettings>()
  for (const component of topology.components.values()) {
    components.set(component.id, componentSettings(topology, component))
  }
  return { topology: compileTopologySettings(topology.config), components }
}

/** Compiles the settings of one component: the topology's defaults, its definition, its placement. */
export function componentSettings(topology: Topology, component: Component): ComponentSettings {
  const { definition, placement, id } = component
  return compileComponentSettings([topology.config, definition.settings, placement], definition.kind, id)
}

/** Executors as far as the topology lets them; tasks as many as executors, unless said otherwise. */
export function parallelismOf(settings: ComponentSettings, executorsMax: number | undefined): Parallelism {
  const executors = Math.min(settings.executors, executorsMax ?? settings.executors)
  return { executors, tasks: settings.tasks ?? executors }
}

/** Ackers of a topology: one per worker unless said otherwise, none where nothing is acked. */
export function ackerCount(settings: TopologySettings): number {
  return settings.guarantee === 'at-most-once' ? 0 : (settings.ackerExecutors ?? settings.workers)
}

export function expand(
  topology: Topology,
  settings: CompiledSettings = settingsOf(topology),
): ExpandedTopology {
  return expandParallelism(inNameOrder(settings))
}

/** Tasks as people count them: those of their components, without ackers. */
export function ownTaskCount({ componentTasks }: ExpandedTopology): number {
  let sum = 0
  for (const [id, tasks] of componentTasks) if (id !== ACKER) sum += tasks.length
  return sum
}

/** The same from numbers alone: components in name order, system components included. */
export function expandParallelism(components: readonly (readonly [string, Parallelism])[]): ExpandedTopology {
  const tasks: TaskPlan[] = []
  const executors: ExecutorPlan[] = []
  const componentTasks = new Map<string, readonly number[]>()
  for (const [componentId, parallelism] of components) {
    const first = tasks.length + 1
    for (const count of blocks(parallelism)) {
      const executor = executors.length + 1
      const numbers = Array.from({ length: count }, (_, index) => tasks.length + 1 + index)
      executors.push({ executor, componentId, tasks: numbers })
      for (const task of numbers) tasks.push({ task, componentId, taskIndex: task - first, executor })
    }
    componentTasks.set(
      componentId,
      Array.from({ length: parallelism.tasks }, (_, index) => first + index),
    )
  }
  return { tasks, executors, componentTasks }
}

function inNameOrder({ topology, components }: CompiledSettings): readonly [string, Parallelism][] {
  const all = [...components].map(([id, settings]): [string, Parallelism] => {
    return [id, parallelismOf(settings, topology.maxTaskParallelism)]
  })
  const ackers = ackerCount(topology)
  if (ackers > 0) all.push([ACKER, { executors: ackers, tasks: ackers }])
  // By code units: a locale must not change the numbers.
  return all.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Tasks of each executor, as even as can be, the bigger blocks first: 8 on 3 are 3, 3, 2. */
function blocks({ executors, tasks }: Parallelism): readonly number[] {
  const size = Math.floor(tasks / executors)
  const bigger = tasks % executors
  return Array.from({ length: executors }, (_, index) => (index < bigger ? size + 1 : size))
}
