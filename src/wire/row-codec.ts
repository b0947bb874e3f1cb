/**
 * Rows: the values of a tuple as bytes, compiled from the schema of its stream.
 *
 * Route:   tuple-batch-writer.ts and tuple-cursor.ts call it → field-codec.ts, ByteWriter, ByteReader.
 * Touches: nothing outside. Made once per stream and process, used millions of times.
 *
 *   row = nulls: 1 bit per nullable field in declared order, low bit first, 1 = null; none, no byte
 *         then every field that is not null, in declared order, as in field-codec.ts
 *
 * Invariants
 *   R1  encode leaves the writer where it was if it throws.
 *   R2  decode(encode(x)) has the fields of x by `Object.is`, and no others.
 */
import type { StreamSchema } from '../topology/definition.ts'
import type { ByteWriter } from './byte-writer.ts'
import { generateRowCodec } from './compile.ts'
import { planRow, type RowCodec, type RowPlan, type Values } from './row-plan.ts'
import { setOwn } from './value-reader.ts'

export type { RowCodec } from './row-plan.ts'

/** The codec of a stream. `place` names the stream in errors, for example `split/words`. */
export function compileRowCodec(schema: StreamSchema, place: string): RowCodec {
  const plan = planRow(schema, place)
  return generateRowCodec(plan) ?? closureRowCodec(plan)
}

/** Two streams with the same signature have the same bytes. For the fingerprint of the handshake. */
export function rowSignature(schema: StreamSchema): string {
  return JSON.stringify(schema.shapes.map((s) => [s.name, s.kind, s.list, s.nullable]))
}

/** The form for processes that forbid making code from text; slower (bench/wire.bench.ts), same bytes. */
export function closureRowCodec(plan: RowPlan): RowCodec {
  const { shapes, codecs } = plan
  const nullable = shapes.filter((shape) => shape.nullable).length
  const nullBytes = (nullable + 7) >> 3

  function write(writer: ByteWriter, values: Values): void {
    const nullsAt = writer.position
    for (let index = 0; index < nullBytes; index++) writer.byte(0)
    let bit = 0
    for (let index = 0; index < shapes.length; index++) {
      const shape = shapes[index]
      const codec = codecs[index]
      if (shape === undefined || codec === undefined) continue
      const value = values[shape.name]
      if (shape.nullable) {
        const at = nullsAt + (bit >> 3)
        const mask = 1 << (bit & 7)
        bit += 1
        if (value === null) {
          writer.bytes[at] = (writer.bytes[at] ?? 0) | mask
          continue
        }
      }
      if (!codec.tryWrite(writer, value)) plan.refuse(index, value)
    }
  }

  return {
    encode(writer, values) {
      if (typeof values !== 'object' || values === null) plan.refuseRow(values)
      const mark = writer.position
      try {
        write(writer, values)
      } catch (error) {
        writer.rollBack(mark)
        throw error
      }
    },
    sizeMost: (values) => sizeMost(plan, values),
    decode(reader) {
      const nulls: number[] = []
      for (let index = 0; index < nullBytes; index++) nulls.push(reader.byte())
      const values: Record<string, unknown> = {}
      let bit = 0
      for (let index = 0; index < shapes.length; index++) {
        const shape = shapes[index]
        const codec = codecs[index]
        if (shape === undefined || codec === undefined) continue
        let isNull = false
        if (shape.nullable) {
          isNull = (((nulls[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1
          bit += 1
        }
        setOwn(values, shape.name, isNull ? null : codec.read(reader))
      }
      return values
    },
  }
}

function sizeMost({ shapes, codecs }: RowPlan, values: Values): number {
  if (typeof values !== 'object' || values === null) return -1
  let size = (shapes.filter((shape) => shape.nullable).length + 7) >> 3
  for (const [index, shape] of shapes.entries()) {
    const value = values[shape.name]
    if (shape.nullable && value === null) continue
    const fieldSize = codecs[index]?.sizeMost(value) ?? -1
    if (fieldSize < 0) return -1
    size += fieldSize
  }
  return size
}
