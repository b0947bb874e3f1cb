/**
 * Reads what value-writer.ts wrote.
 *
 * Route:   ByteReader → [here] → row-codec.ts (fields of kind `value`).
 * Touches: nothing outside. Layout: value-tags.ts.
 *
 * Untrusted input: depth is bounded, a count is checked against the bytes that are left, and lists grow as
 * their elements come, so that a thousand nested lies about lengths reserve nothing. Names are data:
 * `__proto__` becomes an own property like any other.
 */
import type { ByteReader } from './byte-reader.ts'
import { malformed } from './malformed.ts'
import { Tag, VALUE_DEPTH_MAX } from './value-tags.ts'

/** HOT. @throws FormatError FRAME_MALFORMED. Bench: bench/wire.bench.ts. */
export function readValue(reader: ByteReader, depth = 0): unknown {
  const tag = reader.byte()
  if (tag <= Tag.SMALL_INT_MAX) return tag
  switch (tag) {
    case Tag.TEXT:
      return reader.text()
    case Tag.INT:
      return reader.int()
    case Tag.FLOAT:
      return reader.float()
    case Tag.UNDEFINED:
      return undefined
    case Tag.NULL:
      return null
    case Tag.FALSE:
      return false
    case Tag.TRUE:
      return true
    case Tag.BIGINT:
      return reader.bigint()
    case Tag.BYTES:
      return reader.blob()
    case Tag.DATE:
      return new Date(reader.float())
    default:
      if (depth >= VALUE_DEPTH_MAX) malformed(`a value is nested deeper than ${VALUE_DEPTH_MAX}`)
      return readNest(reader, tag, depth + 1)
  }
}

function readNest(reader: ByteReader, tag: number, depth: number): unknown {
  switch (tag) {
    case Tag.OBJECT:
      return readObject(reader, {}, depth)
    case Tag.BARE_OBJECT:
      return readObject(reader, Object.create(null), depth)
    case Tag.ARRAY:
      return readArray(reader, depth)
    case Tag.MAP:
      return readMap(reader, depth)
    case Tag.SET:
      return new Set(readArray(reader, depth))
    default:
      return malformed(`${tag} is no tag of a value`)
  }
}

function readArray(reader: ByteReader, depth: number): unknown[] {
  const count = reader.count(1)
  const values: unknown[] = []
  for (let index = 0; index < count; index++) values.push(readValue(reader, depth))
  return values
}

function readMap(reader: ByteReader, depth: number): Map<unknown, unknown> {
  const count = reader.count(2)
  const map = new Map<unknown, unknown>()
  for (let index = 0; index < count; index++) {
    const key = readValue(reader, depth)
    map.set(key, readValue(reader, depth))
  }
  return map
}

function readObject(reader: ByteReader, target: Record<string, unknown>, depth: number): object {
  const count = reader.count(2)
  for (let index = 0; index < count; index++) {
    const name = reader.text()
    setOwn(target, name, readValue(reader, depth))
  }
  return target
}

/** Sets a property of that very name: plain assignment to `__proto__` would change the prototype. */
export function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    target[name] = value
  }
}
