/**
 * What `bolt`, `spout` and the other makers return, as the engine sees it: plain values, nothing running.
 *
 * Route: topology/bolt.ts, keyed-bolt.ts, spout.ts, sink.ts, classes.ts make them → builder.ts places them →
 * flow reads `spec`. The public types (BoltDef, SpoutDef …) are views of these: `published` goes from here to
 * there, `definitionOf` back.
 *
 * Function-first and class style meet here: a class factory is turned into a `spec` whose `prepare` makes the
 * instance and whose other members call it. A user's functions are called as members of the object they were
 * given in, so `this` is what its author expects.
 *
 * Invariants
 *   D1  making a definition runs nothing of the user's but, for classes, one constructor and its declarations
 *   D2  a definition never changes
 */
import type { ComponentConfig, Duration, EventTimeSpec } from '../config/topology-config.ts'
import type { TopologyContext } from './context.ts'
import type { Schema } from './schema/schema.ts'
import type { Failure, Tuple } from './tuple.ts'

/** The stream a grouping means that names none. */
export const DEFAULT_STREAM = 'default'

/** A field with its kind taken apart. */
export interface FieldShape {
  readonly name: string
  /** `value`: a schema of its own or `encodable()`; encoded by its own shape. */
  readonly kind: 'string' | 'int' | 'number' | 'bigint' | 'boolean' | 'bytes' | 'value'
  readonly list: boolean
  readonly nullable: boolean
  /** True: the field may be missing. Absent: it must be there. */
  readonly optional?: boolean
}

/** A schema whose field names are known. */
export interface StreamSchema {
  readonly names: readonly string[]
  readonly shapes: readonly FieldShape[]
  /**
   * Checks values as they are emitted; returns what is wrong, or undefined. Checks the kinds of fields, and
   * runs Standard Schemas that give back what they were given; one that transforms has done its work before.
   */
  validate(values: unknown): string | undefined
  /** True: items are no objects (texts, numbers …) and ride in the one field `value`. Absent: false. */
  readonly carriesValue?: boolean
  /**
   * True: the schema does not say its names, and none were given. Such a topology is refused. Absent: false.
   */
  readonly unnamed?: boolean
}

export interface StreamDeclaration {
  readonly streamId: string
  readonly schema: StreamSchema
  readonly direct: boolean
}

/** A declared piece of state, with its defaults in place. What does not apply to `kind` is undefined. */
export interface StateDeclaration {
  readonly scope: 'key' | 'task'
  readonly kind: 'value' | 'map' | 'list' | 'timer' | 'keyValue'
  /** Number of the shape of its values, from 1. */
  readonly version: number
  readonly migrate: ((old: unknown, fromVersion: number) => unknown) | undefined
  readonly schema: Schema<unknown> | undefined
  /** Entries are forgotten this long after their last use; undefined: never. */
  readonly ttlMs: number | undefined
  readonly ttlFrom: 'write' | 'read'
  /** Of `value`: what `get` gives where there is nothing. Made afresh each time. */
  readonly initial: (() => unknown) | undefined
  /** Of `map` and `list`: most entries per key; undefined: as the topology's configuration says. */
  readonly countMax: number | undefined
  readonly onFull: 'refuse' | 'drop-oldest'
  /** Of `timer`. */
  readonly time: 'event-time' | 'processing-time' | undefined
  /** Of `keyValue`: what happens when the number of tasks changes. */
  readonly rescale: 'refuse' | 'by-key'
}

/** The members every bolt has, whatever its form. */
interface BoltCommon {
  readonly kind: 'bolt'
  /** Shapes it reads; undefined: anything. */
  readonly inputs: readonly StreamSchema[] | undefined
  readonly outputs: ReadonlyMap<string, StreamDeclaration>
  readonly settings: ComponentConfig
  /** Key fields of a keyed bolt. */
  readonly key: readonly string[] | undefined
  /** Declared state by name: keyed (form `keyed`), or of the task. */
  readonly states: Readonly<Record<string, StateDeclaration>>
}

export interface BasicBoltDefinition extends BoltCommon {
  readonly form: 'basic'
  readonly sinkKind: undefined
  readonly spec: RuntimeBasicBoltSpec
}

