/**
 * What is to be said of an error: code, place in the user's code, reason, what to do. Plain values.
 *
 * Route: anything thrown → [here] → error-text.ts for people, or JSON for programs.
 *
 * Invariants
 *   R1  frames of ours and of Node are never shown, unless the error is a bug of ours
 *   R2  what is neither a StreamError, nor wrong usage, nor thrown by the user's code is our bug: exit code
 *       70
 */
import { type ErrorCodeFacts, errorCode } from '../../base/error-codes.ts'
import { type ErrorFamily, isStreamError, type StreamError } from '../../base/errors.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'

/** One thing that is wrong. */
export interface Trouble {
  readonly code?: string | undefined
  /** `E1004` */
  readonly number?: string | undefined
  readonly message: string
  /** The nearest right name, if the message had one. */
  readonly didYouMean?: string | undefined
  /** `file:line:column`, absolute. */
  readonly where?: string | undefined
  readonly fix?: string | undefined
}

export interface ErrorReport {
  readonly exitCode: ExitCode
  readonly isBug: boolean
  /** The first is the error itself, more are findings that came with it. */
  readonly troubles: readonly Trouble[]
  /** What was thrown, outermost first, without the error itself. */
  readonly causes: readonly string[]
  /** Where in the user's code: `name file:line:column`, innermost first. */
  readonly frames: readonly string[]
  /** Of a bug: as Node has it. */
  readonly stack: string | undefined
}

const CAUSES_MAX = 3
const FRAMES_MAX = 5

const exitCodeOf: Readonly<Record<ErrorFamily, ExitCode>> = {
  usage: ExitCode.USAGE,
  unavailable: ExitCode.NEGATIVE,
  conflict: ExitCode.CONFLICT,
  format: ExitCode.NEGATIVE,
  'user-code': ExitCode.NEGATIVE,
}

/** Codes that scripts tell apart, whatever their family. */
const exitCodeOfCode: Readonly<Record<string, ExitCode>> = {
  TOPOLOGY_NOT_FOUND: ExitCode.NOT_FOUND,
  NODE_UNKNOWN: ExitCode.NOT_FOUND,
  RECORD_MISSING: ExitCode.NOT_FOUND,
  BLOB_MISSING: ExitCode.NOT_FOUND,
  NOT_AUTHENTICATED: ExitCode.NOT_PERMITTED,
  NOT_ALLOWED: ExitCode.NOT_PERMITTED,
  NIMBUS_UNREACHABLE: ExitCode.UNREACHABLE,
  NIMBUS_NOT_LEADER: ExitCode.UNREACHABLE,
  COORDINATOR_UNAVAILABLE: ExitCode.UNREACHABLE,
  CONNECT_FAILED: ExitCode.UNREACHABLE,
  OPERATION_TIMED_OUT: ExitCode.TIMED_OUT,
}

/** Where our own code is, as in frames; the user's is everywhere else. */
const OWN_ROOT = new URL('../../../', import.meta.url).href
const OWN_PARTS = ['dist/', 'src/', 'bin/', 'node_modules/'].map((folder) => OWN_ROOT + folder)

export function reportOf(error: unknown): ErrorReport {
  if (isStreamError(error)) return ofStreamError(error)
  if (error instanceof CommandFailure) {
    const { message, fix, where, exitCode, cause } = error
    return {
      exitCode,
      isBug: false,
      troubles: [{ message, fix, where }],
      causes: causesOf(error),
      frames: framesOf(cause),
      stack: undefined,
    }
  }
  return ofBug(error)
}

function ofStreamError(error: StreamError): ErrorReport {
  const { code, details, family } = error
  const findings = typeof details['findings'] === 'string' ? details['findings'].split('\n') : []
  const where = typeof details['where'] === 'string' ? details['where'] : undefined
  const troubles = findings.length > 1 ? findings.map(ofLine) : [troubleOf(code, error.message, where)]
  return {
    exitCode: exitCodeOfCode[code] ?? exitCodeOf[family],
    isBug: false,
    troubles,
    causes: causesOf(error),
    frames: framesOf(innermost(error)),
    stack: undefined,
  }
}

