import type { AnyValues } from '../tuple.ts'
import type { Key } from './encodable.ts'
import type { Infer, Schema } from './schema.ts'

/** A schema of a direct stream. Made by `direct`. */
export interface DirectSchema<out V> {
  readonly direct: Schema<V>
}

/** The values of a direct stream, in a `Streams` type. */
export interface Direct<out V> {
  readonly '~direct': V
}

/**
 * The streams of a component, by id: `{ default: { word: string }, rejected: { word: string, why: string }
 * }`.
 */
export type Streams = { readonly [stream: string]: unknown }

/**
 * What `input` accepts: the schema of the tuples a bolt reads; a list of them if it reads several shapes.
 */
export type InputSpec = Schema<object> | readonly Schema<object>[]

/** What `output` accepts: a schema (the stream `default`), or streams by id. */
export type OutputSpec = Schema<object> | { readonly [stream: string]: Schema<object> | DirectSchema<object> }

/**
 * Values a bolt reads, from its `input`. Several shapes give a union; tell them apart with `'name' in
 * tuple.values`.
 */
export type InputOf<I> = I extends readonly Schema<object>[]
  ? Infer<I[number]>
  : I extends Schema<infer V>
    ? V
    : AnyValues

/** Streams a component has, from its `output`. Without `output`: none. */
export type StreamsOf<O> =
  O extends Schema<infer V>
    ? { default: V }
    : {
        [S in keyof O]: O[S] extends DirectSchema<infer V>
          ? Direct<V>
          : O[S] extends Schema<infer V>
            ? V
            : never
      }

/** What the editor shows where a component without a `default` stream is used as if it had one. */
export interface NeedsStreamId<S> {
  readonly '~streams': S
}

/** Values of the stream `default`. */
export type DefaultOf<O> = O extends { default: infer V } ? V : NeedsStreamId<keyof O>

/** Ids of the streams that `emit` accepts. */
export type EmitId<O> = {
  [S in keyof O]: O[S] extends Direct<unknown> ? never : S
}[keyof O] extends infer S extends keyof O & string
  ? S
  : never

/** Ids of the streams that `emitDirect` accepts. */
export type DirectId<O> = {
  [S in keyof O]: O[S] extends Direct<unknown> ? S : never
}[keyof O] extends infer S extends keyof O & string
  ? S
  : never

/** Values of a direct stream. */
export type DirectOf<D> = D extends Direct<infer V> ? V : never

/** Fields that can be a key: texts, numbers, booleans. */
export type KeyField<V> = { [N in keyof V]: V[N] extends Key ? N : never }[keyof V] extends infer N extends
  keyof V & string
  ? N
  : never

/** What the editor shows for an async function where waiting is not possible. */
export interface MustNotWait {
  readonly '~mustNotWait': 'this function must not be async'
}

/** Refuses promises as results. */
export type Sync<T> = T extends PromiseLike<unknown> ? MustNotWait : unknown

/** The values that carry an item: an object is its own values; anything else becomes the field `value`. */
export type ValuesOf<T> = unknown extends T
  ? // biome-ignore lint/suspicious/noExplicitAny: nothing is known of the item, so everything is accepted
    any
  : T extends readonly unknown[] | Uint8Array | Date | string | number | bigint | boolean | null | undefined
    ? { value: T }
    : T