export interface RichBoltDefinition extends BoltCommon {
  readonly form: 'rich'
  readonly sinkKind: undefined
  readonly spec: RuntimeRichBoltSpec
}

export interface KeyedBoltDefinition extends BoltCommon {
  readonly form: 'keyed'
  readonly sinkKind: undefined
  readonly spec: RuntimeKeyedBoltSpec
}

/** A sink that writes a batch and is done with it. */
export interface WritingSinkDefinition extends BoltCommon {
  readonly form: 'sink'
  readonly sinkKind: 'plain' | 'idempotent'
  readonly spec: RuntimeWritingSinkSpec
}

export interface TransactionalSinkDefinition extends BoltCommon {
  readonly form: 'sink'
  readonly sinkKind: 'transactional'
  readonly spec: RuntimeTransactionalSinkSpec
}

export type SinkDefinition = WritingSinkDefinition | TransactionalSinkDefinition

export type BoltDefinition = BasicBoltDefinition | RichBoltDefinition | KeyedBoltDefinition | SinkDefinition

interface SpoutCommon {
  readonly kind: 'spout'
  readonly outputs: ReadonlyMap<string, StreamDeclaration>
  readonly settings: ComponentConfig
  readonly eventTime: EventTimeSpec | undefined
}

export interface PlainSpoutDefinition extends SpoutCommon {
  readonly form: 'plain'
  readonly replay: 'plain'
  readonly spec: RuntimePlainSpoutSpec
}

export interface IterableSpoutDefinition extends SpoutCommon {
  readonly form: 'iterable'
  readonly replay: 'plain'
  readonly spec: RuntimeIterableSpoutSpec
}

export interface ReplayableSpoutDefinition extends SpoutCommon {
  readonly form: 'replayable'
  readonly replay: 'replayable'
  readonly spec: RuntimeReplayableSpoutSpec
}

export type SpoutDefinition = PlainSpoutDefinition | IterableSpoutDefinition | ReplayableSpoutDefinition

export type ComponentDefinition = BoltDefinition | SpoutDefinition

/** What a user's function gave: nothing, a value, or a promise of one. Only a real promise is awaited. */
export type Result = unknown

/** State of the task as a whole, by name, as `prepare` gets it. */
export type TaskStateViews = Readonly<Record<string, unknown>>

export interface RuntimeBasicBoltSpec {
  prepare?(context: TopologyContext, taskState: TaskStateViews): Result
  /** `out` is a BasicCollector. */
  execute(tuple: Tuple, out: unknown, prepared: unknown): Result
  onTick?(out: unknown, prepared: unknown): Result
  cleanup?(prepared: unknown): Result
}

export interface RuntimeRichBoltSpec {
  /** The third argument is for classes, which hear of their collector here; `richBolt` does not show it. */
  prepare?(context: TopologyContext, taskState: TaskStateViews, collector: unknown): Result
  /** `collector` is an OutputCollector. */
  execute(tuple: Tuple, collector: unknown, prepared: unknown): Result
  onTick?(collector: unknown, prepared: unknown): Result
  cleanup?(prepared: unknown): Result
}

/** A timer that fired, as its handler sees it. */
export interface RuntimeFiredTimer {
  readonly key: unknown
  readonly time: number
}

interface TimerHandlers {
  // A method on purpose: its parameters are compared both ways, so any handler of a user fits.
  each(timer: RuntimeFiredTimer, out: unknown, state: unknown, prepared: unknown): Result
}

export type RuntimeTimerHandler = TimerHandlers['each']

export interface RuntimeKeyedBoltSpec {
  prepare?(context: TopologyContext): Result
  /** `out` is a BasicCollector, `state` the views of the tuple's key by name. */
  execute(tuple: Tuple, out: unknown, state: unknown, prepared: unknown): Result
  readonly onTimer?: Readonly<Record<string, RuntimeTimerHandler>>
  cleanup?(prepared: unknown): Result
}

