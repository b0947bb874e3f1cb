/**
 * From a word on the command line to a topology, built and checked.
 *
 *   a name or a path ─▶ file ─▶ module ─▶ default export ─▶ arguments ─▶ configuration ─▶ build
 */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { ConfigFinding } from '../../config/finding.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import type { LoadedModule } from '../../host/cli/node-cli-modules.ts'
import { argsSchemaOf, buildTopology, nameOf, parseArgs } from '../../topology/build.ts'
import type { Topology } from '../../topology/topology.ts'
import { recipeOf, type TopologyDef } from '../../topology/topology-def.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { isThrownByUser } from '../say/error-report.ts'
import type { Shell } from '../shell.ts'
import { importModule } from './import-module.ts'
import { findProject, type Project } from './project.ts'
import { topologyArgs } from './topology-args.ts'

type Definition = TopologyDef<unknown, unknown>

/** A topology that a module exports; nothing of it is built yet. */
export interface TopologySource {
  /** Absolute. */
  readonly file: string
  /** Its own, else that of its file. */
  readonly name: string
  readonly definition: Definition
  readonly module: LoadedModule
  /** Checked by its schema. */
  readonly args: unknown
}

/** Where a topology is to be found, before anything of it is imported. */
export interface TopologyPlace {
  readonly file: string
  /** Words after `--`, or those of the project's configuration. */
  readonly words: readonly string[]
  readonly project: Project | undefined
}

export interface BuiltSource extends TopologySource {
  /** With the configuration of all layers. */
  readonly topology: Topology
  readonly warnings: readonly ConfigFinding[]
}

/** @throws CommandFailure nothing of that name or path is there */
export async function locateTopology(
  shell: Shell,
  invocation: Invocation,
  word: string,
): Promise<TopologyPlace> {
  const project = await findProject(shell)
  const { topologies = {}, dev } = project?.config ?? {}
  const words = invocation.rest ?? dev?.args?.[word] ?? []
  const named = Object.hasOwn(topologies, word) ? topologies[word] : undefined
  if (project !== undefined && named !== undefined) {
    return { file: shell.files.resolve(project.directory, named), words, project }
  }
  const file = shell.files.resolve(shell.terminal.directory, word)
  if ((await shell.files.stat(file))?.kind === 'file') return { file, words, project }
  throw notFound(word, Object.keys(topologies), project, shell)
}

/** All topologies of the project by name. */
export async function locateAll(
  shell: Shell,
  invocation: Invocation,
): Promise<readonly (readonly [string, TopologyPlace])[]> {
  const names = Object.keys((await findProject(shell))?.config.topologies ?? {})
  const places: (readonly [string, TopologyPlace])[] = []
  for (const name of names) places.push([name, await locateTopology(shell, invocation, name)])
  return places
}

/**
 * Imports the module and checks the arguments.
 * @throws UsageError NO_DEFAULT_EXPORT, ARGS_INVALID; CommandFailure it does not compile, or threw
 */
export async function loadTopology(shell: Shell, place: TopologyPlace): Promise<TopologySource> {
  const module = await importModule(shell, place.file)
  const definition = module.exports['default']
  if (!isTopology(definition)) throw noTopology(shell, place.file, module)
  const given = topologyArgs(place.words)
  if (argsSchemaOf(definition) === undefined && place.words.length > 0) {
    throw new UsageError(
      'ARGS_INVALID',
      `the topology takes no arguments, but was given ${place.words.join(' ')}`,
    )
  }
  const name = nameOf(definition) ?? stemOf(place.file)
  const args = ofUser('the schema of the arguments', () => parseArgs(definition, given))
  return { file: place.file, name, definition, module, args }
}

/**
 * Builds with the configuration of all layers: file, environment, project, the topology's own, command line.
 * @throws UsageError any E1 or E2 code; CommandFailure `build` threw
 */
export async function buildSource(
  shell: Shell,
  invocation: Invocation,
  place: TopologyPlace,
  source: TopologySource,
): Promise<BuiltSource> {
  const { definition, args } = source
  const build = (config?: TopologyConfig) =>
    ofUser('build', () => buildTopology(definition, { args, config }).topology)
  const own = build()
  const { configFor } = await import('./layers.ts')
  const resolved = await configFor(shell, invocation, place.project, own.config)
  if (resolved === undefined) return { ...source, topology: own, warnings: [] }
  return { ...source, topology: build(resolved.topology), warnings: resolved.warnings }
}

/** Runs a call into the user's code: what it throws is his. */
export function ofUser<T>(what: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (!isThrownByUser(error) || 'code' in Object(error)) throw error
    throw new CommandFailure(`${what} of the topology threw`, { cause: error })
  }
}

/** By its shape, as it may come from another copy of the package. */
function isTopology(value: unknown): value is Definition {
  return recipeOf(value) !== undefined
}

function noTopology(shell: Shell, file: string, { exports }: LoadedModule): UsageError {
  const names = Object.entries(exports).map(([name, value]) => `${name} (${kindOf(value)})`)
  const found = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  const message = `${shell.short(file)} has no topology as its default export; ${found}`
  return new UsageError('NO_DEFAULT_EXPORT', message, { where: `${file}:1:1` })
}

function kindOf(value: unknown): string {
  if (recipeOf(value) !== undefined) return 'a topology'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function stemOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '')
}

function notFound(
  word: string,
  names: readonly string[],
  project: Project | undefined,
  shell: Shell,
): CommandFailure {
  const close = nearest(word, names)
  const there = names.length === 0 ? '' : `; the project has ${names.join(', ')}`
  const config = project === undefined ? 'no typhoon.config.ts was found' : shell.short(project.file)
  const fix =
    close === undefined
      ? `give the path of a module, or a name in topologies of typhoon.config.ts (${config}${there})`
      : `did you mean ${close}?`
  const what = `there is no topology and no file '${word}'`
  return new CommandFailure(what, { exitCode: ExitCode.NOT_FOUND, fix })
}