/** A line of `details.findings`: `CODE: message (file:line:column)`, or without code or place. */
function ofLine(line: string): Trouble {
  const [, code, message = line] = /^([A-Z][A-Z0-9_]+): (.*)$/.exec(line) ?? []
  return troubleOf(code, message, undefined)
}

/** A trouble with what the table knows of its code. */
export function troubleOf(code: string | undefined, text: string, where: string | undefined): Trouble {
  const facts = code === undefined ? undefined : factsOf(code)
  const placed = / \(((?:\/|[A-Za-z]:\\)[^()]+:\d+:\d+)\)$/.exec(text)
  const bare = placed === null ? text : text.slice(0, placed.index)
  const near = /; did you mean (["']?)(.+?)\1\??$/.exec(bare)
  return {
    code,
    number: facts?.number,
    message: near === null ? bare : bare.slice(0, near.index),
    didYouMean: near?.[2],
    where: where ?? placed?.[1],
    fix: facts?.action,
  }
}

function factsOf(code: string): ErrorCodeFacts | undefined {
  return errorCode(code).found
}

function ofBug(error: unknown): ErrorReport {
  const message =
    error instanceof Error ? `${error.name}: ${error.message}` : `not an error: ${String(error)}`
  return {
    exitCode: ExitCode.BUG,
    isBug: true,
    troubles: [{ message }],
    causes: causesOf(error),
    frames: [],
    stack: error instanceof Error ? error.stack : undefined,
  }
}

/** True if the innermost frame outside Node is the user's: what he threw, nobody caught. */
export function isThrownByUser(error: unknown): boolean {
  const [first] = stackFrames(error)
  return first !== undefined && !first.isOwn
}

function causesOf(error: unknown): readonly string[] {
  const causes: string[] = []
  let at: unknown = error instanceof Error ? error.cause : undefined
  while (at !== undefined && causes.length < CAUSES_MAX) {
    causes.push(at instanceof Error ? `${at.name}: ${firstLine(at.message)}` : String(at))
    at = at instanceof Error ? at.cause : undefined
  }
  return causes
}

function innermost(error: unknown): unknown {
  let at = error
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error && at.cause !== undefined; depth++)
    at = at.cause
  return at
}

function firstLine(text: string): string {
  return text.split('\n', 1).join()
}

/** Frames of the user's code of what was thrown, as `name file:line:column`. */
export function framesOf(error: unknown): readonly string[] {
  const users = stackFrames(error).filter((frame) => !frame.isOwn)
  return users.slice(0, FRAMES_MAX).map(({ name, place }) => (name === '' ? place : `${name} ${place}`))
}

interface Frame {
  readonly name: string
  readonly place: string
  readonly isOwn: boolean
}

function stackFrames(error: unknown): readonly Frame[] {
  if (!(error instanceof Error) || error.stack === undefined) return []
  return error.stack.split('\n').flatMap((line) => frameOf(line) ?? [])
}

/** `    at async Object.name (file:///a/b.ts?x:1:2)`; undefined: of Node, or none. */
function frameOf(line: string): Frame | undefined {
  const [, whole = ''] = /^\s+at (?:async )?(.+)$/.exec(line) ?? []
  const [, name = '', inner = whole] = /^(.+) \((.+)\)$/.exec(whole) ?? []
  const [, source, position] = /^(.+?):(\d+:\d+)$/.exec(inner) ?? []
  if (source === undefined || source.startsWith('node:') || source.startsWith('<')) return undefined
  const url = source.startsWith('file:') ? source : `file://${source}`
  if (!url.startsWith('file:///')) return undefined
  const place = `${decodeURIComponent(new URL(url).pathname)}:${position}`
  return { name: name.replace(/^Object\./, ''), place, isOwn: OWN_PARTS.some((part) => url.startsWith(part)) }
}
