/** Valid frames of every kind, made by hand from numbers: what fuzzing begins with. */
import { crc32 } from 'node:zlib'
import type { SeededRandom } from '../../../src/base/random.ts'
import { Codecs } from '../../../src/messaging/codecs.ts'
import { ControlFrames } from '../../../src/messaging/control-frames.ts'
import { AckBatchWriter, AckKind, FailCode } from '../../../src/wire/ack-batch.ts'
import { ByteWriter } from '../../../src/wire/byte-writer.ts'
import type { Hello } from '../../../src/wire/control-codec.ts'
import { beginFrame, endFrame, FrameKind, stampFrame } from '../../../src/wire/frame.ts'
import { compileRowCodec } from '../../../src/wire/row-codec.ts'
import { TupleBatchWriter } from '../../../src/wire/tuple-batch-writer.ts'
import { schemaOf, streams } from '../office-world.ts'

export const checksum = (bytes: Uint8Array): number => crc32(bytes)
export const control = new ControlFrames(checksum)
const plain = compileRowCodec(schemaOf({ n: 'int', text: 'string' }), 'fuzz')
const loose = compileRowCodec(schemaOf({ any: 'value' }), 'fuzz')
const fingerprint = new Codecs(streams).fingerprint
const writer = new ByteWriter()

export const TOKEN = 'secret'
export const OURS = 1

/** Of worker 1, to worker 2. */
export function helloOf(incarnation: number, more: Partial<Hello> = {}): Uint8Array {
  const hello: Hello = {
    protocol: 1,
    topologyId: 'words',
    incarnation,
    fromWorker: '1',
    toWorker: '2',
    token: TOKEN,
    schemaFingerprint: fingerprint,
    ...more,
  }
  return control.hello({ sequence: 0, incarnation: 0 }, hello)
}

/** A batch whose tuples carry the numbers from `first` on. */
export function tuplesOf(sequence: number, first: number, count: number, random: SeededRandom): Uint8Array {
  writer.rollBack(0)
  beginFrame(writer, FrameKind.TUPLES, sequence, OURS)
  const batch = new TupleBatchWriter(writer, 10_000)
  batch.restart()
  for (let n = first; n < first + count; n += 1) {
    const roots = random.below(3)
    batch.begin(201 + random.below(2), 0, 101, roots)
    for (let root = 0; root < roots; root += 1) batch.root(n, root, n, ~n, 205)
    if (random.chance(0.2)) batch.time(1_000 + n)
    batch.row(plain, { n, text: 'x'.repeat(random.below(20)) })
    batch.end()
  }
  endFrame(writer, 0, checksum)
  return writer.copy()
}

/** A batch of free-form values: what reads most from bytes. */
export function valuesOf(sequence: number, random: SeededRandom): Uint8Array {
  writer.rollBack(0)
  beginFrame(writer, FrameKind.TUPLES, sequence, OURS)
  const batch = new TupleBatchWriter(writer, 10_000)
  batch.restart()
  batch.begin(201, 1, 101, 0)
  const any = {
    list: [1, -0, null, 'é', 7n ** 30n],
    bytes: new Uint8Array(random.below(9)),
    when: { at: 0.5 },
  }
  batch.row(loose, { any })
  batch.end()
  endFrame(writer, 0, checksum)
  return writer.copy()
}

export function acksOf(sequence: number, random: SeededRandom): Uint8Array {
  writer.rollBack(0)
  beginFrame(writer, FrameKind.ACKS, sequence, OURS)
  const batch = new AckBatchWriter(writer)
  batch.restart()
  for (let n = 1 + random.below(5); n > 0; n -= 1) {
    batch.begin(AckKind.ACK, 205, n, random.below(1_000))
    batch.mixed(n, -n)
  }
  batch.begin(AckKind.INIT, 205, 5, 6)
  batch.mixed(7, 8)
  batch.spout(101)
  batch.begin(AckKind.FAILED, 205, 9, 10)
  batch.why(FailCode.ERROR, 'text', 'split')
  endFrame(writer, 0, checksum)
  return writer.copy()
}

/** The same body under another number, whole again. */
export function restamped(frame: Uint8Array, sequence: number, incarnation = OURS): Uint8Array {
  const copy = frame.slice()
  if (copy.length >= 18) stampFrame(copy, sequence, incarnation, checksum)
  return copy
}
