// biome-ignore-all lint/suspicious/noConfusingVoidType: nothing, or a promise, is what callbacks may return
// biome-ignore-all lint/complexity/noBannedTypes: `{}` stands for "no streams" in the public types
/**
 * Sinks: bolts that write batches to the outside. Three kinds, by what a second writing of the same does.
 *
 * Route: a user's module or a connector calls them → definitions → builder.ts places them → flow's sink
 * executor.
 *
 * What an item is: the values of a tuple; or what is in its field `value`, if the sink's `input` says that
 * its items are no objects, or if there is no `input` and the stream has no other field (`sinkTakesValue`).
 */

import { assert } from '../base/assert.ts'
import type { Backoff, ComponentConfig, Duration } from '../config/topology-config.ts'
import type { BoltDef } from './bolt.ts'
import type { TopologyContext } from './context.ts'
import {
  type BoltDefinition,
  definitionOf,
  published,
  type RuntimeTransactionalSinkSpec,
  type RuntimeWritingSinkSpec,
  type SinkDefinition,
  type StreamSchema,
} from './definition.ts'
import { allowFunctions, kindOf, refused, requireFunctions, settingsIn, specOf } from './make/expect.ts'
import type { IfEncodable, Key } from './schema/encodable.ts'
import type { Schema } from './schema/schema.ts'
import { inputsOf, VALUE_FIELD } from './schema/stream-schema.ts'
import type { ValuesOf } from './schema/streams.ts'

/** How a sink writes; see `plainSink`, `idempotentSink`, `transactionalSink`. */
export type SinkKind = 'plain' | 'idempotent' | 'transactional'

/** Sinks a topology with guarantee `G` accepts. */
export type SinkKindFor<G> = G extends 'exactly-once' ? 'idempotent' | 'transactional' : SinkKind

/** A sink: a bolt that writes to the outside and emits nothing. Fits `setBolt` and the DSL's `to`. */
export interface Sink<in T, out K extends SinkKind = SinkKind> extends BoltDef<ValuesOf<T>, {}> {
  readonly '~sink': { readonly kind: K; readonly takes: (item: T) => void }
}

/**
 * What every sink is given. Items arrive in batches; a batch is written when it is full or `linger` has
 * passed.
 */
export interface SinkSpec<T, P> extends ComponentConfig {
  /** What it writes. Needed only where TypeScript cannot see it. */
  readonly input?: Schema<T>
  /** Items in a batch (default 500) and the longest wait for one to fill (default `'50ms'`). */
  readonly batch?: { readonly countMax?: number; readonly linger?: Duration }
  /**
   * Waits between attempts to write, prepare or commit. Default: 3 attempts to write; commits never give
   * up.
   */
  readonly retry?: Backoff & { readonly attempts?: number }
  /** Called once per task. What it returns is handed to the others. */
  readonly open?: (context: TopologyContext) => P | Promise<P>
  readonly close?: (prepared: P) => void | Promise<unknown>
}

/** What `plainSink` is given. */
export interface PlainSinkSpec<T, P> extends SinkSpec<T, P> {
  /**
   * Writes a batch. Its tuples are acked when the promise resolves.
   * @throws anything: tried again, then SINK_WRITE_FAILED
   */
  readonly write: (items: readonly T[], prepared: P, signal: AbortSignal) => void | Promise<unknown>
}

/**
 * Defines a sink that may write an item twice after a failure. Not accepted under `exactly-once`; see
 * `acceptDuplicates`.
 */
export function plainSink<T, P = undefined>(spec: PlainSinkSpec<T, P>): Sink<T, 'plain'>
export function plainSink(spec: RuntimeWritingSinkSpec): unknown {
  return published({ ...checked('plainSink', spec, ['write']), sinkKind: 'plain', spec })
}

/** What `idempotentSink` is given. */
export interface IdempotentSinkSpec<T, P> extends PlainSinkSpec<T, P> {
  /**
   * What the outside system knows the item by. Writing the same key and content again must change nothing.
   */
  readonly key: (item: T) => Key
}

/**
 * Defines a sink where writing again does no harm: an upsert by key, a file named by content. Under
 * `exactly-once` a batch is written before its checkpoint completes; readers may see it before that, and
 * may see older values of a key again for a moment after a crash.
 */
export function idempotentSink<T, P = undefined>(spec: IdempotentSinkSpec<T, P>): Sink<T, 'idempotent'>
export function idempotentSink(spec: RuntimeWritingSinkSpec): unknown {
  return published({ ...checked('idempotentSink', spec, ['write', 'key']), sinkKind: 'idempotent', spec })
}

/** What a transactional sink finds at recovery. */
export interface SinkRecovery<out Receipt> {
  /**
   * Receipts of the last complete checkpoint, of this task and of tasks it takes over. Already committed
   * again.
   */
  readonly receipts: readonly Receipt[]
  /** Number of that checkpoint; 0 if there is none. */
  readonly checkpoint: number
  /**
   * How many tasks wrote before; those above `taskCount` have no successor, so their leftovers are yours
   * too if `taskIndex` is 0.
   */
  readonly taskCountBefore: number
}

