/**
 * Structured log lines: a level, a message, facts. Where they go is the caller's sink; when it is comes from
 * the caller's clock.
 *
 * Messages are constant texts; what differs from line to line belongs into `details`. So a message is also
 * the name by which lines are counted and limited.
 *
 * Invariant: no line is lost silently. What the limit holds back is told in the next line of the same
 * message.
 */
import type { Details } from './errors.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Logger {
  debug(message: string, details?: Details): void
  info(message: string, details?: Details): void
  warn(message: string, details?: Details): void
  error(message: string, details?: Details): void
  /** The same log with these fields in every line. */
  with(fields: Details): Logger
}

export interface LogLine {
  readonly level: LogLevel
  /** Milliseconds since 1970. */
  readonly at: number
  readonly message: string
  /** Bound fields and details together; details win. */
  readonly details: Details
}

export interface LogSpec {
  readonly sink: (line: LogLine) => void
  readonly now: () => number
  /** Lines below it are dropped. Default `info`. */
  readonly level?: LogLevel
  /** Instead of `level`: asked for each line, with the fields its log was bound to. */
  readonly isOn?: (level: LogLevel, fields: Details) => boolean
  readonly fields?: Details
  /** So many lines of the same message and level in a span. Default 20 in 10 s; 0 lines: no limit. */
  readonly limit?: { readonly lines: number; readonly perMs: number }
}

const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
const defaultLimit = { lines: 20, perMs: 10_000 }
/**
 * Messages that are remembered for the limit. Beyond it all are forgotten, which lets a few lines too many
 * pass.
 */
const SPANS_MAX = 1_000

export function createLogger(spec: LogSpec): Logger {
  const limiter = new LineLimiter(spec.limit ?? defaultLimit)
  return new BoundLogger(spec, limiter, spec.fields ?? {})
}

/** A log that goes nowhere. */
export const silentLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  with: () => silentLogger,
}

/** One line of text: `12:00:01.250 WARN  message key=value key="a text"`. */
export function formatLogLine(line: LogLine): string {
  const time = new Date(line.at).toISOString().slice(11, 23)
  const facts = Object.entries(line.details).map(([key, value]) => ` ${key}=${factText(value)}`)
  return `${time} ${line.level.toUpperCase().padEnd(5)} ${line.message}${facts.join('')}`
}

function factText(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value)
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value)
}

function ignore(): void {
  // The silent logger's whole purpose.
}

class BoundLogger implements Logger {
  private readonly spec: LogSpec
  private readonly limiter: LineLimiter
  private readonly fields: Details
  private readonly least: number

  constructor(spec: LogSpec, limiter: LineLimiter, fields: Details) {
    this.spec = spec
    this.limiter = limiter
    this.fields = fields
    this.least = rank[spec.level ?? 'info']
  }

  debug(message: string, details?: Details): void {
    this.log('debug', message, details)
  }

  info(message: string, details?: Details): void {
    this.log('info', message, details)
  }

  warn(message: string, details?: Details): void {
    this.log('warn', message, details)
  }

  error(message: string, details?: Details): void {
    this.log('error', message, details)
  }

  with(fields: Details): Logger {
    return new BoundLogger(this.spec, this.limiter, { ...this.fields, ...fields })
  }

  private log(level: LogLevel, message: string, details: Details | undefined): void {
    const { isOn } = this.spec
    if (isOn === undefined ? rank[level] < this.least : !isOn(level, this.fields)) return
    const at = this.spec.now()
    const heldBack = this.limiter.admit(`${level} ${message}`, at)
    if (heldBack === undefined) return
    const facts = { ...this.fields, ...details }
    this.spec.sink({ level, at, message, details: heldBack === 0 ? facts : { ...facts, heldBack } })
  }
}

interface Span {
  readonly startMs: number
  lines: number
  heldBack: number
}

class LineLimiter {
  private readonly spans = new Map<string, Span>()
  private readonly lines: number
  private readonly perMs: number

  constructor(limit: { readonly lines: number; readonly perMs: number }) {
    this.lines = limit.lines
    this.perMs = limit.perMs
  }

  /** Undefined: hold this line back. Else how many were held back before it. */
  admit(name: string, nowMs: number): number | undefined {
    if (this.lines === 0) return 0
    const span = this.spans.get(name)
    // A wall clock may jump back; then the old span would hold lines back for as long as it jumped.
    const isOver = span === undefined || nowMs - span.startMs >= this.perMs || nowMs < span.startMs
    if (isOver) {
      if (this.spans.size >= SPANS_MAX) this.spans.clear()
      this.spans.set(name, { startMs: nowMs, lines: 1, heldBack: 0 })
      return span?.heldBack ?? 0
    }
    if (span.lines >= this.lines) {
      span.heldBack += 1
      return undefined
    }
    span.lines += 1
    return 0
  }
}
