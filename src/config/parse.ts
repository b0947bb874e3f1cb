/**
 * One value of one key: from whatever form it came in to its compiled form, checked.
 *
 * Forms
 *   typed   TypeScript: durations and sizes are text with a unit, the rest is what it is
 *   file    YAML: numbers in the unit of the key; text with a unit is understood as well
 *   text    environment and command line: text is itself, all else JSON; then as in a file
 * Compiled: milliseconds, bytes, policies and reporters with their numbers; undefined where it is unset.
 *
 * Null unsets a key that may be unset (its default is none), and is refused elsewhere.
 */
import type { UsageError } from '../base/errors.ts'
import { BYTE_SIZE_WANTED, DURATION_WANTED, tryParseByteSize, tryParseDuration } from './duration.ts'
import { invalidValue, isPlainObject, NOWHERE, type Place } from './invalid.ts'
import type { Key } from './keys.ts'
import { compileErrorPolicy, compileReporter } from './policy.ts'
import type { ByteUnit, DurationUnit, KeySpec } from './tables/key-spec.ts'

export type Form = 'typed' | 'file' | 'text'

/** How many milliseconds or bytes one of a unit is. */
export const unitSize: Readonly<Record<DurationUnit | ByteUnit, number>> = {
  ms: 1,
  s: 1_000,
  B: 1,
  KiB: 1_024,
  MiB: 1_048_576,
}

/** A value on its way: how it is called in messages, what it is, in which form. */
interface Given {
  readonly spec: KeySpec
  readonly name: string
  readonly value: unknown
  readonly form: Form
  readonly place: Place
}

/**
 * The compiled value.
 * @throws UsageError CONFIG_INVALID_VALUE with key, found, wanted; PARALLELISM_INVALID for executors and
 *   tasks; CONFIG_UNKNOWN_KEY and CONFIG_CONTRADICTION for members of a policy or reporter
 */
export function parseValue(key: Key, value: unknown, form: Form, place: Place = NOWHERE): unknown {
  const name = form === 'typed' ? (key.property ?? key.name) : key.name
  const given: Given = { spec: key.spec, name, value, form, place }
  if (form === 'text') return parseGiven({ ...given, value: fromText(given), form: 'file' })
  return parseGiven(given)
}

/** The compiled default. */
export function defaultValue(key: Key): unknown {
  // Defaults of the tables are in the form of a file.
  return parseValue(key, key.default, 'file')
}

function parseGiven(given: Given): unknown {
  const { spec, value } = given
  if (value === undefined) throw refused(given)
  if (value === null) {
    if (spec.default === null) return undefined
    throw refused(given)
  }
  switch (spec.type) {
    case 'string':
      if (typeof value !== 'string' || value === '') throw refused(given)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw refused(given)
      return value
    case 'enum':
      if (typeof value !== 'string' || !spec.values.includes(value)) throw refused(given)
      return value
    case 'integer':
      if (!isWithin(value, spec) || !Number.isSafeInteger(value)) throw refused(given)
      if (spec.powerOfTwo === true && !Number.isInteger(Math.log2(value))) throw refused(given)
      return value
    case 'number':
      if (!isWithin(value, spec)) throw refused(given)
      return value
    case 'duration':
      return parseAmount(given, spec, tryParseDuration)
    case 'bytes':
      return Math.round(parseAmount(given, spec, tryParseByteSize))
    case 'list':
      return parseList(given, spec)
    case 'map':
      return parseMap(given, spec)
    case 'onError':
      return compileErrorPolicy(value, given.name, given.place)
  }
}

interface Amount {
  readonly unit: DurationUnit | ByteUnit
  readonly min: number
  readonly max?: number
}

/** Milliseconds or bytes: a number in the unit of the key (files only), or text with a unit. */
function parseAmount(given: Given, spec: Amount, fromUnits: (text: string) => number | undefined): number {
  const { value, form } = given
  const size = unitSize[spec.unit]
  if (typeof value === 'number' && form !== 'typed') {
    if (!isWithin(value, spec)) throw refused(given)
    // As in duration.ts: the noise of binary fractions is not kept.
    return Math.round(value * size * 1e6) / 1e6
  }
  const amount = typeof value === 'string' ? fromUnits(value) : undefined
  if (amount === undefined) throw refused(given)
  const max = spec.max ?? Number.POSITIVE_INFINITY
  if (amount < spec.min * size || amount > max * size) throw refused(given)
  return amount
}

