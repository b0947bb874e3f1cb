// biome-ignore-all lint/suspicious/noConfusingVoidType: nothing, or a promise, is what callbacks may return
// biome-ignore-all lint/complexity/noBannedTypes: `{}` stands for "no streams" in the public types
/**
 * `keyedBolt`: a step with state per key.
 *
 * Route: a user's module calls it → a definition → builder.ts places it, fed by a fields grouping on its key
 * → flow.
 */

import { nearest } from '../base/nearest.ts'
import type { ComponentConfig } from '../config/topology-config.ts'
import type { BoltDef } from './bolt.ts'
import type { BasicCollector } from './collector.ts'
import type { TopologyContext } from './context.ts'
import { published, type RuntimeKeyedBoltSpec, type StateDeclaration } from './definition.ts'
import {
  allowFunctions,
  isObject,
  kindOf,
  refused,
  requireFunctions,
  settingsIn,
  specOf,
} from './make/expect.ts'
import { inputsOf, outputsOf } from './schema/stream-schema.ts'
import type { InputOf, InputSpec, KeyField, OutputSpec, Streams, StreamsOf } from './schema/streams.ts'
import type { KeyedStates, StatesOf, TimerName } from './state-declaration.ts'
import { keyedStatesOf } from './state-declaration.ts'
import type { Tuple } from './tuple.ts'

/** A bolt with state per key; `F` are the names of its key fields, in order. */
export interface KeyedBoltDef<in In, out O extends Streams, F extends readonly string[]>
  extends BoltDef<In, O> {
  readonly '~key'?: F
}

/** The key of a tuple: the value of the key field, or the list of them. */
export type KeyOf<V, F> = F extends readonly (keyof V)[]
  ? { readonly [N in keyof F]: V[F[N] & keyof V] }
  : F extends keyof V
    ? V[F]
    : never

/** Key fields as a list. */
export type KeyList<F> = F extends readonly string[] ? F : F extends string ? readonly [F] : never

/** A timer that fired. */
export interface FiredTimer<out K> {
  /** The key it was set under. */
  readonly key: K
  /** The time it was set for. */
  readonly time: number
}

/** Handlers of timers, one for each timer in `state`. */
export type TimerHandlers<K, O, S, P> = {
  readonly [N in TimerName<S>]: (
    timer: FiredTimer<K>,
    out: BasicCollector<StreamsOf<O>>,
    state: StatesOf<S>,
    prepared: P,
  ) => void | Promise<unknown>
}

/** `onTimer`, asked for if and only if the state has timers. */
export type OnTimer<K, O, S, P> = [TimerName<S>] extends [never]
  ? { readonly onTimer?: never }
  : { readonly onTimer: TimerHandlers<K, O, S, P> }

/** What `keyedBolt` is given, but for `onTimer`. */
export interface KeyedBoltSpec<I, F, O, S, P> extends ComponentConfig {
  readonly input: I
  /**
   * The field, or the fields, whose value is the key. The bolt must be fed by `fieldsGrouping` on exactly
   * these.
   */
  readonly key: F
  readonly output?: O
  /**
   * What is remembered per key, by name: `valueState`, `mapState`, `listState`, `timer`. Names are kept
   * across versions.
   */
  readonly state: S
  readonly prepare?: (context: TopologyContext) => P | Promise<P>
  /**
   * Handles one tuple with the state of its key. Calls for one key never overlap, whatever `concurrency`
   * and `order` are. Writes to state take effect when the call returns: a call that threw has written
   * nothing. `state` belongs to this call; using it later is STATE_OUTSIDE_CALL.
   */
  readonly execute: (
    tuple: Tuple<InputOf<I>>,
    out: BasicCollector<StreamsOf<O>>,
    state: StatesOf<S>,
    prepared: P,
  ) => void | Promise<unknown>
  readonly cleanup?: (prepared: P) => void | Promise<unknown>
}

/**
 * Defines a bolt with state per key: checkpointed, restored after a crash, moved when the number of tasks
 * changes.
 *
 * Per task: `prepare` once, then `execute` per tuple and `onTimer` per timer, then `cleanup`. There are no
 * ticks: a tick has no key; use a timer.
 */
export function keyedBolt<
  const I extends InputSpec,
  const F extends KeyField<InputOf<I>> | readonly KeyField<InputOf<I>>[],
  S extends KeyedStates,
  O extends OutputSpec = {},
  P = undefined,
>(
  spec: KeyedBoltSpec<I, F, O, S, P> & OnTimer<KeyOf<InputOf<I>, F>, O, S, P>,
): KeyedBoltDef<InputOf<I>, StreamsOf<O>, KeyList<F>>
export function keyedBolt(given: RuntimeKeyedBoltSpec): unknown {
  const spec = specOf('keyedBolt', given)
  requireFunctions('keyedBolt', spec, ['execute'])
  allowFunctions('keyedBolt', spec, ['prepare', 'cleanup'])
  const inputs = inputsOf('keyedBolt', spec['input'])
  if (inputs === undefined) throw refused('keyedBolt has no input: the schema of what it reads, with its key')
  const states = keyedStatesOf('keyedBolt', spec['state'])
  checkTimers(states, spec['onTimer'])
  return published({
    kind: 'bolt',
    form: 'keyed',
    sinkKind: undefined,
    inputs,
    outputs: outputsOf('keyedBolt', spec['output']),
    settings: settingsIn(spec, OWN),
    key: keyOf(spec['key']),
    states,
    spec: given,
  })
}

const OWN = ['input', 'key', 'output', 'state', 'prepare', 'execute', 'onTimer', 'cleanup']

function keyOf(key: unknown): readonly string[] {
  const fields: readonly unknown[] = Array.isArray(key) ? key : [key]
  const names = fields.filter((field) => typeof field === 'string')
  if (names.length > 0 && names.length === fields.length) return names
  throw refused(`keyedBolt: key must be the name of a field, or a list of them, but is ${kindOf(key)}`)
}

/** Every timer has a handler, and every handler a timer. */
function checkTimers(states: Readonly<Record<string, StateDeclaration>>, onTimer: unknown): void {
  const handlers = isObject(onTimer) ? onTimer : {}
  const timers = Object.keys(states).filter((name) => states[name]?.kind === 'timer')
  for (const name of timers) {
    if (typeof handlers[name] === 'function') continue
    throw refused(`keyedBolt has the timer ${name}, but no function onTimer.${name}`)
  }
  for (const name of Object.keys(handlers)) {
    if (timers.includes(name)) continue
    const close = nearest(name, timers)
    const hint = close === undefined ? '' : `; did you mean "${close}"?`
    throw refused(`keyedBolt has onTimer.${name}, but no timer of that name in its state${hint}`)
  }
}
