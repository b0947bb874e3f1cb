/**
 * What the surroundings say of the configuration: file, environment, project, command line; put on each
 * other.
 */
import { UsageError } from '../../base/errors.ts'
import type { Layer } from '../../config/layer.ts'
import type { ResolvedConfig } from '../../config/load.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import type { Shell } from '../shell.ts'
import type { Project } from './project.ts'

/**
 * The configuration of a topology; undefined: nobody but itself says anything, and nothing needs to be read.
 * @throws UsageError E2 codes, one error for all that is wrong
 */
export async function configFor(
  shell: Shell,
  invocation: Invocation,
  project: Project | undefined,
  own: TopologyConfig,
): Promise<ResolvedConfig | undefined> {
  if (isSilent(shell, invocation, project)) return undefined
  const { resolveConfig } = await import('../../config/load.ts')
  return resolveConfig(await layersOf(shell, invocation, project, own))
}

/** All layers, each read and checked value by value. */
export async function layersOf(
  shell: Shell,
  invocation: Invocation,
  project: Project | undefined,
  own: TopologyConfig | undefined,
): Promise<readonly Layer[]> {
  const { readCommandLine, readEnvironment, readTypeScript, readYaml } = await import('../../config/layer.ts')
  const layers: Layer[] = [
    readEnvironment(shell.terminal.environment),
    readCommandLine(assignments(invocation)),
  ]
  const file = invocation.text('config')
  if (file !== undefined) layers.push(readYaml(textOf(shell, file), file))
  const shared = project?.config.config
  if (project !== undefined && shared !== undefined) {
    layers.push(readTypeScript(shared, 'project', shell.short(project.file)))
  }
  if (own !== undefined) layers.push(readTypeScript(own))
  return layers
}

function isSilent(shell: Shell, invocation: Invocation, project: Project | undefined): boolean {
  if (assignments(invocation).length > 0 || invocation.text('config') !== undefined) return false
  if (project?.config.config !== undefined) return false
  return !Object.keys(shell.terminal.environment).some((name) => name.startsWith('TYPHOON_'))
}

/** `-c` in its order; `--workers` is one of them, and wins. A property stands for its key. */
function assignments(invocation: Invocation): readonly string[] {
  const workers = invocation.count('workers')
  const given = invocation.texts('set')
  return workers === undefined ? given : [...given, `topology.workers=${workers}`]
}

function textOf(shell: Shell, file: string): string {
  const text = shell.machine.readText(shell.files.resolve(shell.terminal.directory, file))
  if (text !== undefined) return text
  if (file === '') throw new UsageError('CONFIG_FILE_UNREADABLE', '--config needs a file')
  throw new CommandFailure(`there is no file ${file}`, { exitCode: ExitCode.NOT_FOUND })
}
