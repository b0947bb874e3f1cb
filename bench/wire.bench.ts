/**
 * What bytes cost: rows, batches, values, each as operations a second of one core, best of several rounds.
 *
 * Run: `node bench/wire.bench.ts [name …]`. Absolute figures are one machine's; read them against the loop
 * `bare`, which writes and reads the same bytes by hand in the same run.
 */
import { crc32 } from 'node:zlib'
import { Packr } from 'msgpackr'
import type { FieldShape, StreamSchema } from '../src/topology/definition.ts'
import { AckBatchWriter, AckCursor, AckKind } from '../src/wire/ack-batch.ts'
import { ByteReader } from '../src/wire/byte-reader.ts'
import { ByteWriter } from '../src/wire/byte-writer.ts'
import { beginFrame, endFrame, FrameKind } from '../src/wire/frame.ts'
import { FrameReader } from '../src/wire/frame-reader.ts'
import { closureRowCodec, compileRowCodec } from '../src/wire/row-codec.ts'
import { planRow } from '../src/wire/row-plan.ts'
import { TupleBatchWriter } from '../src/wire/tuple-batch-writer.ts'
import { TupleCursor } from '../src/wire/tuple-cursor.ts'
import { readValue } from '../src/wire/value-reader.ts'
import { ValueWriter } from '../src/wire/value-writer.ts'

const ROUNDS = 12
const COUNT = 1000
const wanted = process.argv.slice(2)

function schemaOf(fields: Readonly<Record<string, FieldShape['kind']>>): StreamSchema {
  const shapes = Object.entries(fields).map(([name, kind]) => ({ name, kind, list: false, nullable: false }))
  return { names: Object.keys(fields), shapes, validate: () => undefined }
}

