/**
 * Declared state: what `valueState`, `mapState`, `listState`, `timer` and `keyValueState` make, and what a
 * call sees of it.
 *
 * Route: a bolt's spec names declarations → definitions carry them (`StateDeclaration`) → flow opens views on
 * the state room's stores.
 */

import { UsageError } from '../base/errors.ts'
import { parseDuration } from '../config/duration.ts'
import type { Duration } from '../config/topology-config.ts'
import type { StateDeclaration } from './definition.ts'
import { allowFunctions, isObject, kindOf, refused, specOf } from './make/expect.ts'
import type { IfEncodable, Key } from './schema/encodable.ts'
import type { Schema } from './schema/schema.ts'
import { isSchema } from './schema/stream-schema.ts'

/**
 * A declared piece of keyed state. `S` is what the call sees. Made by `valueState`, `mapState`,
 * `listState`, `timer`.
 */
export interface KeyedState<out S> {
  readonly scope: 'key'
  readonly '~state': S
}

/** A declared piece of task state. Made by `keyValueState`. */
export interface TaskState<out S> {
  readonly scope: 'task'
  readonly '~state': S
}

/** Keyed state by name. Names are letters, digits, minus; they identify the state in savepoints. */
export type KeyedStates = { readonly [name: string]: KeyedState<unknown> }

/** Task state by name. */
export type TaskStates = { readonly [name: string]: TaskState<unknown> }

/** What a call sees of declared state. */
export type StatesOf<S> = {
  readonly [N in keyof S]: S[N] extends KeyedState<infer X> ? X : S[N] extends TaskState<infer X> ? X : never
}

/** Names of the timers among the state. */
export type TimerName<S> = { [N in keyof S]: S[N] extends KeyedState<Timer> ? N : never }[keyof S]

/** Options of every state. */
export interface StateOptions<V> {
  /**
   * Number of this shape of `V`, from 1 (default). Raise it when the shape changes, and give `migrate`.
   */
  readonly version?: number
  /**
   * Makes a value of today out of one of an older version. Called at the first reading of each old value
   * after an upgrade; must not depend on anything else. May annotate `old` with the old type.
   */
  migrate?(old: unknown, fromVersion: number): V
  /** Checked on restored and migrated values, and compared between versions before an upgrade. */
  readonly schema?: Schema<V>
  /** Forget an entry this long after it was last written, by the worker's clock. Default: never. */
  readonly ttl?: Duration
  /** What counts as use for `ttl`. Default `write`. */
  readonly ttlFrom?: 'write' | 'read'
}

/** One value per key. Reading is synchronous: the engine has the key's state at hand before it calls. */
export interface ValueState<V> {
  /** The value; `undefined`, or a fresh `initial()`, if there is none. */
  get(): V
  /**
   * Stores a value. It belongs to the state from now on: do not change it afterwards. `undefined` clears.
   */
  set(value: V): void
  clear(): void
}

/**
 * A map per key. Entries are stored one by one, so `get`, `set` and `has` cost what they touch; `entries`
 * and `size` read the whole map. The order of entries is not defined.
 */
export interface MapState<K extends Key, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
  has(key: K): boolean
  delete(key: K): void
  entries(): IterableIterator<readonly [K, V]>
  readonly size: number
  clear(): void
}

/** A list per key, oldest first. */
export interface ListState<V> {
  get(): readonly V[]
  add(value: V): void
  /** Replaces the whole list. */
  set(values: readonly V[]): void
  readonly length: number
  clear(): void
}

/**
 * A timer per key and name: setting it again moves it. Kept in checkpoints. Fires `onTimer[name]` with the
 * key's state.
 */
export interface Timer {
  /** Fires at this time; at once if it has passed. */
  set(time: number): void
  clear(): void
  /** What it is set to, or undefined. */
  readonly time: number | undefined
}

