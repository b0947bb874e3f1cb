/** Whether the values of a stream fit what a bolt reads: by names and kinds, as TypeScript would see it. */
import type { FieldShape, StreamSchema } from '../definition.ts'
import { written } from '../schema/field-kind.ts'

/** What does not fit, in words; empty: all does. Fields that are there and not asked for do no harm. */
export function fits(stream: StreamSchema, wanted: StreamSchema): readonly string[] {
  // A schema that cannot say its names may still check values; nothing can be said before there are any.
  if (wanted.unnamed === true || stream.unnamed === true) return []
  return wanted.shapes.flatMap((shape) => misfit(stream, shape) ?? [])
}

function misfit(stream: StreamSchema, wanted: FieldShape): string | undefined {
  const found = stream.shapes.find((shape) => shape.name === wanted.name)
  if (found === undefined) {
    return wanted.optional === true
      ? undefined
      : `"${wanted.name}" is missing, there are ${stream.names.join(', ')}`
  }
  if (found.optional === true && wanted.optional !== true && wanted.kind !== 'value') {
    return `"${wanted.name}" may be missing, wanted ${written(wanted)}`
  }
  return kindFits(found, wanted)
    ? undefined
    : `"${wanted.name}" is ${written(found)}, wanted ${written(wanted)}`
}

function kindFits(found: FieldShape, wanted: FieldShape): boolean {
  // Of a field with a schema of its own only the user knows what it holds.
  if (found.kind === 'value' || wanted.kind === 'value') return true
  if (found.list !== wanted.list || (found.nullable && !wanted.nullable)) return false
  return found.kind === wanted.kind || (found.kind === 'int' && wanted.kind === 'number')
}
