/**
 * Builds a topology: runs the user's `build`, lays overrides over what it said, and checks the whole.
 *
 * Route: a TopologyDef (default export of a user's module) → [here] → a checked Topology → expand.ts → flow.
 */
import { UsageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { ComponentConfig, TopologyConfig } from '../config/topology-config.ts'
import { topologyDocument } from './describe/document.ts'
import { kindOf } from './make/expect.ts'
import type { Schema } from './schema/schema.ts'
import { issuesOf, validated } from './schema/stream-schema.ts'
import type { Component, Topology } from './topology.ts'
import { type Recipe, recipeOf, type TopologyDef } from './topology-def.ts'
import { refuseErrors } from './validate.ts'

export interface BuildOptions<A = unknown> {
  /** Arguments, already checked (`parseArgs`). Without: what the schema makes of none. */
  readonly args?: A | undefined
  /** Over the topology's own configuration. */
  readonly config?: TopologyConfig | undefined
  /** Over what was said where components were placed. */
  readonly components?: Readonly<Record<string, ComponentConfig>> | undefined
}

export interface BuiltTopology<H> {
  readonly topology: Topology
  /** What the user's `build` returned. */
  readonly handles: H
}

/**
 * Runs `build` and checks what it gave. Anything but an error in the user's own `build` comes as one
 * UsageError: its code is that of the first finding, `details.findings` holds all of them, one a line.
 *
 * @throws UsageError any E1 or E2 code; NO_DEFAULT_EXPORT if `def` is no topology
 */
export function buildTopology<H, A>(def: TopologyDef<H, A>, options?: BuildOptions<A>): BuiltTopology<H>
export function buildTopology(def: unknown, options: BuildOptions = {}): BuiltTopology<unknown> {
  const recipe = expectedRecipe(def)
  const args = options.args === undefined ? parsedBy(recipe, undefined) : options.args
  const { topology, handles } = recipe.build(args)
  const settled = overlaid(topology, options)
  refuseErrors(settled)
  return { topology: settled, handles }
}

/**
 * The same, and once more: two runs of `build` must give the same graph. For the place where a topology is
 * handed in; workers, which build it again, need not.
 *
 * @throws UsageError BUILD_NOT_DETERMINISTIC with the first place where the two differ
 */
export function buildTopologyTwice<H, A>(
  def: TopologyDef<H, A>,
  options?: BuildOptions<A>,
): BuiltTopology<H> {
  const built = buildTopology(def, options)
  const again = buildTopology(def, options)
  const difference = firstDifference(topologyDocument(built.topology), topologyDocument(again.topology), '')
  if (difference === undefined) return built
  throw new UsageError(
    'BUILD_NOT_DETERMINISTIC',
    `two runs of build gave two graphs: ${difference}; take times, random numbers and environment out of it`,
    { difference },
  )
}

/**
 * Checks arguments as they came from the command line.
 * @throws UsageError ARGS_INVALID with every issue
 */
export function parseArgs(def: unknown, args: unknown): unknown {
  return parsedBy(expectedRecipe(def), args)
}

/** The schema of a topology's arguments; undefined: it takes none. */
export function argsSchemaOf(def: unknown): Schema<unknown> | undefined {
  return expectedRecipe(def).args
}

/** The name a topology gave itself. */
export function nameOf(def: unknown): string | undefined {
  return expectedRecipe(def).name
}

function expectedRecipe(def: unknown): Recipe {
  const recipe = recipeOf(def)
  if (recipe !== undefined) return recipe
  throw new UsageError('NO_DEFAULT_EXPORT', `the default export is no topology, but ${kindOf(def)}`)
}

function parsedBy(recipe: Recipe, args: unknown): unknown {
  if (recipe.args === undefined) return args
  // No arguments at all are an empty set of them, so that a schema's defaults apply.
  const result = validated(recipe.args, args ?? {})
  if (result.issues === undefined) return result.value
  const issues = issuesOf(result) ?? ''
  const name = recipe.name === undefined ? '' : ` of ${recipe.name}`
  throw new UsageError('ARGS_INVALID', `the arguments${name} do not fit: ${issues}`, { issues })
}

function overlaid(topology: Topology, { config, components }: BuildOptions): Topology {
  if (config === undefined && components === undefined) return topology
  const overrides = Object.entries(components ?? {})
  const placed = new Map<string, Component>(topology.components)
  for (const [id, settings] of overrides) {
    const component = placed.get(id)
    if (component === undefined) throw unknownOverride(id, topology)
    placed.set(id, { ...component, placement: { ...component.placement, ...settings } })
  }
  return { ...topology, config: { ...topology.config, ...config }, components: placed }
}

function unknownOverride(id: string, topology: Topology): UsageError {
  const close = nearest(id, topology.components.keys())
  const hint = close === undefined ? '' : `; did you mean '${close}'?`
  const ids = [...topology.components.keys()].join(', ')
  return new UsageError(
    'UNKNOWN_COMPONENT',
    `settings are given for '${id}', but there is no such component; there are ${ids}${hint}`,
    { component: id },
  )
}

/** Where two documents differ first, as `path: a / b`. */
function firstDifference(a: unknown, b: unknown, path: string): string | undefined {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
    return Object.is(a, b)
      ? undefined
      : `${path}: ${JSON.stringify(a) ?? 'nothing'} / ${JSON.stringify(b) ?? 'nothing'}`
  }
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const inner = path === '' ? name : `${path}.${name}`
    const found = firstDifference(Reflect.get(a, name), Reflect.get(b, name), inner)
    if (found !== undefined) return found
  }
  return undefined
}