/** Declares one value per key. With `initial`, `get` never gives undefined. */
export function valueState<V>(
  options: StateOptions<V> & { readonly initial: () => V },
): IfEncodable<V, KeyedState<ValueState<V>>>
export function valueState<V>(
  options?: StateOptions<V>,
): IfEncodable<V, KeyedState<ValueState<V | undefined>>>
export function valueState(options?: object): unknown {
  return declared('valueState', 'value', options)
}

/**
 * Declares a map per key. `countMax` entries per key (default `stateEntriesPerKeyMax`), else
 * STATE_KEY_FULL.
 */
export function mapState<K extends Key, V>(
  options?: StateOptions<V> & { readonly countMax?: number },
): IfEncodable<V, KeyedState<MapState<K, V>>>
export function mapState(options?: object): unknown {
  return declared('mapState', 'map', options)
}

/**
 * Declares a list per key. Above `countMax`: `onFull` drops the oldest, or refuses with STATE_KEY_FULL
 * (default).
 */
export function listState<V>(
  options?: StateOptions<V> & { readonly countMax?: number; readonly onFull?: 'refuse' | 'drop-oldest' },
): IfEncodable<V, KeyedState<ListState<V>>>
export function listState(options?: object): unknown {
  return declared('listState', 'list', options)
}

/**
 * Declares a timer per key.
 * - `event-time`: fires when the watermark passes it. Needs a source with event time.
 * - `processing-time`: fires by the worker's clock. After a crash, overdue timers fire at once.
 */
export function timer(time: 'event-time' | 'processing-time'): KeyedState<Timer>
export function timer(time: unknown): unknown {
  if (time !== 'event-time' && time !== 'processing-time') {
    throw refused(`timer needs 'event-time' or 'processing-time', but was given ${kindOf(time)}`)
  }
  return { ...declared('timer', 'timer', undefined), time }
}

/**
 * State of a task as a whole, with keys of your own: Storm's KeyValueState. Iteration order is not defined.
 */
export interface KeyValueState<K extends Key, V> {
  get(key: K): V | undefined
  get(key: K, otherwise: V): V
  put(key: K, value: V): void
  delete(key: K): void
  entries(): IterableIterator<readonly [K, V]>
  readonly size: number
}

/**
 * Declares task state for `bolt` and `richBolt`. `rescale`: what happens when the number of tasks changes.
 * `refuse` (default): STATE_NOT_RESCALABLE. `by-key`: each entry goes to the task that a fields grouping on
 * its key would choose.
 */
export function keyValueState<K extends Key, V>(
  options?: StateOptions<V> & { readonly rescale?: 'refuse' | 'by-key' },
): IfEncodable<V, TaskState<KeyValueState<K, V>>>
export function keyValueState(options?: object): unknown {
  return declared('keyValueState', 'keyValue', options)
}

type StateKind = StateDeclaration['kind']

const OPTIONS: Readonly<Record<StateKind, readonly string[]>> = {
  value: ['version', 'migrate', 'schema', 'ttl', 'ttlFrom', 'initial'],
  map: ['version', 'migrate', 'schema', 'ttl', 'ttlFrom', 'countMax'],
  list: ['version', 'migrate', 'schema', 'ttl', 'ttlFrom', 'countMax', 'onFull'],
  timer: [],
  keyValue: ['version', 'migrate', 'schema', 'ttl', 'ttlFrom', 'rescale'],
}

/** Options as they were given: names and functions are checked, values in `declared`. */
interface GivenOptions {
  readonly version?: unknown
  readonly migrate?: (old: unknown, fromVersion: number) => unknown
  readonly schema?: unknown
  readonly ttl?: Duration
  readonly ttlFrom?: unknown
  readonly initial?: () => unknown
  readonly countMax?: unknown
  readonly onFull?: unknown
  readonly rescale?: unknown
}

