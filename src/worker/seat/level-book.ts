/**
 * From which level on lines of a worker's log are written, by logger and for a time. A logger is a component,
 * or `root` for everything. Pure: time is handed in.
 */
import type { Details } from '../../base/errors.ts'
import type { LogLevel } from '../../base/log.ts'

export const ROOT_LOGGER = 'root'
/** More loggers than this have no level of their own. */
const LOGGERS_MAX = 1_000

const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
/** Storm's words for levels, and ours. */
const levels: ReadonlyMap<string, number> = new Map([
  ...Object.entries(rank),
  ['trace', rank.debug],
  ['all', rank.debug],
  ['fatal', rank.error],
  ['off', rank.error + 1],
])

interface Level {
  readonly rank: number
  readonly endsAtMs: number
}

export class LevelBook {
  private readonly usual: number
  private readonly nowMs: () => number
  private readonly special = new Map<string, Level>()

  /** `nowMs` is monotonic. */
  constructor(usual: LogLevel, nowMs: () => number) {
    this.usual = rank[usual]
    this.nowMs = nowMs
  }

  /** `forMs` 0: until it is set again. False: no such level, or too many loggers. */
  set(logger: string, level: string, forMs: number): boolean {
    const wanted = levels.get(level.toLowerCase())
    if (wanted === undefined) return false
    const name = logger === '' ? ROOT_LOGGER : logger
    if (!this.special.has(name) && this.special.size >= LOGGERS_MAX) return false
    const endsAtMs = forMs > 0 ? this.nowMs() + forMs : Number.POSITIVE_INFINITY
    this.special.set(name, { rank: wanted, endsAtMs })
    return true
  }

  isOn(level: LogLevel, fields: Details): boolean {
    if (this.special.size === 0) return rank[level] >= this.usual
    const { component } = fields
    const own = typeof component === 'string' ? this.levelOf(component) : undefined
    return rank[level] >= (own ?? this.levelOf(ROOT_LOGGER) ?? this.usual)
  }

  private levelOf(logger: string): number | undefined {
    const level = this.special.get(logger)
    if (level === undefined) return undefined
    if (this.nowMs() < level.endsAtMs) return level.rank
    this.special.delete(logger)
    return undefined
  }
}
