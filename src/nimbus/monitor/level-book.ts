/**
 * Levels of logs that shall hold for a while, by topology and logger. Supervisors are told in the answers
 * to their heartbeats, and keep them for as long as they hold. In memory: after a change of the leader they
 * end when their time is over, as they do anyway; a node that gets its first worker after it is not told.
 *
 * Bounds: 50 loggers a topology, a day.
 */
import { UsageError } from '../../base/errors.ts'
import type { HeartbeatReply } from '../../rpc/heartbeat.ts'

const LOGGERS_MAX = 50
const LOGGER_CHARACTERS_MAX = 200
const FOR_MS_MAX = 86_400_000
const levels: readonly string[] = ['debug', 'info', 'warn', 'error']

interface Level {
  readonly level: string
  readonly until: number
}

export class LevelBook {
  private readonly topologies = new Map<string, Map<string, Level>>()

  /** @throws UsageError REQUEST_INVALID */
  set(topologyId: string, logger: string, spec: { level: string; forMs: number; now: number }): void {
    if (!levels.includes(spec.level)) throw invalid(`a level is one of ${levels.join(', ')}`, 'level')
    if (!(spec.forMs > 0 && spec.forMs <= FOR_MS_MAX))
      throw invalid('a level holds for 1 ms to a day', 'forMs')
    if (logger.length > LOGGER_CHARACTERS_MAX) throw invalid('the name of a logger is shorter', 'logger')
    const loggers = this.topologies.get(topologyId) ?? new Map<string, Level>()
    if (!loggers.has(logger) && loggers.size >= LOGGERS_MAX)
      throw invalid(`at most ${LOGGERS_MAX} loggers of a topology have a level of their own`, 'logger')
    loggers.set(logger, { level: spec.level, until: spec.now + spec.forMs })
    this.topologies.set(topologyId, loggers)
  }

  /** For the node that runs these topologies. */
  replyFor(topologyIds: ReadonlySet<string>, now: number): HeartbeatReply['logLevels'] {
    return [...topologyIds].flatMap((topologyId) =>
      [...(this.topologies.get(topologyId) ?? [])].flatMap(([logger, { level, until }]) =>
        until > now ? [{ topologyId, logger, level, forMs: until - now }] : [],
      ),
    )
  }

  keepOnly(isKnown: (topologyId: string) => boolean, now: number): void {
    for (const [id, loggers] of this.topologies) {
      for (const [logger, { until }] of loggers) if (until <= now) loggers.delete(logger)
      if (loggers.size === 0 || !isKnown(id)) this.topologies.delete(id)
    }
  }
}

function invalid(message: string, field: string): UsageError {
  return new UsageError('REQUEST_INVALID', message, { field })
}
