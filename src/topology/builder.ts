/**
 * TopologyBuilder: puts spouts and bolts together.
 *
 * Route: a user's module calls it → a Topology of plain values → validate.ts → the engine.
 *
 * What is wrong with one call alone (an id, a number) is told at once; what depends on the rest (unknown
 * components, fields, guarantees) when the topology is created, all of it together.
 */
import { assertDefined } from '../base/assert.ts'
import { UsageError } from '../base/errors.ts'
import type { ComponentConfig, Guarantee, TopologyConfig } from '../config/topology-config.ts'
import type { BoltDef } from './bolt.ts'
import type { BoltClass, SpoutClass } from './classes.ts'
import { type ComponentDefinition, definitionOf } from './definition.ts'
import type { BoltHandle, KeyedBoltHandle, Placement, SpoutHandle, StreamHandle } from './handle.ts'
import type { TaskHook, WorkerHook } from './hook.ts'
import { boltOfClass, spoutOfClass } from './make/class-adapter.ts'
import { isObject, kindOf, refused } from './make/expect.ts'
import { ALL_COMPONENTS, Graph } from './make/graph.ts'
import { callerOf } from './make/place.ts'
import { PlacedBolt, PlacedSpout } from './make/placed.ts'
import type { Streams } from './schema/streams.ts'
import type { SinkKind, SinkKindFor } from './sink.ts'
import type { ReplayFor, SpoutDef } from './spout.ts'
import { DEAD_LETTER_STREAM, type Topology } from './topology.ts'
import { type TopologyDef, topologyDef } from './topology-def.ts'
import type { DeadLetter } from './tuple.ts'
import { refuseErrors } from './validate.ts'

// Beside the class and not in it, so that its public type holds nothing but what users may call.
const graphs = new WeakMap<object, Graph>()

/** Puts spouts and bolts together. `G` is the guarantee the parts must be able to keep. */
export class TopologyBuilder<G extends Guarantee = 'at-least-once'> {
  constructor(config?: TopologyConfig<G>) {
    graphs.set(this, new Graph(config ?? {}))
    this.deadLetters = allDeadLetters()
  }

  /**
   * Places a spout.
   *
   * @param id letters, digits, minus, dot, single underscores; unique in the topology
   * @param spout a definition, or a function that makes an instance of a class, called once per task
   * @throws UsageError DUPLICATE_COMPONENT, RESERVED_ID, PARALLELISM_INVALID
   */
  setSpout<O extends Streams>(
    id: string,
    spout: SpoutDef<O, ReplayFor<G>> | SpoutClass<O, ReplayFor<G>>,
    placement?: Placement,
  ): SpoutHandle<O>
  setSpout(id: string, spout: unknown, placement?: unknown): unknown {
    const where = callerOf(this.setSpout)
    const definition = isMake(spout) ? spoutOfClass(`setSpout('${id}')`, spout) : spout
    const graph = graphOf(this)
    graph.add(id, expected('spout', id, definition), settingsOf(id, placement), where)
    return new PlacedSpout(graph, id)
  }

  /** Places a bolt, or a sink. Say its inputs on the handle that comes back. Same rules as `setSpout`. */
  setBolt<In, O extends Streams, F extends readonly string[] = readonly []>(
    id: string,
    bolt: (BoltDef<In, O> & HasKey<F> & MayWrite<SinkKindFor<G>>) | BoltClass<In, O>,
    placement?: Placement,
  ): F extends readonly [] ? BoltHandle<In, O> : KeyedBoltHandle<In, O, F>
  setBolt(id: string, bolt: unknown, placement?: unknown): unknown {
    const where = callerOf(this.setBolt)
    const definition = isMake(bolt) ? boltOfClass(`setBolt('${id}')`, bolt) : bolt
    const graph = graphOf(this)
    graph.add(id, expected('bolt', id, definition), settingsOf(id, placement), where)
    return new PlacedBolt(graph, id)
  }

  /**
   * Dead letters of all components. Read by nobody: they go to the built-in store.
   */
  readonly deadLetters: StreamHandle<DeadLetter>

  /** Adds a hook to every worker. Called in each worker, once. */
  addWorkerHook(make: () => WorkerHook): this {
    graphOf(this).addWorkerHook(make)
    return this
  }

  /** Adds a hook to every task. Costs time per tuple; without hooks there is none. */
  addTaskHook(make: () => TaskHook): this {
    graphOf(this).addTaskHook(make)
    return this
  }

  /**
   * Checks the graph and closes the builder.
   * @throws UsageError any E1 code, all findings in `details.findings`
   */
  createTopology(name?: string): TopologyDef {
    const topology = closeBuilder(this, name)
    refuseErrors(topology)
    return topologyDef({ name, args: undefined, build: () => ({ topology, handles: undefined }) })
  }
}

/** Takes up the key of a keyed bolt. */
export interface HasKey<F extends readonly string[]> {
  readonly '~key'?: F
}

/** Refuses sinks of other kinds. */
export interface MayWrite<out K extends SinkKind> {
  readonly '~sink'?: { readonly kind: K } | undefined
}

/** Ends building: the graph as it is now, not checked yet. */
export function closeBuilder(builder: object, name: string | undefined): Topology {
  return graphOf(builder).close(name)
}

function graphOf(builder: object): Graph {
  return assertDefined(graphs.get(builder), 'every builder has a graph')
}

/** What reads it reads the dead letters of everybody. */
function allDeadLetters(): StreamHandle<DeadLetter>
function allDeadLetters(): unknown {
  return { componentId: ALL_COMPONENTS, streamId: DEAD_LETTER_STREAM }
}

/** A function where a definition may stand makes instances; a class itself is found out there. */
function isMake(value: unknown): value is () => unknown {
  return typeof value === 'function'
}

function expected(kind: 'spout' | 'bolt', id: string, given: unknown): ComponentDefinition {
  const definition = definitionOf(given)
  if (definition?.kind === kind) return definition
  const call = kind === 'spout' ? `setSpout('${id}')` : `setBolt('${id}')`
  if (definition !== undefined) throw refused(`${call} was given a ${definition.kind}`)
  if (isObject(given) && typeof given[kind === 'spout' ? 'nextTuple' : 'execute'] === 'function') {
    const name = given.constructor.name
    throw refused(`${call} was given ${kindOf(given)}: give a function that makes one, () => new ${name}()`)
  }
  throw refused(`${call} needs a ${kind}, or a function that makes one, but was given ${kindOf(given)}`)
}

/**
 * What was said where a component was placed. Its other settings are checked with the rest of the topology.
 */
function settingsOf(id: string, placement: unknown): ComponentConfig {
  const settings = typeof placement === 'number' ? { executors: placement } : (placement ?? {})
  if (!isObject(settings)) {
    throw refused(`'${id}' is placed with ${kindOf(placement)}; wanted a number of executors, or settings`)
  }
  for (const name of ['executors', 'tasks']) {
    const count = settings[name]
    if (count === undefined || count === null || (Number.isSafeInteger(count) && Number(count) >= 1)) continue
    const found = typeof count === 'number' ? count : kindOf(count)
    const message = `'${id}' is placed with ${name} ${found}; wanted a whole number from 1`
    throw new UsageError('PARALLELISM_INVALID', message, { component: id })
  }
  return settings
}
