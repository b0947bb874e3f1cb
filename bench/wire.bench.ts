/**
 * `node bench/wire.bench.ts`, or `npm run bench -- wire/`.
 *
 * What bytes cost on one core: tuples in batches, rows, texts, acks, values. `tuplesPerSecond` are
 * operations a second. The rivals: a row codec made of closures, and msgpackr for values of no known shape.
 */
import { crc32 } from 'node:zlib'
import { Packr } from 'msgpackr'
import type { FieldShape, StreamSchema } from '../src/topology/definition.ts'
import { AckBatchWriter, AckCursor, AckKind } from '../src/wire/ack-batch.ts'
import { ByteReader } from '../src/wire/byte-reader.ts'
import { ByteWriter } from '../src/wire/byte-writer.ts'
import { beginFrame, endFrame, FrameKind } from '../src/wire/frame.ts'
import { FrameReader } from '../src/wire/frame-reader.ts'
import { closureRowCodec, compileRowCodec, type RowCodec } from '../src/wire/row-codec.ts'
import { planRow } from '../src/wire/row-plan.ts'
import { TupleBatchWriter } from '../src/wire/tuple-batch-writer.ts'
import { TupleCursor } from '../src/wire/tuple-cursor.ts'
import { readValue } from '../src/wire/value-reader.ts'
import { ValueWriter } from '../src/wire/value-writer.ts'
import type { Case, Plan } from './case.ts'
import { drive } from './measure.ts'
import { runIfMain } from './run-if-main.ts'

/** Operations of one call of a work. */
const COUNT = 1000
const TEXT_LENGTHS = [5, 16, 32, 64, 128] as const

/**
 * What a case measures: `run` does COUNT operations and returns a number that keeps them from being left
 * out.
 */
interface Work {
  readonly run: () => number
  readonly bytesPerOperation?: number
}

const words = Array.from({ length: 2000 }, (_, i) => `word${(i * 7919) % 2000}`.slice(0, 3 + (i % 6)))
const rows = Array.from({ length: COUNT }, (_, i) => ({ word: words[i] ?? '', count: (i * 31) % 3000 }))
const ids = Int32Array.from({ length: COUNT * 4 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) ^ (i << 7))

function schemaOf(kinds: Readonly<Record<string, FieldShape['kind']>>): StreamSchema {
  const shapes = Object.entries(kinds).map(([name, kind]) => ({ name, kind, list: false, nullable: false }))
  return { names: Object.keys(kinds), shapes, validate: () => undefined }
}

const schema = schemaOf({ word: 'string', count: 'int' })

/** Bytes are quicker to measure than topologies: shorter windows, so that all cases together stay short. */
function wireCase(name: string, what: string, make: () => Work): Case {
  const run = async (plan: Plan) => {
    const work = make()
    let operations = 0
    let sink = 0
    const figures = drive(
      {
        unit: 'operations',
        count: () => (sink === 0.5 ? 0 : operations),
        turn() {
          for (let i = 0; i < 10; i += 1) sink += work.run()
          operations += 10 * COUNT
        },
      },
      { ...plan, warmMs: plan.warmMs / 5, windowMs: plan.windowMs / 6 },
    )
    const { bytesPerOperation } = work
    return bytesPerOperation === undefined
      ? figures
      : { ...figures, more: { ...figures.more, bytesPerOperation: Number(bytesPerOperation.toPrecision(3)) } }
  }
  return { name, what, run }
}

function writeBatch(writer: ByteWriter, codec: RowCodec, rootEvery: number): number {
  const batch = new TupleBatchWriter(writer, 4 * 1024 * 1024)
  writer.position = 0
  const start = beginFrame(writer, FrameKind.TUPLES, 1, 1)
  batch.restart()
  for (let i = 0; i < COUNT; i += 1) {
    const at = (i - (i % rootEvery)) * 4
    batch.begin(7 + (i & 3), 2, 3, 1)
    batch.root(ids[at] ?? 0, ids[at + 1] ?? 0, ids[i * 4 + 2] ?? 0, ids[i * 4 + 3] ?? 0, 12)
    const row = rows[i]
    if (row !== undefined) batch.row(codec, row)
    batch.end()
  }
  endFrame(writer, start, crc32)
  return writer.position
}

function encodeTuples(rootEvery: number): Work {
  const writer = new ByteWriter()
  const codec = compileRowCodec(schema, 'bench/words')
  const run = () => writeBatch(writer, codec, rootEvery)
  return { run, bytesPerOperation: run() / COUNT }
}

function decodeTuples(isRowRead: boolean): Work {
  const writer = new ByteWriter()
  const codec = compileRowCodec(schema, 'bench/words')
  writeBatch(writer, codec, 1)
  const frame = writer.copy()
  const frames = new FrameReader(crc32, 1 << 20)
  const cursor = new TupleCursor()
  const run = () => {
    let sum = 0
    frames.push(frame)
    while (frames.next()) {
      cursor.open(frames.bytes, frames.bodyStart, frames.bodyEnd)
      while (cursor.next()) {
        sum += cursor.rootLow ^ cursor.rowEnd
        if (isRowRead && cursor.row(codec)['count'] === 3) sum += 1
      }
    }
    return sum
  }
  return { run }
}

function encodeRows(codec: RowCodec): Work {
  const writer = new ByteWriter()
  const run = () => {
    writer.position = 0
    for (const row of rows) codec.encode(writer, row)
    return writer.position
  }
  return { run, bytesPerOperation: run() / COUNT }
}