/** Batches, attempts, begin and end: the same in every sink. */
export interface RuntimeSinkCommon {
  readonly batch?: { readonly countMax?: number; readonly linger?: Duration }
  readonly retry?: {
    readonly attempts?: number
    readonly first?: Duration
    readonly factor?: number
    readonly max?: Duration
  }
  open?(context: TopologyContext): Result
  close?(prepared: unknown): Result
}

export interface RuntimeWritingSinkSpec extends RuntimeSinkCommon {
  write(items: readonly unknown[], prepared: unknown, signal: AbortSignal): Result
  /** Of an idempotent sink; undefined where duplicates were accepted. */
  key?(item: unknown): unknown
  /** See RuntimeIterableSpoutSpec. */
  bindHost?(host: never): RuntimeWritingSinkSpec
}

/** What a transactional sink finds at recovery. */
export interface RuntimeRecovery {
  readonly receipts: readonly unknown[]
  readonly checkpoint: number
  readonly taskCountBefore: number
}

export interface RuntimeTransactionalSinkSpec extends RuntimeSinkCommon {
  begin(checkpoint: number, prepared: unknown): Result
  /** `times`: the items' event times; for our own connectors, the public type does not show them. */
  write(
    transaction: unknown,
    items: readonly unknown[],
    prepared: unknown,
    times?: readonly (number | undefined)[],
  ): Result
  prepare(transaction: unknown, prepared: unknown): Result
  commit(receipt: unknown, prepared: unknown): Result
  rollBack(transaction: unknown, prepared: unknown): Result
  recover?(found: RuntimeRecovery, prepared: unknown): Result
  /** See RuntimeReplayableSpoutSpec. */
  readonly paths?: readonly string[]
  /** See RuntimeIterableSpoutSpec. */
  bindHost?(host: never): RuntimeTransactionalSinkSpec
}

export interface RuntimePlainSpoutSpec {
  /** The second argument is for classes, which hear of their collector here; `spout` does not show it. */
  open?(context: TopologyContext, collector: unknown): Result
  /** `out` is a SpoutOutputCollector. */
  nextTuple(out: unknown, prepared: unknown): Result
  ack?(messageId: unknown, prepared: unknown): void
  fail?(messageId: unknown, prepared: unknown, failure: Failure): void
  activate?(prepared: unknown): void
  deactivate?(prepared: unknown): void
  close?(prepared: unknown): Result
}

export interface RuntimeIterableSpoutSpec {
  /** Gives items, or lists of them. */
  open(context: TopologyContext): AsyncIterable<unknown> | Iterable<unknown>
  /**
   * Of our own connectors only: the executor calls it once per task, before anything else, and uses what
   * comes back instead. `never`, because this room does not know what a host is.
   */
  bindHost?(host: never): RuntimeIterableSpoutSpec
}

/** An item, and where to go on after it. */
export interface RuntimePositioned {
  readonly values: unknown
  readonly position: unknown
}

export interface RuntimeReplayableSpoutSpec {
  partitions(context: TopologyContext): readonly string[] | Promise<readonly string[]>
  readonly partitionRefresh?: Duration
  read(
    partition: string,
    after: unknown,
    signal: AbortSignal,
  ): AsyncIterable<RuntimePositioned | readonly RuntimePositioned[]>
  onStored?(positions: ReadonlyMap<string, unknown>): Result
  lag?(partition: string, position: unknown): number | Promise<number>
  /** Files that it uses on the machine where it runs, as the user named them. Of our own connectors only. */
  readonly paths?: readonly string[]
  /** See RuntimeIterableSpoutSpec. */
  bindHost?(host: never): RuntimeReplayableSpoutSpec
}

/**
 * Shows a definition under its public type. Members whose name begins with `~` are in that type only; this is
 * where they come from.
 */
export function published<Public>(definition: ComponentDefinition): Public
export function published(definition: ComponentDefinition): unknown {
  return definition
}

/** The definition behind a public value, or undefined if it is none of ours. */
export function definitionOf(value: unknown): ComponentDefinition | undefined {
  return isDefinition(value) ? value : undefined
}

function isDefinition(value: unknown): value is ComponentDefinition {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  return (value.kind === 'bolt' || value.kind === 'spout') && 'form' in value && 'spec' in value
}