function declared(maker: string, kind: StateKind, given: GivenOptions | undefined): StateDeclaration {
  const options = given ?? {}
  checkOptions(maker, kind, specOf(maker, options))
  const { migrate, schema } = options
  return {
    scope: kind === 'keyValue' ? 'task' : 'key',
    kind,
    version: wholeFrom1(maker, 'version', options.version) ?? 1,
    // Called as a member: it may use `this`.
    migrate: migrate === undefined ? undefined : (old, from) => options.migrate?.(old, from),
    schema: isSchema(schema) ? schema : undefined,
    ttlMs: options.ttl === undefined ? undefined : parseDuration(options.ttl, `${maker}: ttl`),
    ttlFrom: oneOf(maker, 'ttlFrom', options.ttlFrom, ['write', 'read']),
    initial: options.initial,
    countMax: wholeFrom1(maker, 'countMax', options.countMax),
    onFull: oneOf(maker, 'onFull', options.onFull, ['refuse', 'drop-oldest']),
    time: undefined,
    rescale: oneOf(maker, 'rescale', options.rescale, ['refuse', 'by-key']),
  }
}

function checkOptions(maker: string, kind: StateKind, options: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(options)) {
    if (OPTIONS[kind].includes(name)) continue
    throw refused(`${maker} has no option ${name}; there are ${OPTIONS[kind].join(', ')}`)
  }
  allowFunctions(maker, options, ['migrate', 'initial'])
  const schema = options['schema']
  if (schema !== undefined && !isSchema(schema)) {
    throw refused(`${maker}: schema must be a schema, but is ${kindOf(schema)}`)
  }
}

function wholeFrom1(maker: string, name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  const found = typeof value === 'number' ? value : kindOf(value)
  throw refused(`${maker}: ${name} must be a whole number from 1, but is ${found}`)
}

/** The value if it is one of these, the first of them if nothing was said. */
function oneOf<V extends string>(
  maker: string,
  name: string,
  value: unknown,
  choices: readonly [V, ...V[]],
): V {
  if (value === undefined) return choices[0]
  const found = choices.find((choice) => choice === value)
  if (found !== undefined) return found
  throw refused(`${maker}: ${name} must be ${choices.map((choice) => `'${choice}'`).join(' or ')}`)
}

/** Names identify state in savepoints, and become parts of file names there. */
const STATE_NAME = /^[A-Za-z0-9-]+$/

/** Declared state of a keyed bolt, by name. */
export function keyedStatesOf(maker: string, state: unknown): Readonly<Record<string, StateDeclaration>> {
  if (state === undefined) throw refused(`${maker} has no state; a bolt that remembers nothing is a bolt()`)
  return statesOf(maker, state, 'key', 'valueState, mapState, listState or timer')
}

/** Declared state of a task, by name. */
export function taskStatesOf(maker: string, state: unknown): Readonly<Record<string, StateDeclaration>> {
  return state === undefined ? {} : statesOf(maker, state, 'task', 'keyValueState')
}

function statesOf(
  maker: string,
  states: unknown,
  scope: StateDeclaration['scope'],
  makers: string,
): Readonly<Record<string, StateDeclaration>> {
  if (!isObject(states))
    throw refused(`${maker}: state must be declarations by name, but is ${kindOf(states)}`)
  const checked: Record<string, StateDeclaration> = {}
  for (const [name, declaration] of Object.entries(states)) {
    if (!STATE_NAME.test(name)) {
      throw new UsageError(
        'RESERVED_ID',
        `${maker}: the state name "${name}" may hold letters, digits and minus only`,
      )
    }
    if (!isDeclaration(declaration, scope)) {
      throw refused(`${maker}: the state ${name} must be made by ${makers}, but is ${kindOf(declaration)}`)
    }
    checked[name] = declaration
  }
  return checked
}

function isDeclaration(value: unknown, scope: StateDeclaration['scope']): value is StateDeclaration {
  return isObject(value) && value['scope'] === scope && typeof value['kind'] === 'string'
}
