/** The errors of a value that does not fit, in one wording. */
import { UsageError } from '../base/errors.ts'

/** Where a value was given: words in front of its name in messages, for example `bolt 'count': `. */
export interface Place {
  readonly prefix: string
}

export const NOWHERE: Place = { prefix: '' }

/** Text beyond this is cut in messages. */
const SHOWN_LENGTH_MAX = 80

/** A value as it is shown in a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${cut(value)}'`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return cut(JSON.stringify(value))
  } catch (error) {
    // A circle, or a bigint inside. What it is says enough.
    return error instanceof TypeError ? 'an object' : String(error)
  }
}

function cut(text: string): string {
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`
}

/** `name` is what the caller calls the key; `found` the value as it stood there. */
export function invalidValue(place: Place, name: string, found: unknown, wanted: string): UsageError {
  const shown = show(found)
  // Executors and tasks have a code of their own, the same that the graph check gives.
  const code = /(^|\.)(executors|tasks)$/.test(name) ? 'PARALLELISM_INVALID' : 'CONFIG_INVALID_VALUE'
  return new UsageError(code, `${place.prefix}${name} is ${shown}, wanted ${wanted}`, {
    key: name,
    found: shown,
    wanted,
  })
}

export function unknownKey(place: Place, name: string, nearest: string | undefined): UsageError {
  const advice = nearest === undefined ? '' : `; did you mean ${nearest}`
  const details = nearest === undefined ? { key: name } : { key: name, nearest }
  return new UsageError(
    'CONFIG_UNKNOWN_KEY',
    `${place.prefix}there is no configuration key ${name}${advice}`,
    details,
  )
}

export function contradiction(message: string, key: string, other: string): UsageError {
  return new UsageError('CONFIG_CONTRADICTION', message, { key, other })
}

/** True for objects that are a map of names to values: no lists, dates, class instances. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
