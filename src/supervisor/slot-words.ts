/**
 * A slot in the words of a heartbeat: its phase, why it is not running, what its worker has told. Pure.
 */
import { clusterCodes } from '../base/error-table-cluster.ts'
import type { ExitReason, SeatBeat, ToSupervisor } from '../cluster/seat-messages.ts'
import type { NodeHappening, SlotPhase } from '../rpc/heartbeat.ts'
import type { WorkerEnd } from './exit-reason.ts'
import type { PositionSource, PositionsLeftOut } from './post/position-post.ts'
import type { SlotState, SlotWish } from './slot.ts'

const phases: Readonly<Record<SlotState['kind'], SlotPhase>> = {
  EMPTY: 'empty',
  FETCHING: 'fetching',
  STARTING: 'starting',
  RUNNING: 'running',
  KILLING: 'killing',
  BACKING_OFF: 'backing-off',
}

/**
 * A worker whose executors are on the move does not count as running: sources must not begin before it does.
 */
export function phaseOf(state: SlotState): SlotPhase {
  const isMoving = state.kind === 'RUNNING' && state.rearranging !== undefined
  return isMoving ? 'starting' : phases[state.kind]
}

/** Why it is not running; empty if it is. */
export function whyOf(state: SlotState, trouble: string, end: WorkerEnd | undefined): string {
  switch (state.kind) {
    case 'EMPTY':
      return ''
    case 'FETCHING':
      return trouble === '' ? 'what it needs is being fetched' : trouble
    case 'STARTING':
      return state.isAssigned ? 'it is being prepared' : 'its process is being started'
    case 'RUNNING':
      return state.rearranging === undefined ? '' : 'its executors are on the move'
    case 'KILLING':
      return killed[state.why]
    case 'BACKING_OFF': {
      const what = end === undefined ? state.reason : `${end.reason}, ${end.text}`
      const isHeld = !Number.isFinite(state.untilMs)
      if (isHeld && state.reason === 'outdated')
        return `others have its work, it waits for the board: ${what}`
      if (isHeld) return `it was started too often in this place: ${what}`
      return `it ended ${state.failures} times in a row and waits before the next start: ${what}`
    }
  }
}

type Told = Extract<ToSupervisor, { readonly kind: 'start-failed' | 'fault' | 'stop-wanted' | 'dead-letter' }>

/** What a worker has told, for the leader. */
export function happeningOf(message: Told, { topologyId, worker }: SlotWish, at: number): NodeHappening {
  switch (message.kind) {
    case 'start-failed':
    case 'fault':
      return { kind: 'fault', at, topologyId, worker, fault: message.fault }
    case 'stop-wanted':
      return { kind: 'stop-wanted', at, topologyId, fault: message.fault }
    case 'dead-letter':
      return { kind: 'dead-letter', at, topologyId, letter: message.letter }
  }
}

/** Whether an end is what somebody wanted: nothing that has to be looked into. */
export function isAsked(reason: ExitReason): boolean {
  return reason === 'assignment-changed' || reason === 'shutdown'
}

/** Too many, or one too large: told in the name of the component. */
export function faultOfPositions(
  { topologyId, worker }: PositionSource,
  { code, component, message }: PositionsLeftOut,
  at: number,
): NodeHappening {
  const { family } = clusterCodes[code]
  const fault = { code, family, component, task: 0, message, stack: undefined, at }
  return { kind: 'fault', at, topologyId, worker, fault }
}

const killed = {
  hung: 'it made no progress and is being killed',
  'start-failed': 'it did not come to the end of its start and is being killed',
  'assignment-changed': 'it is not assigned to this slot any more and is being stopped',
} as const

/** Changes of a worker that shall be quiet, told at once; more of them are as if nothing were new. */
export const NEWS_MAX = 4
/** Words that are said again and told, as many as a worker says: beyond it the period has to do. */
export const AGAINS_MAX = 40

/**
 * What the leader is told of a drained worker. One that was started again knows nothing of positions that the
 * life before it left here: until they are stored, whoever takes its sources over would begin before them.
 */
export function beatToTell(beat: SeatBeat | undefined, hasUnstored: () => boolean): SeatBeat | undefined {
  if (beat?.run !== 'drain' || !beat.isQuiet || !hasUnstored()) return beat
  return { ...beat, isQuiet: false }
}

/** Does it say something that a topology waits for; `again`: what it had said before, and has to repeat. */
export type WordKind = 'new' | 'again' | 'nothing'

/**
 * What others wait for: that a worker runs as it was told, is quiet when it shall be, has what it was given.
 */
export class HeardWord {
  private situation = ''
  private wasQuiet = false
  private newsLeft = NEWS_MAX
  private againsLeft = AGAINS_MAX

  take({ run, isQuiet, components }: SeatBeat): WordKind {
    const situation = `${run} ${components.length}`
    const isOther = situation !== this.situation
    const { wasQuiet } = this
    this.situation = situation
    this.wasQuiet = isQuiet
    if (isOther) {
      this.newsLeft = NEWS_MAX
      this.againsLeft = AGAINS_MAX
      return 'new'
    }
    if (run === 'active' || (!isQuiet && !wasQuiet)) return 'nothing'
    // Only a drain needs it again, and needs to know that it is not so any more.
    const isNews = isQuiet !== wasQuiet && (isQuiet || run === 'drain')
    if (isNews && this.newsLeft > 0) {
      this.newsLeft -= 1
      return 'new'
    }
    if (run !== 'drain') return 'nothing'
    if (this.againsLeft === 0) return 'nothing'
    this.againsLeft -= 1
    return 'again'
  }
}
