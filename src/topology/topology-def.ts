/**
 * A topology as a value: what a module exports by default, and what each worker builds again.
 *
 * Route: define-topology.ts and builder.ts make a TopologyDef → build.ts asks `recipeOf` for what is behind
 * it.
 */
import { isObject } from './make/expect.ts'
import type { Schema } from './schema/schema.ts'
import type { Topology } from './topology.ts'

/**
 * A topology, ready to run, submit or test. `H` is what its `build` returned, for tests and tools; `A` its
 * arguments. Must be the default export of its module: each worker imports the module and runs `build`
 * again.
 */
export interface TopologyDef<out H = unknown, in A = never> {
  readonly kind: 'topology'
  readonly name: string | undefined
  readonly '~topology': { readonly handles: H; readonly args: (args: A) => void }
}

/** What `build` gave: the graph, not checked yet, and what the user's `build` returned. */
export interface Built {
  readonly topology: Topology
  readonly handles: unknown
}

/** What is behind a TopologyDef. */
export interface Recipe {
  readonly name: string | undefined
  /** Checks the arguments; undefined: it takes none. */
  readonly args: Schema<unknown> | undefined
  build(args: unknown): Built
}

/** Shows a recipe under its public type. What it takes and gives is what the caller promises. */
export function topologyDef<H, A>(recipe: Recipe): TopologyDef<H, A>
export function topologyDef(recipe: Recipe): unknown {
  return { kind: 'topology', ...recipe }
}

/** The recipe behind a public value, or undefined if it is no topology. */
export function recipeOf(value: unknown): Recipe | undefined {
  return isRecipe(value) ? value : undefined
}

function isRecipe(value: unknown): value is Recipe {
  return isObject(value) && value['kind'] === 'topology' && typeof value['build'] === 'function'
}