function parseList(given: Given, spec: Extract<KeySpec, { type: 'list' }>): readonly unknown[] {
  const { value, name, place } = given
  if (!Array.isArray(value)) throw refused(given)
  return value.map((item: unknown, index) => {
    if (spec.of === 'object') return compileReporter(item, `${name}[${index}]`, place)
    if (spec.of === 'string' && (typeof item !== 'string' || item === '')) throw refused(given)
    if (spec.of === 'integer' && (!isWithin(item, spec) || !Number.isSafeInteger(item))) throw refused(given)
    return item
  })
}

function parseMap(given: Given, spec: Extract<KeySpec, { type: 'map' }>): object {
  const { value } = given
  if (!isPlainObject(value)) throw refused(given)
  if (!Object.values(value).every((each) => fitsMap(each, spec))) throw refused(given)
  return { ...value }
}

function fitsMap(value: unknown, spec: Extract<KeySpec, { type: 'map' }>): boolean {
  if (spec.of === 'integer') return isWithin(value, spec) && Number.isSafeInteger(value)
  return spec.of === 'list' ? isTextList(value) : isText(value)
}

/** JSON, but for keys whose values are text anyway. What is no JSON stays text: `30s`, `fail`. */
function fromText(given: Given): unknown {
  const { spec, value } = given
  if (typeof value !== 'string') return value
  if ((spec.type === 'string' || spec.type === 'enum') && !value.startsWith('"') && value !== 'null')
    return value
  try {
    return JSON.parse(value)
  } catch (error) {
    if (error instanceof SyntaxError) return value
    throw error
  }
}

function isWithin(value: unknown, spec: { readonly min: number; readonly max?: number }): value is number {
  if (typeof value !== 'number') return false
  return value >= spec.min && value <= (spec.max ?? Number.MAX_SAFE_INTEGER)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}

function refused(given: Given): UsageError {
  const orNone = given.spec.default === null && given.form !== 'typed' ? ', or null' : ''
  return invalidValue(given.place, given.name, given.value, wantedValue(given.spec, given.form) + orNone)
}

/** What values a key takes, in words: `a whole number from 1 to 10,000`. */
export function wantedValue(spec: KeySpec, form: Form = 'file'): string {
  switch (spec.type) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'true or false'
    case 'enum':
      return `one of ${spec.values.join(', ')}`
    case 'integer':
      return `a whole number ${spec.powerOfTwo === true ? 'that is a power of two, ' : ''}${range(spec)}`
    case 'number':
      return `a number ${range(spec)}${spec.unit === undefined ? '' : `, in ${spec.unit}`}`
    case 'duration':
      return form === 'typed'
        ? `${DURATION_WANTED}, ${range(spec, spec.unit)}`
        : `a number of ${spec.unit === 's' ? 'seconds' : 'milliseconds'} ${range(spec)}`
    case 'bytes':
      return form === 'typed'
        ? `${BYTE_SIZE_WANTED}, ${range(spec, spec.unit)}`
        : `a number of ${spec.unit === 'B' ? 'bytes' : spec.unit} ${range(spec)}`
    case 'list':
      return wantedList(spec, form)
    case 'map':
      if (spec.of === 'integer') return `a map from names to whole numbers ${range(spec)}`
      return spec.of === 'list' ? 'a map from names to lists of texts' : 'a map from names to texts'
    case 'onError':
      return 'an action, or a policy { retries, backoff, then }'
  }
}

function wantedList(spec: Extract<KeySpec, { type: 'list' }>, form: Form): string {
  const json = form === 'text' ? ', as JSON' : ''
  if (spec.of === 'object') return `a list of { module, every, options }${json}`
  if (spec.of === 'integer') return `a list of whole numbers ${range(spec)}${json}`
  return `a list of texts${json}`
}

/** Bounds in words. */
function range(bounds: { readonly min: number; readonly max?: number }, unit = ''): string {
  const from = `from ${grouped(bounds.min)}${unit}`
  return bounds.max === undefined ? from : `${from} to ${grouped(bounds.max)}${unit}`
}

function grouped(value: number): string {
  const [whole, fraction] = String(value).split('.')
  const text = (whole ?? '').replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? text : `${text}.${fraction}`
}
