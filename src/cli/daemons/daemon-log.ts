/** The log of a daemon on stdout: lines of JSON for whoever collects them, plain lines on a terminal. */
import { createLogger, formatLogLine, type Logger, type LogLine } from '../../base/log.ts'
import type { ClusterConfig } from '../../config/cluster-config.ts'
import type { Clock } from '../../host/host.ts'
import type { Shell } from '../shell.ts'

export function daemonLog(shell: Shell, clock: Clock, config: ClusterConfig, daemon: string): Logger {
  const format = config['log.format'] ?? 'auto'
  const isPretty = format === 'pretty' || (format === 'auto' && shell.terminal.out.isTerminal)
  return createLogger({
    sink: (line) => shell.print(isPretty ? formatLogLine(line) : jsonLine(line)),
    now: () => clock.now(),
    level: config['log.level'] ?? 'info',
    fields: { daemon },
  })
}

function jsonLine({ at, level, message, details }: LogLine): string {
  return JSON.stringify({ time: new Date(at).toISOString(), level, msg: message, ...details })
}
