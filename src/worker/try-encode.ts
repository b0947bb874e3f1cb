/**
 * Finds out whether a link would take values, by encoding them if need be: so that a call is refused as a
 * whole, or not at all.
 */
import type { StreamRef } from '../flow/route/stream-ref.ts'
import type { AnyValues } from '../topology/tuple.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import { compileRowCodec, type RowCodec } from '../wire/row-codec.ts'

const START_BYTES = 4_096

/**
 * `tupleMaxBytes` is the limit of a tuple in a frame. The few bytes of its envelope are not counted here: a
 * tuple that fits without them and not with them is refused by the link alone.
 */
export function makeTryEncode(tupleMaxBytes: number): (ref: StreamRef, values: AnyValues) => void {
  const codecs: Array<RowCodec | undefined> = []
  const writer = new ByteWriter(START_BYTES, tupleMaxBytes)
  return (ref, values) => {
    let codec = codecs[ref.number]
    if (codec === undefined) {
      codec = compileRowCodec(ref.schema, `${ref.componentId}:${ref.streamId}`)
      codecs[ref.number] = codec
    }
    // What is surely small enough, and of its kind, need not be written twice.
    const sizeMost = codec.sizeMost(values)
    if (sizeMost >= 0 && sizeMost <= tupleMaxBytes) return
    writer.rollBack(0)
    codec.encode(writer, values)
  }
}
