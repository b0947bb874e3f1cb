/**
 * What a scheduling round is told: the nodes, the topologies, and the plan as it stands. Plain values;
 * whoever asks has looked at clocks, heartbeats and the board before (from-records.ts helps).
 */

/** How a topology's workers find their nodes. */
export type Strategy = 'even' | 'random' | 'weighted' | 'resource-aware'

export interface ScheduleRequest {
  readonly nodes: readonly ScheduleNode[]
  /** In order of priority: when slots are short the first ones get them. Nobody who runs is driven out. */
  readonly topologies: readonly ScheduleTopology[]
  /** Name of a topology → nodes it gets for itself. Names that do not run keep nothing. */
  readonly isolation: Readonly<Record<string, number>>
  /**
   * Topologies that leave no slot in this round: who of them lives stays where it is, whatever is better, and
   * takes nothing more. What they have lost is placed as ever.
   */
  readonly held?: ReadonlySet<string>
  /** Of the strategy `random`. The same seed, the same plan. */
  readonly seed: number
}

export interface ScheduleNode {
  readonly node: string
  readonly ports: readonly number[]
  /** What it offers: percent of a core, bytes. */
  readonly cpuPercent: number
  readonly memoryBytes: number
  /**
   * Measured, of its workers together; undefined: not known yet. The larger of declared and measured counts.
   */
  readonly used: { readonly cpuPercent: number; readonly memoryBytes: number } | undefined
  readonly isDead: boolean
  /** Gets nothing new; what runs there stays. */
  readonly isSilent: boolean
  /** Gets nothing new, and what runs there leaves as soon as it can. The same holds on the blacklist. */
  readonly isDraining: boolean
  readonly isBlacklisted: boolean
}

export interface ScheduleTopology {
  readonly topologyId: string
  readonly name: string
  readonly strategy: Strategy
  /** Workers it asks for; it never gets more than it has executors. */
  readonly workers: number
  /** By number: the executor `n` is at `n - 1`. */
  readonly executors: readonly ScheduleExecutor[]
  readonly rules: PlacementRules
  /** undefined: it is placed nowhere yet. */
  readonly current: CurrentPlan | undefined
  /** Workers that shall run in another slot although their node is up. */
  readonly lostWorkers: readonly number[]
}

export interface ScheduleExecutor {
  readonly executor: number
  readonly component: string
  readonly cpuPercent: number
  readonly memoryBytes: number
}

/** Anti-affinity. A component is never kept apart from itself; for that there is `nodeMax`. */
export interface PlacementRules {
  /** Component → components with which it shares no node. Holds both ways. */
  readonly apartNodes: Readonly<Record<string, readonly string[]>>
  /** The same for workers. */
  readonly apartWorkers: Readonly<Record<string, readonly string[]>>
  /** Component → most executors of it on one node. */
  readonly nodeMax: Readonly<Record<string, number>>
}

export const NO_RULES: PlacementRules = { apartNodes: {}, apartWorkers: {}, nodeMax: {} }

export interface CurrentPlan {
  readonly workers: readonly PlannedWorker[]
  /** False: executors have other numbers than in `workers`. Slots are kept, every worker starts anew. */
  readonly isSameLayout: boolean
}

export interface PlannedWorker {
  /** Number in the topology, from 1. Numbers of others may be missing. */
  readonly worker: number
  readonly node: string
  readonly port: number
  /** Grows with every move and every new layout (cluster/incarnation.ts). */
  readonly generation: number
  /** Ascending. */
  readonly executors: readonly number[]
}
