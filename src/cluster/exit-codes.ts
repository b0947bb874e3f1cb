/**
 * How a worker process says by its exit code why it ended, and how its supervisor reads it. Pure.
 */
import type { ExitReason } from './seat-messages.ts'

export const ExitCode = {
  /** Asked to, in good order. */
  SHUTDOWN: 0,
  /** An invariant is broken: a bug, here or in the engine's surroundings. */
  INVARIANT: 70,
  /** The topology could not be loaded, built or prepared. */
  START_FAILED: 71,
  /** No word from the supervisor for as long as the lease. */
  LEASE_LOST: 72,
  /** User code asked for a restart, or went on so that only a restart helps. */
  RESTART_WANTED: 73,
  /** A newer incarnation of the worker runs elsewhere, a peer has said. */
  OUTDATED: 74,
} as const

/** What V8 writes when the heap is full, before it ends the process. */
export const HEAP_FULL_TEXT = 'JavaScript heap out of memory'

const reasons: ReadonlyMap<number, ExitReason> = new Map([
  [ExitCode.SHUTDOWN, 'shutdown'],
  [ExitCode.INVARIANT, 'crash'],
  [ExitCode.START_FAILED, 'start-failed'],
  [ExitCode.LEASE_LOST, 'lease'],
  [ExitCode.RESTART_WANTED, 'restart-wanted'],
  [ExitCode.OUTDATED, 'outdated'],
])

/** Signals that a process gets for what it did itself. */
const CRASHES: ReadonlySet<string | undefined> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGSYS'])

/**
 * Why a worker ended. `outputTail` is the end of what it wrote: V8 says there that the heap was full, and
 * then aborts, which looks like a signal.
 */
export function exitReasonOf(
  exit: { readonly code: number | undefined; readonly signal: string | undefined },
  outputTail = '',
): ExitReason {
  const isAbort =
    exit.signal === 'SIGABRT' || exit.signal === 'SIGTRAP' || exit.code === 134 || exit.code === 133
  const isKill = exit.signal === 'SIGKILL' || exit.code === 137
  if ((isAbort || isKill) && outputTail.includes(HEAP_FULL_TEXT)) return 'out-of-memory'
  if (isAbort || CRASHES.has(exit.signal)) return 'crash'
  if (exit.signal !== undefined || isKill || exit.code === 143) return 'killed'
  return reasons.get(exit.code ?? -1) ?? 'crash'
}
