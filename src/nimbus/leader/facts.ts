/**
 * All that a round decides on, read at its beginning and not looked at again: a decision is a function of
 * this.
 */
import type { BoardView } from '../../cluster/board.ts'
import type { BlobRef, TopologyRecord } from '../../cluster/records.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'
import type { NimbusSettings } from '../settings.ts'
import type { Changes, Shape } from './shape.ts'

/** The outline of a topology, or why there is none. */
export type OutlineFound =
  | { readonly kind: 'outline'; readonly outline: TopologyOutline }
  /** Not here yet, being fetched: the topology waits. */
  | { readonly kind: 'missing'; readonly why: string }
  /** It will not get better by waiting. */
  | { readonly kind: 'broken'; readonly why: string }

/**
 * A search for those whom the scheduler throws for (place-all.ts): all of `ids` together throw, and the first
 * `tooMany` of them do so already; the first `fine` do not.
 */
export interface SearchState {
  /** In order of priority. */
  readonly ids: readonly string[]
  readonly fine: number
  readonly tooMany: number
  readonly why: string
}

export interface RoundFacts {
  readonly epoch: number
  /** Milliseconds since 1970. It may jump: no wait is measured by it. */
  readonly now: number
  /** Monotonic, as heartbeats are timed. */
  readonly nowMs: number
  /** Monotonic time at which this leadership began. */
  readonly leadingSinceMs: number
  readonly view: BoardView
  readonly outlines: ReadonlyMap<string, OutlineFound>
  readonly heard: ReadonlyMap<string, NodeHeard>
  /** Nodes that are lost: nothing of theirs is running, or may be relied on. */
  readonly deadNodes: ReadonlySet<string>
  /** Topologies that were quiet in an earlier look, each of their workers having been heard since. */
  readonly quietTopologies: ReadonlySet<string>
  /** Workers that do not get up where they are, by topology. */
  readonly lostWorkers: ReadonlyMap<string, readonly number[]>
  /** Topologies that want to stop themselves, and why. */
  readonly stopWanted: ReadonlyMap<string, string>
  /** Topologies that are left alone although their record does not say so, and why. */
  readonly quarantined: ReadonlyMap<string, string>
  /** Topologies whose rebalance was given up not long ago: they are not spread by themselves just now. */
  readonly resting: ReadonlySet<string>
  /** Topologies whose writes fail round after round: nobody counts on slots that they would give up. */
  readonly unwritable: ReadonlySet<string>
  /**
   * Topologies that the scheduler threw for together with others not long ago, and what: not asked about now.
   */
  readonly setApart: ReadonlyMap<string, string>
  /** Where the search for more of them was in the round before. */
  readonly search: SearchState | undefined
  /** It was gone on with only just: others have their turn. */
  readonly isSearchResting: boolean
  /** Milliseconds that this round's decision has taken by now. Only the search looks at it. */
  readonly spentMs: () => number
  /** Time left to what a topology waits for, negative when it is over (phase-clock.ts). */
  readonly phaseLeftMs: (record: TopologyRecord) => number | undefined
  readonly settings: NimbusSettings
  readonly shapeOf: (outlineBlob: BlobRef, outline: TopologyOutline, changes: Changes) => Shape
  /** 32 random bytes in hex. */
  readonly newToken: () => string
}

/** Path of a record, with or without the root, among those that could not be read. */
export function isMalformed(view: BoardView, path: string): boolean {
  if (view.malformed.size === 0) return false
  for (const found of view.malformed.keys()) if (found === path || found.endsWith(path)) return true
  return false
}

export function changesOf(record: TopologyRecord): Changes {
  const { parallelism, workers, scheduler } = record
  return { parallelism, workers, scheduler }
}
