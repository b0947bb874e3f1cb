/** Waiting for the cluster: work that goes on after its call was answered, and states that come about. */
import { assertDefined } from '../../base/assert.ts'
import { deferred } from '../../base/deferred.ts'
import { type ErrorCode, errorCode } from '../../base/error-codes.ts'
import { ConflictError, UnavailableError } from '../../base/errors.ts'
import { parseDuration } from '../../config/duration.ts'
import type { Host } from '../../host/host.ts'
import type { Progress, WaitOptions } from '../contract.ts'
import type { OperationStatus } from '../nimbus-api.ts'
import type { NimbusClient } from '../nimbus-client.ts'

export type WaitHost = Pick<Host, 'clock' | 'timers'>

const WAIT_MS = 120_000
const LOOK_MS = 200

/**
 * Looks again and again until there is something. `trouble`: what went wrong meanwhile, for the message.
 * @throws OPERATION_TIMED_OUT; what `look` throws; the reason of the signal
 */
export async function waitUntil<T>(
  host: WaitHost,
  what: string,
  options: WaitOptions,
  look: () => Promise<T | undefined>,
  trouble: () => string | undefined = () => undefined,
): Promise<T> {
  const waitMs = options.timeout === undefined ? WAIT_MS : parseDuration(options.timeout, 'timeout')
  const untilMs = host.clock.monotonicMs() + waitMs
  for (;;) {
    options.signal?.throwIfAborted()
    const found = await look()
    if (found !== undefined) return found
    const leftMs = untilMs - host.clock.monotonicMs()
    if (leftMs <= 0) {
      const last = trouble()
      const why = last === undefined ? '' : `; what went wrong last: ${last}`
      const message = `${what} did not come about within ${Math.round(waitMs)} ms; the work goes on${why}`
      throw new UnavailableError('OPERATION_TIMED_OUT', message, { timeoutMs: waitMs, outcome: 'unknown' })
    }
    await pause(host, Math.min(LOOK_MS, leftMs), options.signal)
  }
}

/** Until the work is done. @throws what it failed with; OPERATION_TIMED_OUT */
export async function waitForWork(
  nimbus: NimbusClient,
  host: WaitHost,
  begun: OperationStatus,
  options: WaitOptions = {},
): Promise<void> {
  let last = begun
  const what = `${begun.kind} of ${begun.subject}`
  await waitUntil(host, what, options, async () => {
    if (last !== begun || begun.state === 'running') {
      last = await nimbus.call('operation', [begun.id], { signal: options.signal })
    }
    options.onProgress?.(progressOf(last))
    if (last.state === 'failed') throw failureOf(last)
    return last.state === 'done' ? last : undefined
  })
}

function progressOf({ step, done, total }: OperationStatus): Progress {
  return { step, done, total, unit: 'tasks' }
}

/**
 * What it failed with is told by its code; the families of conflicts and silence are the only ones there
 * are.
 */
function failureOf({ kind, subject, error }: OperationStatus): Error {
  const { code, message } = assertDefined(error, 'work that failed says why')
  const text = `${kind} of ${subject} failed: ${message}`
  const family = errorCode(code).found?.family
  // A code of a later version is a name all the same.
  if (family === 'unavailable') return new UnavailableError(code as ErrorCode, text)
  return new ConflictError(code as ErrorCode, text)
}

export async function pause(host: WaitHost, delayMs: number, signal?: AbortSignal): Promise<void> {
  const over = deferred()
  const timer = host.timers.after(delayMs, over.resolve)
  const onAbort = () => over.reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await over.promise
  } finally {
    timer.stop()
    signal?.removeEventListener('abort', onAbort)
  }
}
