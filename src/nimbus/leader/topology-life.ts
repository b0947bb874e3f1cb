/**
 * The life of a topology, as data. Decides; does nothing. decide-round.ts turns the step into writes.
 *
 *                 stop-wanted, deactivate
 *        ACTIVE ─────────────────────────▶ INACTIVE
 *          │  ◀───────────────────────────    │            assign: place what is not, run as it says
 *          │           activate               │
 *          ╰──────────────┬───────────────────╯
 *                rebalance▼
 *              REBALANCING   drain ─quiet or deadline─▶ move (asks for keyed state first) ─▶ settle ─▶ back
 *                         │
 *      kill, from anywhere▼
 *                    KILLED   drain ─quiet or deadline─▶ unassign ─nothing runs─▶ remove
 *
 * Every step can be seen in the records, so the next leader goes on where this one was interrupted: drain
 * is the assignment's run mode, move is `wanted` there, settle is `wanted` gone.
 *
 * Invariants
 *   T1  a step that was done is not asked for again: its effect is part of what is seen
 *   T2  every wait ends by itself: by its deadline
 *   T3  nothing is unassigned before it was told to drain, unless its time to drain was over at the start
 */
import type { RunMode, TopologyPhase } from '../../cluster/records.ts'

export interface LifeSeen {
  readonly phase: TopologyPhase
  /** To its deadline; undefined: it has none. */
  readonly leftMs: number | undefined
  readonly isQuarantined: boolean
  /** It wants to stop itself. */
  readonly isFailing: boolean
  readonly hasOutline: boolean
  /** undefined: there is no assignment. */
  readonly run: RunMode | undefined
  /** All its workers are quiet, told to drain, and were heard after that. */
  readonly isQuiet: boolean
  readonly hasWanted: boolean
  /** Its workers run as the assignment says. */
  readonly isSettled: boolean
  /** No node reports, or may still have, a worker of it. */
  readonly isGone: boolean
}

export type LifeStep =
  /** Nothing is decided about it: damaged, or not known well enough. */
  | 'leave'
  /** Place what is not placed, away from what is lost; run as its phase says. */
  | 'assign'
  /** The same, and all its workers finish what is in flight. */
  | 'drain'
  /** Lost workers are replaced meanwhile; else nothing. */
  | 'wait'
  /** To the shape that is wanted, with its keyed state. */
  | 'move'
  /** The rebalance is over. */
  | 'resume'
  | 'unassign'
  | 'remove'
  /** It becomes inactive, with its error. */
  | 'fail'

/** One decision. The same arguments always give the same answer. */
export function stepTopology(seen: LifeSeen): LifeStep {
  const isLate = (seen.leftMs ?? 0) <= 0
  switch (seen.phase) {
    case 'active':
      if (seen.isFailing) return 'fail'
      return canBePlaced(seen) ? 'assign' : 'leave'

    case 'inactive':
      return canBePlaced(seen) ? 'assign' : 'leave'

    case 'rebalancing': {
      if (seen.isFailing) return 'fail'
      if (!canBePlaced(seen)) return 'leave'
      // Nothing was ever placed: there is nothing to drain.
      if (seen.run === undefined) return seen.hasWanted ? 'move' : 'resume'
      if (!seen.hasWanted) return seen.isSettled || isLate ? 'resume' : 'wait'
      if (seen.run !== 'drain') return isLate ? 'move' : 'drain'
      return seen.isQuiet || isLate ? 'move' : 'wait'
    }

    case 'killed':
      // Also what is damaged can be killed: nothing of it has to be understood for that.
      if (seen.run === undefined) return seen.isGone ? 'remove' : 'leave'
      if (isLate) return 'unassign'
      if (seen.run !== 'drain') return 'drain'
      return seen.isQuiet ? 'unassign' : 'leave'
  }
}

function canBePlaced({ isQuarantined, hasOutline }: LifeSeen): boolean {
  return !isQuarantined && hasOutline
}
