/**
 * Encodable values as JSON text, exactly: what JSON cannot say rides in tagged objects.
 *
 *   bigint      {"$":"bigint","is":"123"}          -0, NaN, ±Infinity   {"$":"number","is":"-0"}
 *   undefined   {"$":"undefined"}                  Date                 {"$":"date","is":1700000000000}
 *   bytes       {"$":"bytes","is":"00ff"}          Map, Set             {"$":"map","is":[[k,v]…]},
 *   {"$":"set","is":[…]} an object with a key "$" or "__proto__"        {"$":"object","is":[[name,value]…]}
 *
 * For small things that people may read: positions. State and tuples have a binary form of their own.
 */
import { FormatError, UsageError } from '../base/errors.ts'

// Deeper is taken for a cycle: positions are small.
const DEPTH_MAX = 100

/**
 * JSON text of a value.
 * @throws UsageError VALUE_NOT_ENCODABLE functions, symbols, class instances, cycles
 */
export function toPlainJson(value: unknown): string {
  return JSON.stringify(tagged(value, 0))
}

/**
 * The value of a text made by `toPlainJson`.
 * @throws FormatError FRAME_MALFORMED it is none
 */
export function fromPlainJson(text: string): unknown {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new FormatError('FRAME_MALFORMED', 'text is no JSON', {}, { cause: error })
  }
  return untagged(parsed)
}

function tagged(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) throw notEncodable('a value nested too deeply, or a cycle')
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : tag('number', numberText(value))
    case 'bigint':
      return tag('bigint', String(value))
    case 'undefined':
      return { $: 'undefined' }
    case 'object':
      return value === null ? null : taggedObject(value, depth + 1)
    default:
      throw notEncodable(`a ${typeof value}`)
  }
}

function taggedObject(value: object, depth: number): unknown {
  if (Array.isArray(value)) return Array.from(value, (part: unknown) => tagged(part, depth))
  if (value instanceof Date) return tag('date', tagged(value.getTime(), depth))
  if (value instanceof Uint8Array) return tag('bytes', hexOf(value))
  if (value instanceof Map) {
    return tag(
      'map',
      Array.from(value, ([key, part]: [unknown, unknown]) => [tagged(key, depth), tagged(part, depth)]),
    )
  }
  if (value instanceof Set)
    return tag(
      'set',
      Array.from(value, (part: unknown) => tagged(part, depth)),
    )
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) throw notEncodable('a class instance')
  const pairs = Object.entries(value).map(([name, part]: [string, unknown]) => [name, tagged(part, depth)])
  const isPlain = !Object.hasOwn(value, '$') && !Object.hasOwn(value, '__proto__')
  return isPlain ? Object.fromEntries(pairs) : tag('object', pairs)
}

function tag(kind: string, is: unknown): object {
  return { $: kind, is }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function untagged(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(untagged)
  if (!('$' in json)) {
    return Object.fromEntries(Object.entries(json).map(([name, part]) => [name, untagged(part)]))
  }
  const is: unknown = 'is' in json ? json.is : undefined
  switch (json.$) {
    case 'undefined':
      return undefined
    case 'number':
      return Number(is)
    case 'date':
      return new Date(Number(untagged(is)))
    case 'bigint':
      return bigintOf(is)
    case 'bytes':
      return bytesOf(is)
    case 'map':
      return new Map(pairsOf(is))
    case 'set':
      return new Set(listOf(is).map(untagged))
    case 'object':
      // `fromEntries` defines own properties, so a name such as `__proto__` is a name like any other.
      return Object.fromEntries(pairsOf(is).map(([name, part]) => [String(name), part]))
    default:
      throw malformed(`the tag ${String(json.$)}`)
  }
}

function bigintOf(is: unknown): bigint {
  if (typeof is !== 'string' || !/^-?\d+$/.test(is)) throw malformed('a bigint')
  return BigInt(is)
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function bytesOf(is: unknown): Uint8Array {
  if (typeof is !== 'string' || !/^(?:[0-9a-f]{2})*$/.test(is)) throw malformed('bytes')
  return Uint8Array.from({ length: is.length / 2 }, (_, i) => Number.parseInt(is.slice(2 * i, 2 * i + 2), 16))
}

function listOf(is: unknown): readonly unknown[] {
  if (!Array.isArray(is)) throw malformed('a list')
  return is
}

function pairsOf(is: unknown): [unknown, unknown][] {
  return listOf(is).map((pair) => {
    const parts = listOf(pair)
    return [untagged(parts[0]), untagged(parts[1])]
  })
}

function notEncodable(what: string): UsageError {
  return new UsageError('VALUE_NOT_ENCODABLE', `a position holds ${what}, which cannot be stored`)
}

function malformed(what: string): FormatError {
  return new FormatError('FRAME_MALFORMED', `stored text holds ${what} that does not read`)
}
