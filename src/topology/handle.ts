import type { ComponentConfig } from '../config/topology-config.ts'
import type { TopologyContext } from './context.ts'
import type { DefaultOf, Direct, KeyField, Streams } from './schema/streams.ts'
import type { DeadLetter } from './tuple.ts'

/** A stream of a placed component: what groupings, tests and tools point at. */
export interface StreamHandle<out V> {
  readonly componentId: string
  readonly streamId: string
  readonly '~values': V
}

/** A direct stream of a placed component. Read by `directGrouping` only. */
export interface DirectStreamHandle<out V> {
  readonly componentId: string
  readonly directStreamId: string
  readonly '~direct': V
}

/** A stream that a test may feed: a placed spout, or a DSL source. */
export interface SourceHandle<out V> extends StreamHandle<V> {
  readonly isSource: true
}

/** The handle of a stream id. */
export type HandleOf<X> = X extends Direct<infer V> ? DirectStreamHandle<V> : StreamHandle<X>

/** A placed component. Stands for its stream `default`; `stream(id)` gives the others. */
export interface ComponentHandle<O extends Streams> extends StreamHandle<DefaultOf<O>> {
  stream<S extends keyof O & string>(id: S): HandleOf<O[S]>
}

/** A placed spout. */
export interface SpoutHandle<O extends Streams> extends ComponentHandle<O> {
  readonly isSource: true
}

/**
 * A placed bolt, and where its groupings are said. Each call adds one input and returns the same handle.
 *
 * `source` is a handle, which is checked by the compiler, or an id (`'split'`, `'split:rejected'`), which
 * is checked when the topology is built.
 * @throws UsageError UNKNOWN_COMPONENT, UNKNOWN_STREAM, UNKNOWN_FIELD, INPUT_MISMATCH (from createTopology)
 */
export interface BoltHandle<in In, O extends Streams> extends ComponentHandle<O> {
  /** Tuples this bolt gave up under the dead-letter policy. */
  readonly deadLetters: StreamHandle<DeadLetter>
  /** Evenly over the tasks; less to those whose inbox is fuller. */
  shuffleGrouping(source: StreamHandle<In> | string): this
  /** Equal values of the fields go to the same task. */
  fieldsGrouping<V extends In>(
    source: StreamHandle<V> | string,
    ...fields: [KeyField<V>, ...KeyField<V>[]]
  ): this
  /**
   * Equal values go to one of two tasks, whichever got less: for skewed keys. Combine the two halves
   * downstream.
   */
  partialKeyGrouping<V extends In>(
    source: StreamHandle<V> | string,
    ...fields: [KeyField<V>, ...KeyField<V>[]]
  ): this
  /**
   * As `fieldsGrouping`, but few keys move when the number of tasks changes. For caches; keyed state needs
   * `fieldsGrouping`.
   */
  consistentHashGrouping<V extends In>(
    source: StreamHandle<V> | string,
    ...fields: [KeyField<V>, ...KeyField<V>[]]
  ): this
  /** Ranges of one field go to tasks in ascending order. */
  rangeGrouping<V extends In, N extends KeyField<V>>(
    source: StreamHandle<V> | string,
    field: N,
    ranges: Ranges<V[N]>,
  ): this
  /** Every tuple to every task. */
  allGrouping(source: StreamHandle<In> | string): this
  /** Every tuple to the task with the lowest number. */
  globalGrouping(source: StreamHandle<In> | string): this
  /** The engine chooses what is cheapest. */
  noneGrouping(source: StreamHandle<In> | string): this
  /** To a task chosen by chance. */
  randomGrouping(source: StreamHandle<In> | string): this
  /** Tasks of the same worker if there are any and they have room; else like shuffle. */
  localOrShuffleGrouping(source: StreamHandle<In> | string): this
  /** The emitter names the task; see `direct` and `emitDirect`. */
  directGrouping(source: DirectStreamHandle<In> | string): this
  /** You choose; see `CustomGrouping`. */
  customGrouping<V extends In>(source: StreamHandle<V> | string, grouping: CustomGrouping<V>): this
}

/** A placed keyed bolt: fed by fields groupings on its own key, and nothing else. */
export interface KeyedBoltHandle<in In, O extends Streams, in F extends readonly string[]>
  extends ComponentHandle<O> {
  readonly deadLetters: StreamHandle<DeadLetter>
  fieldsGrouping(source: StreamHandle<In> | string, ...key: F): this
}

/**
 * Where ranges are cut: given, ascending, one fewer than tasks; or learnt from the first `sampleCount`
 * tuples.
 */
export type Ranges<V> = { readonly boundaries: readonly V[] } | { readonly sampleCount: number }

/**
 * Makes the chooser of one sending task. Called at the start and whenever the targets change; `targets` are
 * the reading tasks, ascending. The chooser is called per tuple and returns one of them, or several;
 * anything else is TASK_UNKNOWN. It must be quick.
 */
export type CustomGrouping<in V> = (
  targets: readonly number[],
  context: TopologyContext,
) => (values: Readonly<V>) => number | readonly number[]

/**
 * How a component is placed: its number of executors, or settings that override those of its definition.
 */
export type Placement = number | ComponentConfig
