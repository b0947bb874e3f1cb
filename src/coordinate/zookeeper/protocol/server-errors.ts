/** What a server answers instead of a result: its numbers, and our errors for them. */
import type { ErrorCode } from '../../../base/error-codes.ts'
import {
  ConflictError,
  type Details,
  type StreamError,
  UnavailableError,
  UsageError,
} from '../../../base/errors.ts'

/** Given by the protocol. */
export const ServerError = {
  ok: 0,
  /** Of a part of a multi: not tried, or undone, because another part failed. */
  runtimeInconsistency: -2,
  unimplemented: -6,
  operationTimeout: -7,
  badArguments: -8,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  sessionClosedRequireSaslAuth: -124,
  quotaExceeded: -125,
  throttled: -127,
} as const

interface Meaning {
  readonly make: (message: string, details: Details) => StreamError
  /** Follows the call and its path. */
  readonly words: string
}

const usage = (code: ErrorCode) => (message: string, details: Details) =>
  new UsageError(code, message, details)
const conflict = (code: ErrorCode) => (message: string, details: Details) =>
  new ConflictError(code, message, details)
const unavailableWith = (outcome: Outcome) => (message: string, details: Details) =>
  new UnavailableError('COORDINATOR_UNAVAILABLE', message, { ...details, outcome })

const refused = usage('COORDINATOR_REFUSED')
const invalid = usage('CONFIG_INVALID_VALUE')

const meanings: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [ServerError.noNode, { make: usage('RECORD_MISSING'), words: 'there is no such node' }],
  [ServerError.nodeExists, { make: conflict('RECORD_EXISTS'), words: 'the node is there already' }],
  [ServerError.badVersion, { make: conflict('RECORD_CHANGED'), words: 'the node has another version' }],
  [ServerError.notEmpty, { make: conflict('RECORD_NOT_EMPTY'), words: 'the node has children' }],
  [ServerError.noAuth, { make: refused, words: 'an access list does not allow it' }],
  [ServerError.authFailed, { make: refused, words: 'the credentials are wrong' }],
  [ServerError.sessionClosedRequireSaslAuth, { make: refused, words: 'the server wants a login' }],
  [ServerError.quotaExceeded, { make: refused, words: 'the quota is used up' }],
  [ServerError.noChildrenForEphemerals, { make: invalid, words: 'an ephemeral node has no children' }],
  [ServerError.invalidAcl, { make: invalid, words: 'the access list cannot be' }],
  [ServerError.badArguments, { make: invalid, words: 'the arguments cannot be' }],
  [ServerError.unimplemented, { make: invalid, words: 'the server does not offer it' }],
  [
    ServerError.sessionExpired,
    {
      make: (message, details) => new UnavailableError('SESSION_EXPIRED', message, details),
      words: 'the session is over',
    },
  ],
  [ServerError.sessionMoved, { make: unavailableWith('none'), words: 'the session moved to another server' }],
  [ServerError.throttled, { make: unavailableWith('none'), words: 'the server has too much to do' }],
])

/** Whether a call that failed may have been carried out. */
export type Outcome = 'none' | 'unknown'

/** The error for a server's number. `what`: the call and its path. */
export function serverError(code: number, what: string, path: string, more: Details = {}): StreamError {
  const meaning = meanings.get(code)
  const details: Details = { path, ...more }
  if (meaning !== undefined) return meaning.make(`${what}: ${meaning.words}`, details)
  return unavailableWith('unknown')(`${what}: ZooKeeper answered ${code}`, {
    ...details,
    zookeeperCode: code,
  })
}

/** The same number for every call of a session: it is of no use any more. */
export function isLoginRefused(code: number): boolean {
  return code === ServerError.authFailed || code === ServerError.sessionClosedRequireSaslAuth
}

export function unavailable(what: string, why: string, outcome: Outcome): UnavailableError {
  const rest = outcome === 'none' ? 'it was not sent' : 'it may have been carried out'
  return new UnavailableError('COORDINATOR_UNAVAILABLE', `${what}: ${why}; ${rest}`, { outcome })
}

export function sessionExpired(what: string, outcome: Outcome): UnavailableError {
  return new UnavailableError('SESSION_EXPIRED', `${what}: the session is over`, { outcome })
}
