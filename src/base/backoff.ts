/**
 * How long to wait before trying again: growing, bounded, and spread by chance so that many who failed
 * together do not come back together. The numbers are pure; `retry` is the one loop around them.
 */
import { isStreamError } from './errors.ts'

export interface BackoffSpec {
  /** Wait after the first failure, before spreading. */
  readonly firstMs: number
  /** Each wait is this many times the one before; 1 keeps it. Default 2. */
  readonly factor?: number
  readonly maxMs: number
  /** Share of the wait that is drawn by chance: 0 none, 1 all of it. Default 0.5. */
  readonly jitter?: number
}

/**
 * The wait after failure number `failures` (from 1), in ms. `chance` is a random number from 0 to below 1.
 * It lies between `(1 - jitter)` of the full wait and the full wait, which never exceeds `maxMs`.
 */
export function backoffMs(failures: number, spec: BackoffSpec, chance: number): number {
  const jitter = spec.jitter ?? 0.5
  // The power overflows to Infinity after many failures; the minimum takes it back.
  const full = Math.min(spec.maxMs, spec.firstMs * (spec.factor ?? 2) ** (Math.max(1, failures) - 1))
  return full * (1 - jitter) + full * jitter * chance
}

/** Counts failures in a row for one thing that is tried again and again. */
export class Backoff {
  private readonly spec: BackoffSpec
  private readonly chance: () => number
  private failed = 0

  /** `chance` draws from 0 to below 1. */
  constructor(spec: BackoffSpec, chance: () => number) {
    this.spec = spec
    this.chance = chance
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.failed
  }

  /** One more failure: how long to wait now, in ms. */
  nextMs(): number {
    this.failed += 1
    return backoffMs(this.failed, this.spec, this.chance())
  }

  /** It worked: the next failure is a first one again. */
  reset(): void {
    this.failed = 0
  }
}

export interface RetrySpec extends BackoffSpec {
  /** Calls altogether; the error of the last one is thrown. */
  readonly attemptsMax: number
  readonly chance: () => number
  readonly wait: (delayMs: number) => Promise<void>
  /** Which errors are worth another call. Default: those that say so by `retryable`. */
  readonly retryIf?: (error: unknown) => boolean
}

/** Calls until it works, until an error is not worth another call, or until the attempts are used up. */
export async function retry<T>(spec: RetrySpec, call: (attempt: number) => Promise<T>): Promise<T> {
  const worthIt = spec.retryIf ?? isRetryable
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(attempt)
    } catch (error) {
      if (attempt >= spec.attemptsMax || !worthIt(error)) throw error
      await spec.wait(backoffMs(attempt, spec, spec.chance()))
    }
  }
}

/** True if the error itself says that the same call may succeed later. */
export function isRetryable(error: unknown): boolean {
  return isStreamError(error) && error.retryable
}