function decodeRows(codec: RowCodec): Work {
  const writer = new ByteWriter()
  for (const row of rows) codec.encode(writer, row)
  const bytes = writer.copy()
  const reader = new ByteReader()
  const run = () => {
    let sum = 0
    reader.open(bytes)
    for (let i = 0; i < COUNT; i += 1) if (codec.decode(reader)['count'] === 3) sum += 1
    return sum
  }
  return { run }
}

const generated = () => compileRowCodec(schema, 'bench/words')
const closures = () => closureRowCodec(planRow(schema, 'bench/words'))

function textsOf(length: number): readonly string[] {
  return Array.from({ length: COUNT }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(length))
}

function encodeTexts(length: number): Work {
  const texts = textsOf(length)
  const writer = new ByteWriter()
  const run = () => {
    writer.position = 0
    for (const text of texts) writer.text(text)
    return writer.position
  }
  return { run }
}

function decodeTexts(length: number): Work {
  const writer = new ByteWriter()
  for (const text of textsOf(length)) writer.text(text)
  const bytes = writer.copy()
  const reader = new ByteReader()
  const run = () => {
    let sum = 0
    reader.open(bytes)
    for (let i = 0; i < COUNT; i += 1) sum += reader.text().length
    return sum
  }
  return { run }
}

function writeAcks(batch: AckBatchWriter, writer: ByteWriter): number {
  writer.position = 0
  batch.restart()
  for (let i = 0; i < COUNT; i += 1) {
    batch.begin(AckKind.ACK, 12, ids[i * 4] ?? 0, ids[i * 4 + 1] ?? 0)
    batch.mixed(ids[i * 4 + 2] ?? 0, ids[i * 4 + 3] ?? 0)
  }
  return writer.position
}

function encodeAcks(): Work {
  const writer = new ByteWriter()
  const batch = new AckBatchWriter(writer)
  const run = () => writeAcks(batch, writer)
  return { run, bytesPerOperation: run() / COUNT }
}

function decodeAcks(): Work {
  const writer = new ByteWriter()
  writeAcks(new AckBatchWriter(writer), writer)
  const bytes = writer.copy()
  const cursor = new AckCursor()
  const run = () => {
    let sum = 0
    cursor.open(bytes, 0, bytes.length)
    while (cursor.next()) sum += cursor.mixedLow
    return sum
  }
  return { run }
}

const orders = Array.from({ length: COUNT }, (_, i) => ({
  id: `order-${i}`,
  user: words[i],
  total: i * 1.5,
  items: [
    { sku: 'a1', count: i % 7 },
    { sku: 'b2', count: 1 },
  ],
  paid: i % 2 === 0,
}))

function encodeValues(): Work {
  const writer = new ByteWriter()
  const values = new ValueWriter()
  const run = () => {
    writer.position = 0
    for (const order of orders) values.write(writer, order, 'bench.order')
    return writer.position
  }
  return { run, bytesPerOperation: run() / COUNT }
}

function decodeValues(): Work {
  const writer = new ByteWriter()
  const values = new ValueWriter()
  for (const order of orders) values.write(writer, order, 'bench.order')
  const bytes = writer.copy()
  const reader = new ByteReader()
  const run = () => {
    let sum = 0
    reader.open(bytes)
    for (let i = 0; i < COUNT; i += 1) if (readValue(reader) !== undefined) sum += 1
    return sum
  }
  return { run }
}

/** What ours can do as well: more types, and big numbers that stay whole. */
const rival = () => new Packr({ useRecords: false, moreTypes: true, largeBigIntToString: true })

function packValues(): Work {
  const packr = rival()
  const run = () => orders.reduce((sum, order) => sum + packr.pack(order).length, 0)
  return { run, bytesPerOperation: run() / COUNT }
}

function unpackValues(): Work {
  const packr = rival()
  const packed = orders.map((order) => packr.pack(order))
  const run = () => packed.reduce((sum, one) => sum + (packr.unpack(one) === undefined ? 0 : 1), 0)
  return { run }
}

export const wireCases: readonly Case[] = [
  wireCase('wire/tuples-encode', 'tuples with a root each, framed', () => encodeTuples(1)),
  wireCase('wire/tuples-encode-8-a-root', 'eight tuples to a root, framed', () => encodeTuples(8)),
  wireCase('wire/tuples-decode', 'the same back, rows too', () => decodeTuples(true)),
  wireCase('wire/tuples-routed', 'the same back, rows not looked into', () => decodeTuples(false)),
  wireCase('wire/row-encode', 'row of a text and a number, generated codec', () => encodeRows(generated())),
  wireCase('wire/row-decode', 'the same back', () => decodeRows(generated())),
  wireCase('wire/row-encode-closures', 'row codec of closures', () => encodeRows(closures())),
  wireCase('wire/row-decode-closures', 'the same back', () => decodeRows(closures())),
  ...TEXT_LENGTHS.flatMap((length) => [
    wireCase(`wire/text-${length}-encode`, `texts of ${length} letters`, () => encodeTexts(length)),
    wireCase(`wire/text-${length}-decode`, 'the same back', () => decodeTexts(length)),
  ]),
  wireCase('wire/acks-encode', 'acks in a batch', encodeAcks),
  wireCase('wire/acks-decode', 'the same back', decodeAcks),
  wireCase('wire/value-encode', 'nested object of no known shape', encodeValues),
  wireCase('wire/value-decode', 'the same back', decodeValues),
  wireCase('wire/value-encode-msgpackr', 'the same by msgpackr', packValues),
  wireCase('wire/value-decode-msgpackr', 'the same back by msgpackr', unpackValues),
]

await runIfMain(import.meta.url, wireCases)
