// biome-ignore-all lint/suspicious/noConfusingVoidType: nothing, or a promise, is what callbacks may return
/**
 * Sources: `spout` (Storm's), `spoutFrom` (anything that can be iterated), `replayableSpout` (can go back).
 *
 * Route: a user's module or a connector calls them → definitions → builder.ts places them → flow makes tasks
 * of them.
 */
import type { ComponentConfig, Duration, EventTime, EventTimeSpec } from '../config/topology-config.ts'
import type { SpoutOutputCollector } from './collector.ts'
import type { TopologyContext } from './context.ts'
import {
  DEFAULT_STREAM,
  published,
  type RuntimeIterableSpoutSpec,
  type RuntimePlainSpoutSpec,
  type RuntimeReplayableSpoutSpec,
  type StreamDeclaration,
  type StreamSchema,
} from './definition.ts'
import {
  allowFunctions,
  isObject,
  kindOf,
  type Members,
  refused,
  requireFunctions,
  settingsIn,
  specOf,
} from './make/expect.ts'
import type { IfEncodable } from './schema/encodable.ts'
import type { Schema } from './schema/schema.ts'
import { isSchema, outputsOf, streamSchemaOf, VALUE_FIELD } from './schema/stream-schema.ts'
import type { DefaultOf, OutputSpec, Streams, StreamsOf, ValuesOf } from './schema/streams.ts'
import type { Failure } from './tuple.ts'

/**
 * Whether a source can go back: `replayable` has positions; `plain` can repeat only what it still
 * remembers.
 */
export type Replay = 'plain' | 'replayable'

/** Sources a topology with guarantee `G` accepts. */
export type ReplayFor<G> = G extends 'exactly-once' ? 'replayable' : Replay

/** A spout, ready to be placed: `O` are its streams, `R` says whether it can go back. */
export interface SpoutDef<out O extends Streams, out R extends Replay = Replay> {
  readonly kind: 'spout'
  readonly '~spout': { readonly streams: O; readonly replay: R }
}

/** A spout of one stream of items `T`: what connectors return. Fits `setSpout` and `newStream` alike. */
export interface Source<out T, out R extends Replay = Replay> extends SpoutDef<{ default: ValuesOf<T> }, R> {
  readonly '~item': T
}

/** What `spout` is given. */
export interface SpoutSpec<O, P> extends ComponentConfig {
  readonly output: O
  readonly eventTime?: EventTime<DefaultOf<StreamsOf<O>>>
  /** Called once per task before anything else. What it returns is the last argument of the others. */
  readonly open?: (context: TopologyContext) => P | Promise<P>
  /**
   * Emits what there is, and returns. Called again and again while the topology is active, there is room,
   * and fewer than `maxSpoutPending` tuples are in flight. Must not block; may return a promise.
   */
  readonly nextTuple: (out: SpoutOutputCollector<StreamsOf<O>>, prepared: P) => void | Promise<unknown>
  /** The tree of this message is done: forget it. */
  readonly ack?: (messageId: unknown, prepared: P) => void
  /** It failed: emit it again, or drop it. The engine does not replay for this form of spout. */
  readonly fail?: (messageId: unknown, prepared: P, failure: Failure) => void
  readonly activate?: (prepared: P) => void
  readonly deactivate?: (prepared: P) => void
  readonly close?: (prepared: P) => void | Promise<unknown>
}

/**
 * Defines a spout as in Storm: you emit with message ids and replay on `fail`. Prefer `spoutFrom` (replays
 * from memory are done for you) or `replayableSpout` (restart and exactly-once too).
 */
export function spout<O extends OutputSpec, P = undefined>(
  spec: SpoutSpec<O, P>,
): SpoutDef<StreamsOf<O>, 'plain'>
export function spout(given: RuntimePlainSpoutSpec): unknown {
  const spec = specOf('spout', given)
  requireFunctions('spout', spec, ['nextTuple'])
  allowFunctions('spout', spec, ['open', 'ack', 'fail', 'activate', 'deactivate', 'close'])
  if (spec['output'] === undefined) throw refused('spout has no output: the schema of what it emits')
  return published({
    kind: 'spout',
    form: 'plain',
    replay: 'plain',
    outputs: outputsOf('spout', spec['output']),
    settings: settingsIn(spec, PLAIN_OWN),
    eventTime: eventTimeOf('spout', spec['eventTime']),
    spec: given,
  })
}

/** Options of `spoutFrom`. */
export interface SpoutFromOptions<V> extends ComponentConfig {
  readonly eventTime?: EventTime<V>
}

/**
 * Defines a spout from anything that can be iterated: an array, a generator, a stream, an event emitter.
 *
 * `open` is called once per task. Yield one item, or an array of items as a batch, which is some ten times
 * faster. The engine asks for the next when there is room, acks, and replays failed items from memory up to
 * `maxReplays`. When the iterable ends, the task is finished; when it throws, SOURCE_ENDED_WITH_ERROR.
 * After a crash `open` runs again from its beginning: what was in flight is lost or repeated as `open`
 * decides. If it can say where it was, use `replayableSpout`.
 */
export function spoutFrom<V extends object>(
  output: Schema<V>,
  open: (context: TopologyContext) => AsyncIterable<V | readonly V[]> | Iterable<V | readonly V[]>,
  options?: SpoutFromOptions<V>,
): Source<V, 'plain'>
export function spoutFrom(output: unknown, open: unknown, options: unknown = {}): unknown {
  if (!isOpen(open))
    throw refused(`spoutFrom needs a function that gives items, but was given ${kindOf(open)}`)
  const spec = specOf('spoutFrom', options)
  return iterableSource({
    output: singleOutput('spoutFrom', output),
    settings: settingsIn(spec, ['eventTime']),
    eventTime: eventTimeOf('spoutFrom', spec['eventTime']),
    spec: { open },
  })
}

