/**
 * Row codecs of a topology's streams, made when first used, and the fingerprint that stands for all of them.
 */
import { hashText } from '../base/hash.ts'
import type { StreamRef } from '../flow/route/stream-ref.ts'
import { compileRowCodec, type RowCodec, rowSignature } from '../wire/row-codec.ts'

export class Codecs {
  readonly fingerprint: string
  private readonly streams: readonly StreamRef[]
  private readonly byNumber: Array<RowCodec | undefined>

  constructor(streams: readonly StreamRef[]) {
    this.streams = streams
    this.byNumber = streams.map(() => undefined)
    this.fingerprint = fingerprintOf(streams)
  }

  /** HOT. undefined: there is no such stream. */
  find(number: number): RowCodec | undefined {
    return this.byNumber[number] ?? this.make(number)
  }

  private make(number: number): RowCodec | undefined {
    const stream = this.streams[number]
    if (stream === undefined) return undefined
    const codec = compileRowCodec(stream.schema, `${stream.componentId}/${stream.streamId}`)
    this.byNumber[number] = codec
    return codec
  }
}

/**
 * Equal for equal names, numbers and schemas of all streams. 64 bits: against mistakes, not against forgers.
 */
function fingerprintOf(streams: readonly StreamRef[]): string {
  const text = streams
    .map((stream) => JSON.stringify([stream.componentId, stream.streamId, rowSignature(stream.schema)]))
    .join('\n')
  return [`1 ${text}`, `2 ${text}`]
    .map((each) => (hashText(each) >>> 0).toString(16).padStart(8, '0'))
    .join('')
}
