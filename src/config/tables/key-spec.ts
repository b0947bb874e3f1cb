/** What the tables say of one key, and what follows from that for its value. */
import type { ErrorPolicy, MetricsReporterConfig } from '../topology-config.ts'

/** Members all keys share. */
interface KeyBase {
  /** Dotted name; absent where the table is keyed by it. */
  readonly name?: string
  /** The Storm key that means the same: `same` name, or another one, which is accepted as well. */
  readonly storm?: string
  readonly doc: string
  /** The component kind it has a meaning for. Absent: for both, or no component key. */
  readonly kind?: 'spout' | 'bolt'
  /** Storm's default, where ours differs. For people who come from there. */
  readonly stormDefault?: unknown
}

interface Bounds {
  /** Lowest value allowed, in the unit of the key. */
  readonly min: number
  /** Highest value allowed, in the unit of the key. Absent: any. */
  readonly max?: number
}

/** `default: null` means unset. Numbers are in the unit of the key. */
export type KeySpec = KeyBase &
  (
    | { readonly type: 'string'; readonly default: string | null }
    | { readonly type: 'boolean'; readonly default: boolean }
    | { readonly type: 'enum'; readonly values: readonly string[]; readonly default: string }
    | (Bounds & { readonly type: 'integer'; readonly default: number | null; readonly powerOfTwo?: boolean })
    | (Bounds & { readonly type: 'number'; readonly default: number; readonly unit?: string })
    | (Bounds & { readonly type: 'duration'; readonly unit: DurationUnit; readonly default: number | null })
    | (Bounds & { readonly type: 'bytes'; readonly unit: ByteUnit; readonly default: number })
    | { readonly type: 'list'; readonly of: 'string'; readonly default: readonly string[] }
    | (Bounds & { readonly type: 'list'; readonly of: 'integer'; readonly default: readonly number[] })
    | { readonly type: 'list'; readonly of: 'object'; readonly default: readonly MetricsReporterConfig[] }
    | {
        readonly type: 'map'
        readonly of: 'string' | 'list'
        readonly default: Readonly<Record<string, never>>
      }
    | { readonly type: 'onError'; readonly default: 'fail' }
  )

export type DurationUnit = 'ms' | 's'
export type ByteUnit = 'B' | 'KiB' | 'MiB'

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
              ? Readonly<Record<string, O extends 'list' ? readonly string[] : string>>
              : never

type ListOf<O> = readonly (O extends 'integer' ? number : O extends 'object' ? CompiledReporter : string)[]

/** The compiled value of a key: milliseconds, bytes, or what it is; undefined if it may be unset. */
export type Compiled<K> = K extends { default: null } ? Plain<K> | undefined : Plain<K>

/** The compiled name: durations end in `Ms`, sizes in `Bytes`. */
export type CompiledName<P extends string, K> = K extends { type: 'duration' }
  ? `${P}Ms`
  : K extends { type: 'bytes' }
    ? `${P}Bytes`
    : P