/** An item and the position just after it. */
export interface Positioned<out V, out Position> {
  readonly values: V
  /** Where to go on after this item: an offset, a token. Handed to `read` at a restart. */
  readonly position: Position
}

/** What `replayableSpout` is given. `Position` must be encodable and small. */
export interface ReplayableSpec<V, Position> extends ComponentConfig {
  readonly output: Schema<V>
  readonly eventTime?: EventTime<V>
  /**
   * Names of the partitions there are now: files, shards, topic partitions. Called at the start, on one
   * task, and every `partitionRefresh`. The engine spreads them over the tasks and moves them when tasks
   * change. A name that is gone is not read on.
   */
  readonly partitions: (context: TopologyContext) => readonly string[] | Promise<readonly string[]>
  /** Default `'30s'`. */
  readonly partitionRefresh?: Duration
  /**
   * Reads a partition, from just after `after`, or from its beginning. Must give the same items in the same
   * order every time. Yield one, or an array of them as a batch. Stop when `signal` aborts. Ends: the
   * partition is finished. Throws: it is opened again at the last position, with growing waits.
   */
  readonly read: (
    partition: string,
    after: Position | undefined,
    signal: AbortSignal,
  ) => AsyncIterable<Positioned<V, Position> | readonly Positioned<V, Position>[]>
  /**
   * Told which positions are safe, after each checkpoint or store of positions: to commit offsets, or
   * delete files.
   */
  readonly onStored?: (positions: ReadonlyMap<string, Position>) => void | Promise<unknown>
  /** Items still to read after this position, for the lag on the dashboard. */
  readonly lag?: (partition: string, position: Position) => number | Promise<number>
}

/**
 * Defines a source that can say where it is and go back there. From that the engine makes replays, the
 * restart position (everything before it is acked), and exactly-once (positions are part of the
 * checkpoint): no retry queue, no offset handling of your own.
 */
export function replayableSpout<V extends object, Position>(
  spec: ReplayableSpec<V, Position>,
): IfEncodable<Position, Source<V, 'replayable'>>
export function replayableSpout(given: RuntimeReplayableSpoutSpec): unknown {
  const spec = specOf('replayableSpout', given)
  requireFunctions('replayableSpout', spec, ['partitions', 'read'])
  allowFunctions('replayableSpout', spec, ['onStored', 'lag'])
  return replayableSource({
    output: singleOutput('replayableSpout', spec['output']),
    settings: settingsIn(spec, REPLAYABLE_OWN),
    eventTime: eventTimeOf('replayableSpout', spec['eventTime']),
    spec: given,
  })
}

const PLAIN_OWN = [
  'output',
  'eventTime',
  'open',
  'nextTuple',
  'ack',
  'fail',
  'activate',
  'deactivate',
  'close',
]
const REPLAYABLE_OWN = ['output', 'eventTime', 'partitions', 'partitionRefresh', 'read', 'onStored', 'lag']

/** What a source is made of once its spec was taken apart. For connectors, too. */
export interface SourceParts<Spec> {
  /** Of its one stream. One that `carriesValue` says that items are no objects. */
  readonly output: StreamSchema
  readonly settings: Members
  /** Its `of` gets the item. */
  readonly eventTime: EventTimeSpec | undefined
  /** Gives values: an item that is no object comes as `{ value: item }`. */
  readonly spec: Spec
}

/**
 * A source that can go back, from parts. Items `T` are what `output` says, so it is the caller who promises.
 */
export function replayableSource<T>(parts: SourceParts<RuntimeReplayableSpoutSpec>): Source<T, 'replayable'> {
  return published({ ...sourceOf(parts), form: 'replayable', replay: 'replayable', spec: parts.spec })
}

/** A source from an iterable, from parts. */
export function iterableSource<T>(parts: SourceParts<RuntimeIterableSpoutSpec>): Source<T, 'plain'> {
  return published({ ...sourceOf(parts), form: 'iterable', replay: 'plain', spec: parts.spec })
}

function sourceOf<Spec>({ output, settings, eventTime }: SourceParts<Spec>): SourceCommon {
  const outputs = new Map([[DEFAULT_STREAM, { streamId: DEFAULT_STREAM, schema: output, direct: false }]])
  const carries = output.carriesValue === true && eventTime !== undefined
  return { kind: 'spout', outputs, settings, eventTime: carries ? ofCarried(eventTime) : eventTime }
}

interface SourceCommon {
  readonly kind: 'spout'
  readonly outputs: ReadonlyMap<string, StreamDeclaration>
  readonly settings: Members
  readonly eventTime: EventTimeSpec | undefined
}

/** The engine asks with the values of a tuple; the user's function knows the item in them. */
function ofCarried(eventTime: EventTimeSpec): EventTimeSpec {
  return { ...eventTime, of: (values) => eventTime.of(isObject(values) ? values[VALUE_FIELD] : undefined) }
}

function singleOutput(maker: string, output: unknown): StreamSchema {
  if (isSchema(output)) return streamSchemaOf(output)
  throw refused(`${maker} needs the schema of its items as output, but was given ${kindOf(output)}`)
}

function isOpen(open: unknown): open is RuntimeIterableSpoutSpec['open'] {
  return typeof open === 'function'
}

function eventTimeOf(maker: string, eventTime: unknown): EventTimeSpec | undefined {
  if (eventTime === undefined) return undefined
  if (isEventTime(eventTime)) return eventTime
  throw refused(`${maker}: eventTime needs a function of, which gives the time of an item`)
}

function isEventTime(value: unknown): value is EventTimeSpec {
  return isObject(value) && typeof value['of'] === 'function'
}
