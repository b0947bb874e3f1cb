/** Reads the key of a tuple for ordering by key: the values of the fields its grouping goes by. */
import type { EngineTuple } from '../executor/tuple.ts'
import { compileField } from './field-access.ts'

export type KeyReader = (tuple: EngineTuple) => unknown

/** `keyFields`: by stream number. A stream that comes by another grouping has one key for all its tuples. */
export function compileKeyReader(keyFields: ReadonlyMap<number, readonly string[]>): KeyReader {
  const readers = new Map<number, ReadonlyArray<(values: object) => unknown>>()
  for (const [stream, fields] of keyFields) readers.set(stream, fields.map(compileField))
  return (tuple) => {
    const fields = readers.get(tuple.stream.number)
    if (fields === undefined) return undefined
    const [only] = fields
    if (fields.length === 1 && only !== undefined) return mapKey(only(tuple.values))
    return fields.map((field) => keyText(field(tuple.values))).join('\u0000')
  }
}

/** Values that a Map compares by value as they are; everything else as text. */
function mapKey(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? keyText(value) : value
}

function keyText(value: unknown): string {
  return `${typeof value}:${Array.isArray(value) ? value.map(keyText).join('\u0001') : String(value)}`
}
