/** What a round knows of one topology, and what it writes for it. Types only. */
import type { BoardWrite } from '../../cluster/board.ts'
import type { AssignmentRecord, TopologyRecord } from '../../cluster/records.ts'
import type { Versioned } from '../../cluster/versioned.ts'
import type { NewEvent } from '../monitor/event-ring.ts'
import type { Shape } from './shape.ts'
import type { LifeStep } from './topology-life.ts'

/** Writes that belong together. */
export interface Batch {
  readonly topologyId: string
  readonly writes: readonly BoardWrite[]
  /** Told when it was written. */
  readonly events: readonly NewEvent[]
  /** Positions that go first. */
  readonly positionsOf?: string
  /** A rebalance begins with it, that nobody asked for. */
  readonly begins?: Begins
  /** Submit key that goes with it, if it is still its own. */
  readonly freesKey?: string | undefined
}

export interface Begins {
  /** Slots, `node:port`, for the sake of which it drains. */
  readonly countsOn: readonly string[]
  /** Something of it is where it shall not be. */
  readonly isLeaving: boolean
  /** What is written if it does not begin after all: it takes no slot. undefined: nothing. */
  readonly otherwise: Batch | undefined
}

/** A topology in this round. */
export interface Case {
  readonly topology: Versioned<TopologyRecord>
  readonly assignment: Versioned<AssignmentRecord> | undefined
  readonly step: LifeStep
  /** As it is now; undefined: its outline is not known. */
  readonly shape: Shape | undefined
  /** As this round places it. */
  readonly wanted: Shape | undefined
}
