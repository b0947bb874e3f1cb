/** The state of a slot in the words of a heartbeat. Pure. */
import type { SlotPhase } from '../rpc/heartbeat.ts'
import type { WorkerEnd } from './exit-reason.ts'
import type { SlotState } from './slot.ts'

const phases: Readonly<Record<SlotState['kind'], SlotPhase>> = {
  EMPTY: 'empty',
  FETCHING: 'fetching',
  STARTING: 'starting',
  RUNNING: 'running',
  KILLING: 'killing',
  BACKING_OFF: 'backing-off',
}

/** A worker whose executors are on the move does not count as running: sources must not begin before it does. */
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
      if (!Number.isFinite(state.untilMs)) return `it was started too often in this place: ${what}`
      return `it ended ${state.failures} times in a row and waits before the next start: ${what}`
    }
  }
}

const killed = {
  hung: 'it made no progress and is being killed',
  'start-failed': 'it did not come to the end of its start and is being killed',
  'assignment-changed': 'it is not assigned to this slot any more and is being stopped',
} as const
