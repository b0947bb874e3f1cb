/**
 * What a worker is told to run: the topology, who runs where, and its place among the others. Plain values.
 */
import type { CompiledSettings, ExpandedTopology } from '../topology/expand.ts'
import type { Topology } from '../topology/topology.ts'

/** In a placement: no worker has the executor. */
export const NOWHERE = 0

export interface WorkerSpec {
  readonly topologyName: string
  readonly topology: Topology
  readonly settings: CompiledSettings
  readonly expanded: ExpandedTopology
  /** Worker (from 1) of each executor; the executor `n` is at `n - 1`. 0: it runs nowhere now. */
  readonly placement: readonly number[]
  /** Its own number. */
  readonly worker: number
  /** Grows with every start of this worker. */
  readonly incarnation: number
  readonly node: string
  readonly port: number
  /** Dev and test: tuples are frozen under the setting `dev`. */
  readonly isDev: boolean
}

/** The worker that runs a task. */
export function workerOf(spec: WorkerSpec, task: number): number {
  const plan = spec.expanded.tasks[task - 1]
  return plan === undefined ? 0 : (spec.placement[plan.executor - 1] ?? 0)
}

/** All workers that run something, ascending. */
export function workersOf(spec: WorkerSpec): readonly number[] {
  return [...new Set(spec.placement)].filter((worker) => worker !== NOWHERE).sort((a, b) => a - b)
}
