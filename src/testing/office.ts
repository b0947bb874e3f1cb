/** Where a worker of a run sends and receives: a post office of messaging, or nothing where there is one worker only. */
import { assert } from '../base/assert.ts'
import type { Link } from '../flow/transfer/link.ts'
import type { Worker } from '../worker/worker.ts'
import type { LocalRun } from './local-run.ts'
import type { WorkerSeat } from './worker-seat.ts'

export interface Office {
  /** Nothing unsent, nothing unacknowledged. */
  readonly isQuiet: boolean
  linkTo(peer: number): Link
  listen(worker: Worker): Promise<void>
  onPeerRestarted(peer: number, incarnation: number): void
  close(): void
}

export function openOffice(run: LocalRun, _seat: WorkerSeat): Office | undefined {
  assert(run.workerCount === 1, 'links between workers')
  return undefined
}
