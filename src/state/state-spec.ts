/**
 * What the store must know of a declared state. The declarations of `topology` fit it by shape, so that
 * neither room names the other's types.
 */

/** What a Standard Schema answers; a promise is refused here, because state is read synchronously. */
export interface StateSchema {
  readonly '~standard': {
    readonly validate: (value: unknown) => unknown
  }
}

export type StateKind = 'value' | 'map' | 'list' | 'timer' | 'keyValue'

/** A declared state, with its defaults in place. What does not apply to `kind` is undefined. */
export interface StateSpec {
  readonly kind: StateKind
  /** Number of the shape of its values, from 1. */
  readonly version: number
  readonly migrate: ((old: unknown, fromVersion: number) => unknown) | undefined
  readonly schema: StateSchema | undefined
  /** Entries are forgotten this long after their last use; undefined: never. */
  readonly ttlMs: number | undefined
  readonly ttlFrom: 'write' | 'read'
  /** Of `value`: what `get` gives where there is nothing. */
  readonly initial: (() => unknown) | undefined
  /** Of `map` and `list`: most entries per key; undefined: `entriesPerKeyMax` of the store. */
  readonly countMax: number | undefined
  readonly onFull: 'refuse' | 'drop-oldest'
  readonly time: 'event-time' | 'processing-time' | undefined
}

/** A state of a store: its spec, its name, and its place in every slot. */
export interface NamedSpec extends StateSpec {
  readonly name: string
  /** From 0, in declared order. */
  readonly index: number
}

/** The specs by place. */
export function namedSpecs(specs: Readonly<Record<string, StateSpec>>): readonly NamedSpec[] {
  return Object.entries(specs).map(([name, spec], index) => ({
    kind: spec.kind,
    version: spec.version,
    migrate: spec.migrate,
    schema: spec.schema,
    ttlMs: spec.ttlMs,
    ttlFrom: spec.ttlFrom,
    initial: spec.initial,
    countMax: spec.countMax,
    onFull: spec.onFull,
    time: spec.time,
    name,
    index,
  }))
}
