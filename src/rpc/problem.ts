/**
 * Errors as they cross the network: RFC 9457 problems, and back. Status follows from the code alone.
 *
 *   StreamError ──problemReply──▶ status, application/problem+json ──errorOf──▶ the same error
 *
 *   400 the request does not fit           401 no valid token        403 the role does not allow it
 *   404 there is none of that name         405 not by this method    409 somebody else won
 *   413 too large     415 not this type    421 go to the leader      422 its content is wrong
 *   503 try later (the only 5xx that a caller may see for what is not there)      504 took too long
 *   500 a bug of ours: told to whoever serves, and to the caller without a word of it
 */
import { type ErrorCode, errorCodeEntry, isErrorCode } from '../base/error-codes.ts'
import {
  ConflictError,
  type Details,
  type ErrorFamily,
  FormatError,
  isStreamError,
  type StreamError,
  UnavailableError,
  UsageError,
  UserCodeError,
} from '../base/errors.ts'
import type { HttpReply } from '../host/host.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** What stands in the body. */
export interface Problem {
  /** A name for the code, not a place. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly family: string
  readonly details: Details
}

const statusOfCode: Partial<Readonly<Record<ErrorCode, number>>> = {
  NOT_AUTHENTICATED: 401,
  NOT_ALLOWED: 403,
  TOPOLOGY_NOT_FOUND: 404,
  NODE_UNKNOWN: 404,
  RECORD_MISSING: 404,
  BLOB_MISSING: 404,
  BUNDLE_TOO_LARGE: 413,
  REQUEST_TOO_LARGE: 413,
  NIMBUS_NOT_LEADER: 421,
  OPERATION_TIMED_OUT: 504,
}

const statusOfFamily: Readonly<Record<ErrorFamily, number>> = {
  usage: 400,
  unavailable: 503,
  conflict: 409,
  format: 422,
  'user-code': 422,
}

/** What status a call that fails with this code has. */
export function statusOf(code: ErrorCode): number {
  return statusOfCode[code] ?? statusOfFamily[errorCodeEntry(code).family]
}

/** Statuses that any call may have, whatever its codes are. 503 is a standby without a leader, too. */
export const commonStatuses: readonly number[] = [400, 401, 403, 404, 405, 413, 415, 421, 503, 504]

/**
 * @param status where the code alone does not say it: a path that is not there, a method that is not its
 * own
 */
export function problemReply(
  error: StreamError,
  status: number = statusFor(error),
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  const { code, family, message, details } = error
  const title = isErrorCode(code) ? errorCodeEntry(code).meaning : code
  return reply(
    { type: `urn:typhoon:error:${code}`, title, status, detail: message, code, family, details },
    headers,
  )
}

/** A bug: the caller learns that there is one, and nothing else. */
export function bugReply(): HttpReply {
  return reply({ type: 'about:blank', title: 'internal error', status: 500 }, {})
}

function statusFor(error: StreamError): number {
  if (error.code === 'NIMBUS_NOT_LEADER' && typeof error.details['leader'] !== 'string') return 503
  return isErrorCode(error.code) ? statusOf(error.code) : statusOfFamily[error.family]
}

function reply(problem: Partial<Problem>, headers: Readonly<Record<string, string>>): HttpReply {
  const body = new TextEncoder().encode(JSON.stringify(problem))
  const status = problem.status ?? 500
  return { status, headers: { 'content-type': PROBLEM_TYPE, ...headers }, body }
}

/** The error that a reply tells of; its sender in `details.address`, if it named none. */
export function errorOf({ status, body }: HttpReply, address: string): StreamError {
  const problem = parse(body)
  const code = problem['code']
  if (typeof code !== 'string') return strangeReply(status, address)
  const family = families[String(problem['family'])] ?? families['unavailable'] ?? UnavailableError
  const detail = problem['detail']
  const message = typeof detail === 'string' ? detail : `${address} answered with ${code}`
  // A code of a later version is a name all the same: who does not know it goes by the family.
  return new family(code as ErrorCode, message, detailsOf(problem['details']))
}

const families: Readonly<
  Record<string, new (code: ErrorCode, message: string, details: Details) => StreamError>
> = {
  usage: UsageError,
  unavailable: UnavailableError,
  conflict: ConflictError,
  format: FormatError,
  'user-code': UserCodeError,
}

/** A carrier that refused before anybody looked, or something that is no daemon of ours. */
function strangeReply(status: number, address: string): StreamError {
  const details = { address, status }
  if (status === 413)
    return new UsageError('REQUEST_TOO_LARGE', `${address} refused it as too large`, details)
  const message = `${address} answered with status ${status}, without saying why`
  if (status >= 500) return new UnavailableError('NIMBUS_UNREACHABLE', message, details)
  return new FormatError('VERSION_MISMATCH', `${message}: is it a Typhoon daemon?`, details)
}

function parse(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const problem: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof problem === 'object' && problem !== null ? { ...problem } : {}
  } catch {
    // Not JSON: told by its status.
    return {}
  }
}

function detailsOf(value: unknown): Details {
  if (typeof value !== 'object' || value === null) return {}
  const plain = Object.entries(value).filter(([, each]) =>
    ['string', 'number', 'boolean'].includes(typeof each),
  )
  return Object.fromEntries(plain)
}

/** Anything thrown as a reply; undefined: it is a bug. */
export function replyToError(error: unknown): HttpReply | undefined {
  return isStreamError(error) ? problemReply(error) : undefined
}
