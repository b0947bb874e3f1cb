/**
 * `defineTopology`: a topology with a name, configuration and arguments.
 *
 * Route: a user's module calls it → a TopologyDef → build.ts runs its `build`, at submit and in each worker.
 */
import type { Guarantee, TopologyConfig } from '../config/topology-config.ts'
import { closeBuilder, TopologyBuilder } from './builder.ts'
import { isObject, kindOf, refused, requireFunctions, specOf } from './make/expect.ts'
import type { Schema } from './schema/schema.ts'
import { isSchema } from './schema/stream-schema.ts'
import type { Sync } from './schema/streams.ts'
import { type Built, type TopologyDef, topologyDef } from './topology-def.ts'

/** What `defineTopology` is given. */
export interface TopologySpec<G extends Guarantee, A, H> {
  /**
   * Letters, digits, minus, underscores. The name it runs under, unless the command line gives another.
   */
  readonly name: string
  readonly config?: TopologyConfig<G>
  /** Arguments from the command line (`typhoon run … -- --input x`), checked before anything runs. */
  readonly args?: Schema<A>
  /**
   * Builds the graph. Runs once at submit and once in each worker, and must give the same graph each time:
   * no clock, no random numbers, no network. Return the handles that tests and tools shall see.
   */
  readonly build: (builder: TopologyBuilder<G>, args: A) => H & Sync<H>
}

/** Defines a topology. Export it as default. */
export function defineTopology<const G extends Guarantee = 'at-least-once', A = undefined, H = void>(
  spec: TopologySpec<G, A, H>,
): TopologyDef<H, A>
export function defineTopology(given: GivenSpec): unknown {
  const { name, args, config } = checked(given)
  return topologyDef({
    name,
    args,
    build(parsed): Built {
      const builder = new TopologyBuilder<Guarantee>(config)
      const handles = given.build(builder, parsed)
      if (handles instanceof Promise) {
        // Nobody will look at it; the error below says what is wrong.
        handles.catch(() => undefined)
        throw refused(`build of the topology ${name} is async; it must give the same graph without waiting`)
      }
      return { topology: closeBuilder(builder, name), handles }
    },
  })
}

interface GivenSpec {
  readonly name: string
  readonly config?: TopologyConfig
  readonly args?: Schema<unknown>
  build(builder: TopologyBuilder<Guarantee>, args: unknown): unknown
}

interface CheckedSpec {
  readonly name: string
  readonly args: Schema<unknown> | undefined
  readonly config: TopologyConfig
}

const MEMBERS = ['name', 'config', 'args', 'build']

function checked(given: unknown): CheckedSpec {
  const spec = specOf('defineTopology', given)
  requireFunctions('defineTopology', spec, ['build'])
  const { name, args, config = {} } = spec
  if (typeof name !== 'string') throw refused(`defineTopology: name must be a text, but is ${kindOf(name)}`)
  if (args !== undefined && !isSchema(args)) {
    throw refused(`defineTopology: args must be a schema, but is ${kindOf(args)}`)
  }
  if (!isObject(config)) throw refused(`defineTopology: config must be settings, but is ${kindOf(config)}`)
  const unknown = Object.keys(spec).find((member) => !MEMBERS.includes(member))
  if (unknown !== undefined)
    throw refused(`defineTopology has no ${unknown}; there are ${MEMBERS.join(', ')}`)
  return { name, args, config }
}
