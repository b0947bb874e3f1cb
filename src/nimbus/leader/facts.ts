/**
 * All that a round decides on, read at its beginning and not looked at again: a decision is a function of this.
 */
import type { BoardView } from '../../cluster/board.ts'
import type { TopologyOutline } from '../../topology/outline.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'
import type { NimbusSettings } from '../settings.ts'

/** The outline of a topology, or why there is none. */
export type OutlineFound =
  | { readonly kind: 'outline'; readonly outline: TopologyOutline }
  /** Not here yet, being fetched: the topology waits. */
  | { readonly kind: 'missing'; readonly why: string }
  /** It will not get better by waiting. */
  | { readonly kind: 'broken'; readonly why: string }

export interface RoundFacts {
  readonly epoch: number
  /** Milliseconds since 1970, as deadlines in records are. */
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
  /** Topologies that threw in an earlier round, and why: left alone, in memory. */
  readonly quarantined: ReadonlyMap<string, string>
  readonly settings: NimbusSettings
}
