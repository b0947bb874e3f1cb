/**
 * Durations and sizes as text: `'1.5s'`, `'64MiB'`. Here they become numbers, milliseconds and bytes, and
 * back.
 *
 * Used by whoever takes a `Duration` or a `ByteSize` from a user. Everything behind the doors sees numbers
 * only.
 */
import { UsageError } from '../base/errors.ts'
import type { ByteSize, Duration } from './topology-config.ts'

const msOf: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
])

const bytesOf: ReadonlyMap<string, number> = new Map([
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['B', 1],
])

/** What a duration looks like, for messages. */
export const DURATION_WANTED = "a duration such as '250ms', '1.5s', '10m', '2h', '30d'"
/** What a size looks like, for messages. */
export const BYTE_SIZE_WANTED = "a size such as '512B', '32KiB', '64MiB', '4GiB'"

/** Milliseconds of a duration, with fractions; undefined if the text is none. */
export function tryParseDuration(text: string): number | undefined {
  const ms = amount(text, msOf)
  // Nanoseconds are kept, the noise of binary fractions behind them is not: '1.001s' is 1001 ms.
  return ms === undefined ? undefined : Math.round(ms * 1e6) / 1e6
}

/**
 * Milliseconds of a duration, with fractions.
 * @throws UsageError CONFIG_INVALID_VALUE `name` says in the message which setting was wrong
 */
export function parseDuration(text: Duration, name = 'duration'): number {
  const ms = tryParseDuration(text)
  if (ms === undefined) throw invalid(name, text, DURATION_WANTED)
  return ms
}

/** Bytes of a size, whole; undefined if the text is none. */
export function tryParseByteSize(text: string): number | undefined {
  const bytes = amount(text, bytesOf)
  return bytes === undefined ? undefined : Math.round(bytes)
}

/**
 * Bytes of a size, whole.
 * @throws UsageError CONFIG_INVALID_VALUE `name` says in the message which setting was wrong
 */
export function parseByteSize(text: ByteSize, name = 'size'): number {
  const bytes = tryParseByteSize(text)
  if (bytes === undefined) throw invalid(name, text, BYTE_SIZE_WANTED)
  return bytes
}

/** The shortest exact text: 90000 → `'90s'`, 1500 → `'1500ms'`. */
export function formatDuration(ms: number): Duration {
  if (ms === 0) return '0s'
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000}d`
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  if (ms % 1_000 === 0) return `${ms / 1_000}s`
  return `${ms}ms`
}

/** The shortest exact text: 65536 → `'64KiB'`. */
export function formatBytes(bytes: number): ByteSize {
  if (bytes === 0) return '0B'
  if (bytes % 2 ** 30 === 0) return `${bytes / 2 ** 30}GiB`
  if (bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20}MiB`
  if (bytes % 2 ** 10 === 0) return `${bytes / 2 ** 10}KiB`
  return `${bytes}B`
}

/** A number and a unit, nothing between them; undefined if it is not that, or beyond what a number holds. */
function amount(text: string, units: ReadonlyMap<string, number>): number | undefined {
  // JavaScript callers may hand in anything; a text is asked for, so nothing else is looked at.
  if (typeof text !== 'string') return undefined
  const parts = /^(\d+(?:\.\d+)?|\.\d+)(e[+-]?\d+)?([A-Za-z]+)$/.exec(text)
  const unit = units.get(parts?.[3] ?? '')
  if (unit === undefined) return undefined
  const product = Number(`${parts?.[1]}${parts?.[2] ?? ''}`) * unit
  return product <= Number.MAX_SAFE_INTEGER ? product : undefined
}

function invalid(name: string, found: unknown, wanted: string): UsageError {
  const shown = typeof found === 'string' ? `'${found}'` : String(found)
  return new UsageError('CONFIG_INVALID_VALUE', `${name} is ${shown}, wanted ${wanted}`, {
    key: name,
    found: shown,
    wanted,
  })
}