/** Runs `work` (COUNT operations a call) long enough and prints the best round. */
function measure(name: string, work: () => void): number {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) return 0
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    let calls = 0
    while (performance.now() - start < 100) {
      for (let i = 0; i < 20; i++) work()
      calls += 20
    }
    best = Math.max(best, (calls * COUNT) / (performance.now() - start) / 1000)
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(1).padStart(7)} M/s`)
  return best
}

const words = Array.from({ length: 2000 }, (_, i) => `word${(i * 7919) % 2000}`.slice(0, 3 + (i % 6)))
const ids = new Int32Array(COUNT * 4)
for (let i = 0; i < ids.length; i++) ids[i] = Math.imul(i + 1, 0x9e3779b1) ^ (i << 7)
const rows = Array.from({ length: COUNT }, (_, i) => ({
  word: words[i % 2000] ?? '',
  count: (i * 31) % 3000,
}))
const schema = schemaOf({ word: 'string', count: 'int' })
const codec = compileRowCodec(schema, 'bench/words')
const closures = closureRowCodec(planRow(schema, 'bench/words'))
const writer = new ByteWriter()
const reader = new ByteReader()
let sink = 0

function writeBatch(batch: TupleBatchWriter, rootEvery: number): void {
  writer.position = 0
  const start = beginFrame(writer, FrameKind.TUPLES, 1, 1)
  batch.restart()
  for (let i = 0; i < COUNT; i++) {
    const at = rootEvery === 1 ? i * 4 : (i - (i % rootEvery)) * 4
    batch.begin(7 + (i & 3), 2, 3, 1)
    batch.root(ids[at] ?? 0, ids[at + 1] ?? 0, ids[i * 4 + 2] ?? 0, ids[i * 4 + 3] ?? 0, 12)
    const row = rows[i]
    if (row !== undefined) batch.row(codec, row)
    batch.end()
  }
  endFrame(writer, start, crc32)
}

function benchTuples(): void {
  const batch = new TupleBatchWriter(writer, 4 * 1024 * 1024)
  measure('tuples encode: one root each, framed', () => writeBatch(batch, 1))
  measure('tuples encode: eight to a root, framed', () => writeBatch(batch, 8))
  writeBatch(batch, 1)
  const frame = writer.copy()
  console.log(`${''.padEnd(44)} ${(frame.length / COUNT).toFixed(1).padStart(7)} bytes a tuple`)
  const frames = new FrameReader(crc32, 1 << 20)
  const cursor = new TupleCursor()
  measure('tuples decode: one root each, framed', () => {
    frames.push(frame)
    while (frames.next()) {
      cursor.open(frames.bytes, frames.bodyStart, frames.bodyEnd)
      while (cursor.next()) {
        const values = cursor.row(codec)
        sink += cursor.rootLow ^ cursor.edgeHigh ^ (values['count'] === 3 ? 1 : 0)
      }
    }
  })
  measure('tuples routed: rows not decoded', () => {
    frames.push(frame)
    while (frames.next()) {
      cursor.open(frames.bytes, frames.bodyStart, frames.bodyEnd)
      while (cursor.next()) sink += cursor.rootLow ^ cursor.rowEnd
    }
  })
}

function benchRows(): void {
  for (const [name, one] of [
    ['generated', codec],
    ['closures', closures],
  ] as const) {
    measure(`row encode: ${name}`, () => {
      writer.position = 0
      for (const row of rows) one.encode(writer, row)
    })
    writer.position = 0
    for (const row of rows) one.encode(writer, row)
    const bytes = writer.copy()
    measure(`row decode: ${name}`, () => {
      reader.open(bytes)
      for (let i = 0; i < COUNT; i++) sink += one.decode(reader)['count'] === 3 ? 1 : 0
    })
  }
}

function benchTexts(): void {
  for (const length of [5, 16, 32, 48, 64, 128]) {
    const texts = Array.from({ length: COUNT }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(length))
    measure(`text ${length} encode`, () => {
      writer.position = 0
      for (const text of texts) writer.text(text)
    })
    writer.position = 0
    for (const text of texts) writer.text(text)
    const bytes = writer.copy()
    measure(`text ${length} decode`, () => {
      reader.open(bytes)
      for (let i = 0; i < COUNT; i++) sink += reader.text().length
    })
  }
}

function benchAcks(): void {
  const batch = new AckBatchWriter(writer)
  const write = (): void => {
    writer.position = 0
    batch.restart()
    for (let i = 0; i < COUNT; i++) {
      batch.begin(AckKind.ACK, 12, ids[i * 4] ?? 0, ids[i * 4 + 1] ?? 0)
      batch.mixed(ids[i * 4 + 2] ?? 0, ids[i * 4 + 3] ?? 0)
    }
  }
  measure('acks encode', write)
  write()
  const bytes = writer.copy()
  const cursor = new AckCursor()
  measure('acks decode', () => {
    cursor.open(bytes, 0, bytes.length)
    while (cursor.next()) sink += cursor.mixedLow
  })
}

function benchValues(): void {
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
  const values = new ValueWriter()
  measure('value encode: order, own', () => {
    writer.position = 0
    for (const order of orders) values.write(writer, order, 'bench.order')
  })
  writer.position = 0
  for (const order of orders) values.write(writer, order, 'bench.order')
  const bytes = writer.copy()
  console.log(`${''.padEnd(44)} ${(bytes.length / COUNT).toFixed(1).padStart(7)} bytes an order`)
  measure('value decode: order, own', () => {
    reader.open(bytes)
    for (let i = 0; i < COUNT; i++) sink += readValue(reader) === undefined ? 1 : 0
  })
  for (const [name, packr] of [
    ['msgpackr maps', new Packr({ useRecords: false })],
    ['msgpackr exact options', new Packr({ useRecords: false, moreTypes: true, largeBigIntToString: true })],
    ['msgpackr records', new Packr()],
  ] as const) {
    measure(`value encode: order, ${name}`, () => {
      for (const order of orders) sink += packr.pack(order).length
    })
    const packed = orders.map((order) => packr.pack(order))
    measure(`value decode: order, ${name}`, () => {
      for (const one of packed) sink += packr.unpack(one) === undefined ? 1 : 0
    })
  }
}

benchTuples()
benchRows()
benchTexts()
benchAcks()
benchValues()
if (sink === 42.5) console.log(sink)
