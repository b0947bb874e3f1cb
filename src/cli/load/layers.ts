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

/** Where the cluster file is looked for when none is named: the first one that is there. */
const PLACES = ['typhoon.yaml', '/etc/typhoon/typhoon.yaml']

interface Found {
  readonly path: string
  readonly text: string
}

/**
 * The configuration of a topology; undefined: nobody but itself says anything, and nothing needs to be read.
 * Own configuration that is not known (undefined) lies below what is returned here: a file that nobody named
 * is left out then, for it gives defaults and would win.
 * @throws UsageError E2 codes, one error for all that is wrong
 */
export async function configFor(
  shell: Shell,
  invocation: Invocation,
  project: Project | undefined,
  own: TopologyConfig | undefined,
): Promise<ResolvedConfig | undefined> {
  const found = own === undefined ? undefined : foundFile(shell, invocation)
  if (found === undefined && isSilent(shell, invocation, project)) return undefined
  const { resolveConfig } = await import('../../config/load.ts')
  return resolveConfig(await readLayers(shell, invocation, { project, own, found }))
}

/** All layers, each read and checked value by value. */
export async function layersOf(
  shell: Shell,
  invocation: Invocation,
  project: Project | undefined,
  own: TopologyConfig | undefined,
): Promise<readonly Layer[]> {
  return await readLayers(shell, invocation, { project, own, found: foundFile(shell, invocation) })
}

interface Surroundings {
  readonly project: Project | undefined
  readonly own: TopologyConfig | undefined
  readonly found: Found | undefined
}

async function readLayers(
  shell: Shell,
  invocation: Invocation,
  { project, own, found }: Surroundings,
): Promise<readonly Layer[]> {
  const { readCommandLine, readEnvironment, readTypeScript, readYaml } = await import('../../config/layer.ts')
  const layers: Layer[] = [
    readEnvironment(shell.terminal.environment),
    readCommandLine(assignments(invocation)),
  ]
  const file = invocation.text('config')
  if (file !== undefined) layers.push(readYaml(textOf(shell, file), file))
  if (found !== undefined) layers.push(readYaml(found.text, shell.short(found.path)))
  const shared = project?.config.config
  if (project !== undefined && shared !== undefined) {
    layers.push(readTypeScript(shared, 'project', shell.short(project.file)))
  }
  if (own !== undefined) layers.push(readTypeScript(own))
  return layers
}

/** Daemons and topologies in this process read the same one. */
function foundFile(shell: Shell, invocation: Invocation): Found | undefined {
  if (invocation.text('config') !== undefined) return undefined
  for (const place of PLACES) {
    const path = shell.files.resolve(shell.terminal.directory, place)
    const text = shell.machine.readText(path)
    if (text !== undefined) return { path, text }
  }
  return undefined
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
