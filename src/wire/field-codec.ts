/**
 * How one field of a row is written and read, by its kind. No tags: both sides know the schema.
 *
 * Route:   row-codec.ts picks one per field → ByteWriter, ByteReader.
 * Touches: nothing outside.
 *
 *   string   text          boolean   1 byte, 0 or 1
 *   int      int           bytes     bytes
 *   number   float         value     a tagged value (value-tags.ts)
 *   bigint   bigint        T[]       unsigned count, then the elements
 *
 * The primitives are those of byte-writer.ts.
 */
import type { FieldShape } from '../topology/definition.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { malformed } from './malformed.ts'
import { readValue } from './value-reader.ts'
import { ValueWriter } from './value-writer.ts'

export interface FieldCodec {
  /** False if `value` is not of the kind; something may have been written by then. */
  tryWrite(writer: ByteWriter, value: unknown): boolean
  /** Bytes that `value` takes at most. -1: it is not of the kind, or only writing it tells. */
  sizeMost(value: unknown): number
  read(reader: ByteReader): unknown
}

/** What stands before the bytes of a text, at most. */
export const TEXT_HEAD_BYTES_MAX = 6

type Kind = FieldShape['kind']
type ScalarKind = Exclude<Kind, 'value'>

const scalars: Readonly<Record<ScalarKind, FieldCodec>> = {
  string: {
    tryWrite(writer, value) {
      if (typeof value !== 'string') return false
      writer.text(value)
      return true
    },
    sizeMost: (value) => (typeof value === 'string' ? 3 * value.length + TEXT_HEAD_BYTES_MAX : -1),
    read: (reader) => reader.text(),
  },
  int: {
    tryWrite(writer, value) {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false
      writer.int(value)
      return true
    },
    sizeMost: (value) => (Number.isSafeInteger(value) ? 8 : -1),
    read: (reader) => reader.int(),
  },
  number: {
    tryWrite(writer, value) {
      if (typeof value !== 'number') return false
      writer.float(value)
      return true
    },
    sizeMost: (value) => (typeof value === 'number' ? 8 : -1),
    read: (reader) => reader.float(),
  },
  bigint: {
    tryWrite(writer, value) {
      if (typeof value !== 'bigint') return false
      writer.bigint(value)
      return true
    },
    sizeMost: notSeen,
    read: (reader) => reader.bigint(),
  },
  boolean: {
    tryWrite(writer, value) {
      if (typeof value !== 'boolean') return false
      writer.byte(value ? 1 : 0)
      return true
    },
    sizeMost: (value) => (typeof value === 'boolean' ? 1 : -1),
    read(reader) {
      const byte = reader.byte()
      if (byte > 1) malformed(`a boolean is ${byte}`)
      return byte === 1
    },
  },
  bytes: {
    tryWrite(writer, value) {
      if (!(value instanceof Uint8Array)) return false
      writer.blob(value)
      return true
    },
    sizeMost: notSeen,
    read: (reader) => reader.blob(),
  },
}

// Fewest bytes an element takes: a count beyond what they need is a lie.
const smallest: Readonly<Record<ScalarKind, number>> = {
  string: 1,
  int: 1,
  number: 8,
  bigint: 2,
  boolean: 1,
  bytes: 1,
}

/** The codec of a field, null apart: the row keeps that. `place` names it in errors. */
export function fieldCodec(shape: FieldShape, place: string): FieldCodec {
  if (shape.kind !== 'value') return shape.list ? listCodec(shape.kind) : scalars[shape.kind]
  // A list of values is a value itself.
  const values = new ValueWriter()
  const isList = shape.list
  return {
    tryWrite(writer, value) {
      if (isList && !Array.isArray(value)) return false
      values.write(writer, value, place)
      return true
    },
    sizeMost: notSeen,
    read(reader) {
      const value = readValue(reader)
      if (isList && !Array.isArray(value)) malformed('a list is none')
      return value
    },
  }
}

function listCodec(kind: ScalarKind): FieldCodec {
  const element = scalars[kind]
  const bytesEach = smallest[kind]
  return {
    tryWrite(writer, value) {
      if (!Array.isArray(value)) return false
      writer.unsigned(value.length)
      for (let index = 0; index < value.length; index++) {
        if (!element.tryWrite(writer, value[index])) return false
      }
      return true
    },
    sizeMost: notSeen,
    read(reader) {
      const count = reader.count(bytesEach)
      const list: unknown[] = []
      for (let index = 0; index < count; index++) list.push(element.read(reader))
      return list
    },
  }
}

function notSeen(): number {
  return -1
}

/** Where `value` departs from its shape, in words: for errors, after `tryWrite` said no. */
export function misfit(shape: FieldShape, value: unknown): { path: string; found: string } {
  if (shape.list && Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const element: unknown = value[index]
      if (!fits(shape.kind, element)) return { path: `[${index}]`, found: wordFor(element) }
    }
  }
  return { path: '', found: wordFor(value) }
}

function fits(kind: Kind, value: unknown): boolean {
  if (kind === 'int') return Number.isSafeInteger(value)
  if (kind === 'bytes') return value instanceof Uint8Array
  return kind === 'value' || typeof value === kind
}

/** What a value is, never the value: errors go to logs. */
function wordFor(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'number':
      if (!Number.isFinite(value)) return 'a number that is not finite'
      return Number.isInteger(value) ? 'a number' : 'a fraction'
    case 'object':
      return 'an object'
    default:
      return `a ${typeof value}`
  }
}