/** What `transactionalSink` is given. `Receipt` must be encodable: it rests in the checkpoint. */
export interface TransactionalSinkSpec<T, P, Transaction, Receipt> extends SinkSpec<T, P> {
  /** Opens a transaction for everything up to the next checkpoint, whose number this is. */
  readonly begin: (checkpoint: number, prepared: P) => Transaction | Promise<Transaction>
  /** Adds a batch. Nobody else may see it yet. */
  readonly write: (transaction: Transaction, items: readonly T[], prepared: P) => void | Promise<unknown>
  /**
   * Makes the transaction safe: after this, `commit` must succeed even after a crash of this process.
   * Returns what `commit` needs.
   */
  readonly prepare: (transaction: Transaction, prepared: P) => Receipt | Promise<Receipt>
  /**
   * Makes it visible. Called once the checkpoint is complete, and again after a crash: a second time must
   * change nothing. Tried until it succeeds.
   * @throws ConflictError TRANSACTION_GONE to stop the topology with the range named
   */
  readonly commit: (receipt: Receipt, prepared: P) => void | Promise<unknown>
  /**
   * Throws an open transaction away, when its checkpoint was abandoned. A second time must change nothing.
   */
  readonly rollBack: (transaction: Transaction, prepared: P) => void | Promise<unknown>
  /**
   * Called after `open`, before `begin`: throw away whatever former incarnations left that is not in
   * `receipts`.
   */
  readonly recover?: (found: SinkRecovery<Receipt>, prepared: P) => void | Promise<unknown>
}

/**
 * Defines a sink that shows its items at each checkpoint, all or none.
 *
 * Per task: `open`, `commit` of receipts found, `recover`, then for each checkpoint `begin`, `write` any
 * number of times, `prepare`, and when the checkpoint is complete `commit`; `rollBack` if it was abandoned.
 * The next transaction may begin before the last commit. Calls never overlap within a task. Under
 * `at-least-once` the same calls are made every `checkpointInterval`, and tuples are acked at commit.
 */
export function transactionalSink<T, Transaction, Receipt, P = undefined>(
  spec: TransactionalSinkSpec<T, P, Transaction, Receipt>,
): IfEncodable<Receipt, Sink<T, 'transactional'>>
export function transactionalSink(spec: RuntimeTransactionalSinkSpec): unknown {
  const calls = ['begin', 'write', 'prepare', 'commit', 'rollBack']
  return published({ ...checked('transactionalSink', spec, calls), sinkKind: 'transactional', spec })
}

/**
 * Says that duplicates in this sink do no harm, so that an exactly-once topology accepts it. Alerts, logs,
 * caches.
 */
export function acceptDuplicates<T>(sink: Sink<T>): Sink<T, 'idempotent'>
export function acceptDuplicates(sink: unknown): unknown {
  const definition = definitionOf(sink)
  if (definition === undefined || definition.kind !== 'bolt' || definition.form !== 'sink') {
    throw refused(`acceptDuplicates needs a sink, but was given ${kindOf(sink)}`)
  }
  // A transactional sink needs no such promise; its calls stay what they are.
  if (definition.sinkKind === 'transactional') return published(definition)
  return published({ ...definition, sinkKind: 'idempotent' })
}

/** Prints items to stdout, for trying out. Accepted under every guarantee. */
export function printSink(label?: string): Sink<unknown, 'idempotent'>
export function printSink(label?: string): unknown {
  const begin = label === undefined ? '' : `${label}: `
  const spec: RuntimeWritingSinkSpec = {
    batch: { linger: '0s' },
    write() {
      assert(false, 'a print sink is bound to a host before it writes')
    },
    bindHost: (host: Printer) => ({
      batch: { linger: '0s' },
      write(items) {
        for (const item of items) host.print(begin + shown(item))
      },
    }),
  }
  return published({ ...checked('printSink', {}, []), sinkKind: 'idempotent', spec })
}

const OWN = [
  ...['input', 'batch', 'retry', 'open', 'close', 'write', 'key'],
  ...['begin', 'prepare', 'commit', 'rollBack', 'recover'],
]

type Checked = Omit<SinkDefinition, 'sinkKind' | 'spec'>

/** What all sinks do with what they are given. */
function checked(maker: string, given: unknown, calls: readonly string[]): Checked {
  const spec = specOf(maker, given)
  requireFunctions(maker, spec, calls)
  allowFunctions(maker, spec, ['open', 'close', 'recover'])
  return {
    kind: 'bolt',
    form: 'sink',
    inputs: inputsOf(maker, spec['input']),
    outputs: new Map(),
    settings: settingsIn(spec, OWN),
    key: undefined,
    states: {},
  }
}

/** What a print sink needs of a host: this room knows no more of it. */
interface Printer {
  print(line: string): void
}

/** An item in a line, for people: texts as they are, all else like JSON. */
function shown(item: unknown): string {
  if (typeof item === 'string') return item
  return JSON.stringify(item, (_name, value: unknown) => printable(value)) ?? String(item)
}

function printable(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return value
}

/** True: a tuple of this stream brings the sink what is in its field `value`. False: all its values. */
export function sinkTakesValue(sink: BoltDefinition, stream: StreamSchema): boolean {
  const wanted = sink.inputs?.[0]
  if (wanted !== undefined) return wanted.carriesValue === true
  return stream.carriesValue === true || (stream.names.length === 1 && stream.names[0] === VALUE_FIELD)
}
