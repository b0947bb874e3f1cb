/**
 * What a run is started with, what it tells, and what its seats see of it.
 */
import type { Logger } from '../base/log.ts'
import type { Host, Net } from '../host/host.ts'
import type { PositionStore, StoredPositions } from '../state/position-store.ts'
import type { KeyedEntry } from '../state/state-entry.ts'
import type { CompiledSettings, ExpandedTopology } from '../topology/expand.ts'
import type { Topology } from '../topology/topology.ts'
import type { DeadLetter } from '../topology/tuple.ts'
import type { ShownError, WorkerOwner } from '../worker/desk.ts'
import type { LoadModule } from '../worker/reporters.ts'
import type { AckLoss } from '../worker/seat/office.ts'
import type { PositionBook } from '../worker/seat/position-book.ts'
import type { Worker } from '../worker/worker.ts'

export type RunEvent =
  | {
      readonly kind: 'worker-started' | 'worker-lost' | 'worker-restarted'
      readonly worker: number
      readonly why: string
    }
  | { readonly kind: 'error'; readonly worker: number; readonly shown: ShownError }
  | { readonly kind: 'dead-letter'; readonly letter: DeadLetter }
  | { readonly kind: 'stopped'; readonly error: unknown }
  | { readonly kind: 'warning'; readonly message: string }

export interface LocalRunSpec {
  readonly name: string
  readonly topology: Topology
  /** Worker processes' stand-ins. Default: the topology's setting. */
  readonly workerCount?: number
  /** The world of a worker (from 1). In real time one host serves all; in the simulator each has its own. */
  readonly hostOf: (worker: number) => Host
  /** The network between workers. */
  readonly netOf: (worker: number) => Net
  /** What runs the run itself: never crashed, never paused. */
  readonly host: Host
  readonly log: Logger
  /** Dev and test: values are frozen. */
  readonly isDev: boolean
  readonly positions?: PositionStore
  /** Where sources begin, instead of what a store says. */
  readonly from?: StoredPositions
  readonly onEvent?: (event: RunEvent) => void
  /** Keyed state to begin with, by component. */
  readonly state?: ReadonlyMap<string, readonly KeyedEntry[]>
  readonly stepLimitOf?: (worker: number) => () => number
  readonly beforeCall?: (componentId: string, call: string) => void
  /** Imports modules of metrics reporters. */
  readonly loadModule?: LoadModule
  /** A worker has been put together: probes may be attached to it. Called at each start. */
  readonly onWorkerMade?: (worker: Worker) => void
  /** Nothing of a killed worker runs any more: its machine may go. */
  readonly onWorkerKilled?: (worker: number) => void
  /** Where a worker listens. Default: by its name and number. */
  readonly addressOf?: (worker: number) => string
  /** Incarnations of this run are greater. Default 0. */
  readonly incarnationsBefore?: number
  /** Begin inactive: nothing is prepared or opened before `activate`. */
  readonly isInactive?: boolean
}

/** A run, as the seats of its workers see it. */
export interface SeatRun extends WorkerOwner {
  readonly spec: LocalRunSpec
  readonly settings: CompiledSettings
  readonly expanded: ExpandedTopology
  readonly positions: PositionBook
  readonly workerCount: number
  readonly token: string
  readonly addressOf: (worker: number) => string
  readonly ackLoss: AckLoss | undefined
}
