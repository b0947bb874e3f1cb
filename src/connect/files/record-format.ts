/** How items become bytes: JSON, text, CSV. */
import { UserCodeError } from '../../base/errors.ts'
import { csvField } from './csv-record.ts'

/** How an item becomes bytes. */
export interface RecordFormat<in T> {
  /** Extension of part files, without dot. */
  readonly extension: string
  /** Bytes or text of one item, with its line end if there is one. */
  readonly encode: (item: T) => string | Uint8Array
  /** At the beginning and end of each file. */
  readonly header?: () => string | Uint8Array
  readonly footer?: () => string | Uint8Array
}

/**
 * One JSON value per line. What JSON does not know is written so: bigints as text, bytes as base64, sets as
 * lists, maps as objects (with keys that are no texts: as lists of pairs), NaN and infinities as null, as
 * JSON does.
 */
export function jsonFormat(): RecordFormat<unknown> {
  return { extension: 'jsonl', encode: jsonLine }
}

/** A line of text for each item. */
export function textFormat<T>(line: (item: T) => string): RecordFormat<T> {
  return { extension: 'txt', encode: (item) => `${line(item)}\n` }
}

/** Comma-separated values, with a header line. */
export function csvFormat<T extends object>(
  columns: readonly (keyof T & string)[],
  options: { readonly separator?: string } = {},
): RecordFormat<T> {
  const separator = options.separator ?? ','
  const row = (texts: readonly string[]): string =>
    `${texts.map((text) => csvField(text, separator)).join(separator)}\n`
  return {
    extension: 'csv',
    encode: (item) => row(columns.map((column) => csvText(column, item[column]))),
    header: () => row(columns),
  }
}

/** @throws UserCodeError VALUE_INVALID the item has no JSON form */
export function jsonLine(item: unknown): string {
  const text = JSON.stringify(item, hasPlainMembers(item) ? undefined : jsonValue)
  if (text === undefined) throw invalid(`a ${typeof item} has no JSON form`)
  return `${text}\n`
}

/** Bytes of what a format gave. */
export function bytesOf(encoded: string | Uint8Array): Uint8Array {
  return typeof encoded === 'string' ? new TextEncoder().encode(encoded) : encoded
}

/** Most items are flat: then JSON needs no help, and is several times faster without. */
function hasPlainMembers(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return typeof item !== 'bigint'
  if (item instanceof Map || item instanceof Set || ArrayBuffer.isView(item)) return false
  for (const name in item) {
    const value: unknown = Reflect.get(item, name)
    if (typeof value === 'bigint' || (typeof value === 'object' && value !== null)) return false
  }
  return true
}

function jsonValue(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return base64(value)
  if (value instanceof Set) return [...value]
  if (!(value instanceof Map)) return value
  const pairs = [...value]
  return pairs.every(([key]) => typeof key === 'string') ? Object.fromEntries(pairs) : pairs
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

function csvText(column: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (typeof value === 'object' || typeof value === 'function') {
    throw invalid(`column ${column}: CSV has no form for a ${Array.isArray(value) ? 'list' : typeof value}`)
  }
  return String(value)
}

function invalid(message: string): UserCodeError {
  return new UserCodeError('VALUE_INVALID', message)
}
