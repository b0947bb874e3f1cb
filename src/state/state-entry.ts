/**
 * State as plain data: what checkpoints store, what moves to another task, what is carried over a reload.
 *
 * Everything here is encodable. Values are not copied: they must not be changed, as everywhere in state.
 */

/** One state of one key. */
export type StatePart =
  | {
      readonly kind: 'value'
      readonly name: string
      readonly version: number
      readonly value: unknown
      /** Time of the last use; 0 where there is no ttl. */
      readonly usedMs: number
    }
  | {
      readonly kind: 'map'
      readonly name: string
      readonly entries: readonly MapPart[]
    }
  | {
      readonly kind: 'list'
      readonly name: string
      readonly version: number
      readonly values: readonly unknown[]
      /** As long as `values`, or empty where there is no ttl. */
      readonly usedMs: readonly number[]
    }
  | { readonly kind: 'timer'; readonly name: string; readonly timeMs: number }

export interface MapPart {
  readonly key: unknown
  readonly value: unknown
  readonly version: number
  readonly usedMs: number
}

/** Everything under one key. */
export interface KeyedEntry {
  readonly key: unknown
  readonly parts: readonly StatePart[]
}
