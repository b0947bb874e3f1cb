// biome-ignore-all lint/suspicious/noConfusingVoidType: nothing, or a promise, is what callbacks may return
// biome-ignore-all lint/complexity/noBannedTypes: `{}` stands for "no streams" and "no state" in the public
// types
/**
 * `bolt` and `richBolt`: steps that read tuples and may emit tuples.
 *
 * Route: a user's module calls them → definitions → builder.ts places them → flow makes tasks of them.
 */
import type { ComponentConfig } from '../config/topology-config.ts'
import type { BasicCollector, OutputCollector } from './collector.ts'
import type { TopologyContext } from './context.ts'
import {
  type BasicBoltDefinition,
  published,
  type RichBoltDefinition,
  type RuntimeBasicBoltSpec,
  type RuntimeRichBoltSpec,
} from './definition.ts'
import { allowFunctions, requireFunctions, settingsIn, specOf } from './make/expect.ts'
import { inputsOf, outputsOf } from './schema/stream-schema.ts'
import type { InputOf, InputSpec, OutputSpec, Streams, StreamsOf } from './schema/streams.ts'
import type { StatesOf, TaskStates } from './state-declaration.ts'
import { taskStatesOf } from './state-declaration.ts'
import type { Tuple } from './tuple.ts'

/**
 * A bolt, ready to be placed: `In` is what it reads, `O` its streams. Annotate exported bolts of a library
 * with this type.
 */
export interface BoltDef<in In, out O extends Streams> {
  readonly kind: 'bolt'
  readonly '~bolt': { readonly reads: (values: In) => void; readonly streams: O }
}

/**
 * What `bolt` is given. Component settings (`concurrency`, `onError` …) may stand beside; the topology may
 * override them.
 */
export interface BoltSpec<I, O, T, P> extends ComponentConfig {
  /** What it reads. Without: anything, unchecked. */
  readonly input?: I
  /** What it emits. Without: nothing. */
  readonly output?: O
  /** State of the task as a whole, by name; see `keyValueState`. Handed to `prepare`. */
  readonly taskState?: T
  /** Called once per task before its first tuple. What it returns is the third argument of the others. */
  readonly prepare?: (context: TopologyContext, state: StatesOf<T>) => P | Promise<P>
  /**
   * Handles one tuple. Emits are anchored to it; it is acked when the call returns or its promise resolves,
   * and failed when it throws: `onError` then decides.
   *
   * Cost: more than about 1 ms of pure computing delays all tasks of the worker. Split the work, or return
   * a promise. Order: with `concurrency` 1 (default) a promise is awaited before the next tuple of this
   * task.
   */
  readonly execute: (
    tuple: Tuple<InputOf<I>>,
    out: BasicCollector<StreamsOf<O>>,
    prepared: P,
  ) => void | Promise<unknown>
  /**
   * Called every `tickInterval`, never during a synchronous `execute`, ahead of waiting tuples. Emits are
   * not anchored.
   */
  readonly onTick?: (out: BasicCollector<StreamsOf<O>>, prepared: P) => void | Promise<unknown>
  /** Called once if the task ends in good order. Never rely on it. */
  readonly cleanup?: (prepared: P) => void | Promise<unknown>
}

/**
 * Defines a bolt: a step that reads tuples and may emit tuples. The engine anchors and acks.
 *
 * Per task: `prepare` once, then `execute` per tuple and `onTick` per tick, then `cleanup`. Put `prepare`
 * above `execute`, so that TypeScript knows its result there.
 */
export function bolt<
  const I extends InputSpec | undefined = undefined,
  O extends OutputSpec = {},
  T extends TaskStates = {},
  P = undefined,
>(spec: BoltSpec<I, O, T, P>): BoltDef<InputOf<I>, StreamsOf<O>>
export function bolt(spec: RuntimeBasicBoltSpec): unknown {
  return published({ ...checked('bolt', spec), form: 'basic', spec })
}

/** What `richBolt` is given. */
export interface RichBoltSpec<I, O, T, P> extends ComponentConfig {
  readonly input?: I
  readonly output?: O
  readonly taskState?: T
  readonly prepare?: (context: TopologyContext, state: StatesOf<T>) => P | Promise<P>
  /**
   * Handles one tuple. Duty: `collector.ack(tuple)` or `collector.fail(tuple)` exactly once, now or later.
   * Unanswered, its tree expires after `messageTimeout`. A throw fails the tuple.
   */
  readonly execute: (
    tuple: Tuple<InputOf<I>>,
    collector: OutputCollector<StreamsOf<O>>,
    prepared: P,
  ) => void | Promise<unknown>
  readonly onTick?: (collector: OutputCollector<StreamsOf<O>>, prepared: P) => void | Promise<unknown>
  readonly cleanup?: (prepared: P) => void | Promise<unknown>
}

/**
 * Defines a bolt that anchors, acks and fails by hand: for batching, joining and everything where an input
 * is done later than its call. Under `exactly-once` a checkpoint waits until every tuple taken before it is
 * answered.
 */
export function richBolt<
  const I extends InputSpec | undefined = undefined,
  O extends OutputSpec = {},
  T extends TaskStates = {},
  P = undefined,
>(spec: RichBoltSpec<I, O, T, P>): BoltDef<InputOf<I>, StreamsOf<O>>
export function richBolt(spec: RuntimeRichBoltSpec): unknown {
  return published({ ...checked('richBolt', spec), form: 'rich', spec })
}

const OWN = ['input', 'output', 'taskState', 'prepare', 'execute', 'onTick', 'cleanup']

type Checked = Omit<BasicBoltDefinition | RichBoltDefinition, 'form' | 'spec'>

/** What both makers do with what they are given. */
function checked(maker: string, given: unknown): Checked {
  const spec = specOf(maker, given)
  requireFunctions(maker, spec, ['execute'])
  allowFunctions(maker, spec, ['prepare', 'onTick', 'cleanup'])
  return {
    kind: 'bolt',
    sinkKind: undefined,
    inputs: inputsOf(maker, spec['input']),
    outputs: outputsOf(maker, spec['output']),
    settings: settingsIn(spec, OWN),
    key: undefined,
    states: taskStatesOf(maker, spec['taskState']),
  }
}
