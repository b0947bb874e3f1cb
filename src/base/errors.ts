/**
 * Errors thrown on purpose: five families, told apart by who must act.
 *
 * Route: thrown where something went wrong → caught once, by whoever owns the retry loop, the tuple in hand
 * or the process. Bugs are not here: they are `InvariantError` (assert.ts).
 *
 * Message: what happened with the facts in it, lower case, no full stop; loggers put the code in front.
 */
import type { ErrorFamily } from './error-code-entry.ts'
import type { ErrorCode } from './error-codes.ts'

export type { ErrorFamily } from './error-code-entry.ts'

/** Facts for logs and the dashboard: ids, counts, limits. Never secrets, never values of tuples. */
export type Details = Readonly<Record<string, string | number | boolean>>

/**
 * Base of every error thrown on purpose. Tell errors apart by `code`, never by message or instanceof:
 * across processes, and between two copies of the package, only `code`, `family` and `details` travel.
 */
export abstract class StreamError extends Error {
  readonly code: ErrorCode
  readonly details: Details
  abstract readonly family: ErrorFamily
  /** True when the same call, unchanged, may succeed later. The only thing that retry loops look at. */
  abstract readonly retryable: boolean

  constructor(code: ErrorCode, message: string, details: Details = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.details = details
  }
}

/** The caller must act: fix the call, the topology or the configuration. */
export class UsageError extends StreamError {
  override readonly family = 'usage'
  override readonly retryable = false
}

/** Something did not answer in time, or is not there now. Try later. */
export class UnavailableError extends StreamError {
  override readonly family = 'unavailable'
  override readonly retryable = true
}

/** Someone else won: a name is taken, an epoch is old. Read again, then decide. */
export class ConflictError extends StreamError {
  override readonly family = 'conflict'
  override readonly retryable = false
}

/** Bytes or versions do not fit. Never try again. */
export class FormatError extends StreamError {
  override readonly family = 'format'
  override readonly retryable = false
}

/** A spout, bolt, source or sink threw. `cause` is what it threw. */
export class UserCodeError extends StreamError {
  override readonly family = 'user-code'
  override readonly retryable = false
}

/** Throw it from a component to refuse a tuple on purpose: counted as `explicit`, not shown as an error. */
export class FailTuple extends UserCodeError {
  constructor(message = 'tuple refused by the component', details: Details = {}) {
    super('FAIL_TUPLE', message, details)
  }
}

/** Throw it from a component to have the worker restarted: its tuple fails, whatever `onError` says. */
export class FatalTaskError extends UserCodeError {
  constructor(message: string, options?: ErrorOptions) {
    super('FATAL_TASK', message, {}, options)
  }
}

const families: ReadonlySet<unknown> = new Set<ErrorFamily>([
  'usage',
  'unavailable',
  'conflict',
  'format',
  'user-code',
])

/** True if `error` is one of ours, from whatever copy of the package. */
export function isStreamError(error: unknown): error is StreamError {
  if (typeof error !== 'object' || error === null) return false
  return 'code' in error && typeof error.code === 'string' && 'family' in error && families.has(error.family)
}

/** True if `error` is one of ours with this code, from whatever copy of the package. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return isStreamError(error) && error.code === code
}
