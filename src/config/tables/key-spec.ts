/** What the tables say of one key. */
import type { MetricsReporterConfig } from '../topology-config.ts'

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
    | (Bounds & {
        readonly type: 'map'
        readonly of: 'integer'
        readonly default: Readonly<Record<string, never>>
      })
    | { readonly type: 'onError'; readonly default: 'fail' }
  )

export type DurationUnit = 'ms' | 's'
export type ByteUnit = 'B' | 'KiB' | 'MiB'
