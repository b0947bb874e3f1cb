/** What a scheduling round says: who runs where, what that changes, and what could not be done and why. */
import type { PlannedWorker } from './request.ts'

export interface SchedulePlan {
  /** In the order of the request. */
  readonly topologies: readonly TopologyPlan[]
}

export interface TopologyPlan {
  readonly topologyId: string
  /** By number. */
  readonly workers: readonly PlannedWorker[]
  /** What is other than it was, by worker. Empty: nothing has to be written. */
  readonly moves: readonly PlannedMove[]
  readonly unplaced: readonly Unplaced[]
  /** What is not as it was asked for, though all executors may be placed. In words. */
  readonly notes: readonly string[]
}

/**
 *   new         starts in a slot                gone         its executors are with others, or nowhere
 *   moved       goes on in another slot         rearranged   same slot, other executors
 *   renewed     same slot, new layout
 */
export type MoveKind = 'new' | 'moved' | 'renewed' | 'rearranged' | 'gone'

export interface PlannedMove {
  readonly kind: MoveKind
  readonly worker: number
  readonly from: Seat | undefined
  readonly to: Seat | undefined
  /** Executors it has now and had not before, and the other way round. */
  readonly gained: readonly number[]
  readonly given: readonly number[]
  /** It lives, and should not be on its node: drained, on the blacklist, or kept for others. */
  readonly isLeaving: boolean
  readonly why: string
}

export interface Seat {
  readonly node: string
  readonly port: number
}

export interface Unplaced {
  readonly component: string
  readonly executors: readonly number[]
  readonly why: string
}
