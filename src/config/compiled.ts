/**
 * The compiled form of configuration, as types: name and value that follow from a line of a table.
 *
 * Durations are milliseconds and end in `Ms`, sizes are bytes and end in `Bytes`, all else is called and is
 * what it is in TypeScript. A key that may be unset is undefined then. settings.ts makes the values.
 */
import type { componentKeys } from './tables/component-keys.ts'
import type { topologyKeys } from './tables/topology-keys.ts'
import type { ErrorPolicy } from './topology-config.ts'

type TopologyKeys = typeof topologyKeys
type ComponentKeys = typeof componentKeys

/** Settings of a topology as a whole. */
export type TopologySettings = {
  readonly [P in keyof TopologyKeys & string as CompiledName<P, TopologyKeys[P]>]: Compiled<TopologyKeys[P]>
}

/** Settings of one component. */
export type ComponentSettings = {
  readonly [P in keyof ComponentKeys & string as CompiledName<P, ComponentKeys[P]>]: Compiled<
    ComponentKeys[P]
  >
}

/** A policy with every number in place. `action` is what its `then` says. */
export interface CompiledErrorPolicy {
  /** Further calls with the same tuple before `action`. */
  readonly retries: number
  /** First wait between them. */
  readonly firstMs: number
  /** Each wait is this many times the one before. */
  readonly factor: number
  /** Longest wait. */
  readonly maxMs: number
  readonly action: ErrorPolicy['then']
  readonly retryIf: ((error: unknown) => boolean) | undefined
}

/** A reporter with its number in place. */
export interface CompiledReporter {
  readonly module: string
  readonly everyMs: number
  readonly options: Readonly<Record<string, unknown>>
}

type Plain<K> = K extends { type: 'string' }
  ? string
  : K extends { type: 'boolean' }
    ? boolean
    : K extends { type: 'enum'; values: readonly (infer V)[] }
      ? V
      : K extends { type: 'integer' | 'number' | 'duration' | 'bytes' }
        ? number
        : K extends { type: 'onError' }
          ? CompiledErrorPolicy
          : K extends { type: 'list'; of: infer O }
            ? ListOf<O>
            : K extends { type: 'map'; of: infer O }
              ? Readonly<Record<string, MapValueOf<O>>>
              : never

type MapValueOf<O> = O extends 'list' ? readonly string[] : O extends 'integer' ? number : string

type ListOf<O> = readonly (O extends 'integer' ? number : O extends 'object' ? CompiledReporter : string)[]

/** The compiled value of a key: milliseconds, bytes, or what it is; undefined if it may be unset. */
export type Compiled<K> = K extends { default: null } ? Plain<K> | undefined : Plain<K>

/** The compiled name: durations end in `Ms`, sizes in `Bytes`. */
export type CompiledName<P extends string, K> = K extends { type: 'duration' }
  ? `${P}Ms`
  : K extends { type: 'bytes' }
    ? `${P}Bytes`
    : P
