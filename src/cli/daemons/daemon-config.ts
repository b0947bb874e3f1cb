/**
 * What a daemon is told: file, environment, command line; all that is wrong with them at once, before
 * anything is started.
 */

import { UsageError } from '../../base/errors.ts'
import { type ResolvedConfig, resolveConfig } from '../../config/load.ts'
import type { Invocation } from '../invocation.ts'
import { layersOf } from '../load/layers.ts'
import type { Shell } from '../shell.ts'

/** @throws UsageError E2 codes, one error for all that is wrong */
export async function readDaemonConfig(shell: Shell, invocation: Invocation): Promise<ResolvedConfig> {
  const resolved = resolveConfig(await layersOf(shell, invocation, undefined, undefined))
  for (const { code, origin, message } of resolved.warnings) {
    shell.say(
      `${shell.paintError('yellow', 'warning')} ${code}  ${origin === '' ? '' : `${origin}: `}${message}`,
    )
  }
  refuseUnserved(resolved)
  return resolved
}

/** @throws UsageError CONFIG_INVALID_VALUE a port was asked for at which nobody would answer */
function refuseUnserved({ cluster, explain }: ResolvedConfig): void {
  const key = 'metrics.prometheus.port'
  const isSaid = (explain(key)?.said.length ?? 0) > 1
  if (!isSaid || cluster[key] === 0) return
  const text = `${key}: daemons of this version serve no /metrics; leave the key out or set it to 0`
  throw new UsageError('CONFIG_INVALID_VALUE', `${text}. Figures are shown by typhoon top and by the API`, {
    key,
  })
}
