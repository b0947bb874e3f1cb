/**
 * What a row codec is, and what both forms of it (generated code, closures) are made from.
 *
 * Route:   row-codec.ts makes a plan from a schema → compile.ts, or closures in row-codec.ts.
 * Touches: nothing outside.
 */
import { assertDefined } from '../base/assert.ts'
import { UsageError } from '../base/errors.ts'
import type { FieldShape, StreamSchema } from '../topology/definition.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { type FieldCodec, fieldCodec, misfit } from './field-codec.ts'

/** Values by field name. */
export type Values = Readonly<Record<string, unknown>>

export interface RowCodec {
  /**
   * @throws UsageError VALUE_OUT_OF_RANGE a value does not fit its declared kind, VALUE_NOT_ENCODABLE a field
   *   of free form holds what cannot be sent: `details.path` names it. UserCodeError TUPLE_TOO_LARGE
   */
  encode(writer: ByteWriter, values: Values): void
  /**
   * HOT. Bytes that the row takes at most, without writing it; it surely can be written then. -1: only
   * writing it tells, because a value does not fit, or because its size is not seen at once.
   */
  sizeMost(values: Values): number
  /** The reader ends behind the row. @throws FormatError FRAME_MALFORMED */
  decode(reader: ByteReader): Values
}

/** What both forms of a row codec are made from. */
export interface RowPlan {
  readonly shapes: readonly FieldShape[]
  readonly codecs: readonly FieldCodec[]
  /** Throws: the value of a field does not fit. */
  refuse(fieldIndex: number, value: unknown): never
  /** Throws: what should be the values is no object. */
  refuseRow(values: unknown): never
}

/** Takes a schema apart. `place` names the stream in errors. */
export function planRow(schema: StreamSchema, place: string): RowPlan {
  const shapes = schema.shapes
  return {
    shapes,
    codecs: shapes.map((shape) => fieldCodec(shape, `${place}.${shape.name}`)),
    refuse(fieldIndex, value) {
      const shape = assertDefined(shapes[fieldIndex], 'a refused field is one of the schema')
      const { path, found } = misfit(shape, value)
      const where = `${place}.${shape.name}${path}`
      throw new UsageError('VALUE_OUT_OF_RANGE', `${where} is declared ${kindText(shape)}, but is ${found}`, {
        path: where,
      })
    },
    refuseRow(values) {
      throw new UsageError(
        'VALUE_OUT_OF_RANGE',
        `the values for ${place} are ${values === null ? 'null' : typeof values}`,
        {
          path: place,
        },
      )
    },
  }
}

function kindText(shape: FieldShape): string {
  return `${shape.kind}${shape.list ? '[]' : ''}${shape.nullable ? ' | null' : ''}`
}
