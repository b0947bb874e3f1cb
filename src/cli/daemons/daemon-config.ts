/**
 * What a daemon is told: file, environment, command line; all that is wrong with them at once, before
 * anything is started.
 */

import type { Layer } from '../../config/layer.ts'
import { type ResolvedConfig, resolveConfig } from '../../config/load.ts'
import type { Invocation } from '../invocation.ts'
import { layersOf } from '../load/layers.ts'
import type { Shell } from '../shell.ts'

/** Where the file is looked for when none is named. */
const PLACES = ['typhoon.yaml', '/etc/typhoon/typhoon.yaml']

/** @throws UsageError E2 codes, one error for all that is wrong */
export async function readDaemonConfig(shell: Shell, invocation: Invocation): Promise<ResolvedConfig> {
  const layers: Layer[] = [...(await layersOf(shell, invocation, undefined, undefined))]
  if (invocation.text('config') === undefined) {
    const { readYaml } = await import('../../config/layer.ts')
    for (const place of PLACES) {
      const path = shell.files.resolve(shell.terminal.directory, place)
      const text = shell.machine.readText(path)
      if (text === undefined) continue
      layers.push(readYaml(text, shell.short(path)))
      break
    }
  }
  const resolved = resolveConfig(layers)
  for (const { code, origin, message } of resolved.warnings) {
    shell.say(
      `${shell.paintError('yellow', 'warning')} ${code}  ${origin === '' ? '' : `${origin}: `}${message}`,
    )
  }
  return resolved
}
