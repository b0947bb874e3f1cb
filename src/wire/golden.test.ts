// Goal: bytes of every released version decode to what they meant, for ever, and this version writes the
// newest of them to the byte. Method: hex texts in test/fixtures/wire beside what is in them; a fixture is
// added, never edited.
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../test/fixtures/wire/crc32.ts'
import { isSame } from '../../test/fixtures/wire/is-same.ts'
import { v1 } from '../../test/fixtures/wire/v1.ts'
import type { FieldShape, StreamSchema } from '../topology/definition.ts'
import { AckBatchWriter, AckCursor, AckKind, FailCode } from './ack-batch.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import {
  CreditCursor,
  GoodbyeReason,
  readEcho,
  readEchoReply,
  readGoodbye,
  readHello,
  readWelcome,
  writeCredit,
  writeEcho,
  writeEchoReply,
  writeGoodbye,
  writeHello,
  writeWelcome,
} from './control-codec.ts'
import { beginFrame, endFrame, FrameKind } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { compileRowCodec } from './row-codec.ts'
import { TupleBatchWriter } from './tuple-batch-writer.ts'
import { TupleCursor } from './tuple-cursor.ts'
import { readValue } from './value-reader.ts'
import { ValueWriter } from './value-writer.ts'

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function unhex(text: string): Uint8Array {
  const digits = text.replace(/\s/g, '')
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  )
}

function field(name: string, kind: FieldShape['kind'], list = false, nullable = false): FieldShape {
  return { name, kind, list, nullable }
}

const shapes = [
  field('word', 'string'),
  field('count', 'int'),
  field('ratio', 'number', false, true),
  field('tags', 'string', true),
  field('id', 'bigint'),
  field('ok', 'boolean'),
  field('body', 'bytes'),
  field('any', 'value', false, true),
]
const schema: StreamSchema = { names: shapes.map((s) => s.name), shapes, validate: () => undefined }
const codec = compileRowCodec(schema, 'golden/rows')

const rows = [
  {
    word: 'data',
    count: -1,
    ratio: 0.5,
    tags: ['a', ''],
    id: 5n,
    ok: true,
    body: Uint8Array.of(1, 2),
    any: null,
  },
  {
    word: 'Grüße \uD800',
    count: 2 ** 40,
    ratio: null,
    tags: [],
    id: -(2n ** 70n),
    ok: false,
    body: new Uint8Array(0),
    any: -0,
  },
]

const values: readonly unknown[] = [
  [undefined, null, false, true, 0, 127, 128, -1, -0, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER],
  [0n, -(2n ** 64n), '', 'text', '日本', '\uDC00', 'x'.repeat(200), Uint8Array.of(255)],
  [
    new Date(1_600_000_000_000),
    new Date(Number.NaN),
    new Map<unknown, unknown>([['k', [1]]]),
    new Set([1, 'a']),
  ],
  JSON.parse('{"__proto__": {"x": 1}, "b": [{}], "a": {"constructor": null}}'),
  Object.assign(Object.create(null), { bare: true }),
]

const hello = {
  protocol: 1,
  topologyId: 'words-1',
  incarnation: 3,
  fromWorker: 'a:6700',
  toWorker: 'b:6701',
  token: 'secret',
  schemaFingerprint: '5e1f',
}

function framed(kind: FrameKind, body: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(4)
  const start = beginFrame(writer, kind, 7, 3)
  body(writer)
  endFrame(writer, start, crc32)
  return hex(writer.copy())
}

const bodies: Record<keyof typeof v1.frames, string> = {
  hello: framed(FrameKind.HELLO, (w) => writeHello(w, hello)),
  welcome: framed(FrameKind.WELCOME, (w) =>
    writeWelcome(w, { protocol: 1, incarnation: 9, lastSequence: 300 }),
  ),
  tuples: framed(FrameKind.TUPLES, writeTuples),
  acks: framed(FrameKind.ACKS, writeAcks),
  credit: framed(FrameKind.CREDIT, (w) => {
    writeCredit(w, 4, 65_536)
    writeCredit(w, 300, 1)
  }),
  echo: framed(FrameKind.ECHO, (w) => writeEcho(w, 200)),
  echoReply: framed(FrameKind.ECHO_REPLY, (w) => writeEchoReply(w, { token: 200, busyShare: undefined })),
  busyReply: framed(FrameKind.ECHO_REPLY, (w) => writeEchoReply(w, { token: 200, busyShare: 0.75 })),
  goodbye: framed(FrameKind.GOODBYE, (w) => writeGoodbye(w, { reason: GoodbyeReason.SHUTDOWN, text: 'bye' })),
}

function writeTuples(writer: ByteWriter): void {
  const batch = new TupleBatchWriter(writer, 10_000)
  batch.restart()
  for (const [index, values] of rows.entries()) {
    batch.begin(7, 2, 3, 1)
    batch.root(1, -2, 3 + index, -4, 9)
    batch.time(1000 + index)
    batch.row(codec, values)
    batch.end()
  }
  batch.begin(200, 2, 3, 2)
  batch.root(1, 2, 3, 4, 5)
  batch.root(6, 7, 8, 9, 10)
  batch.time(0.5)
  batch.rawRow(Uint8Array.of(1, 2, 3), 0, 3)
  batch.end()
  batch.begin(200, 0, 3, 0)
  batch.rawRow(new Uint8Array(0), 0, 0)
  batch.end()
}

function writeAcks(writer: ByteWriter): void {
  const batch = new AckBatchWriter(writer)
  batch.restart()
  batch.begin(AckKind.INIT, 9, 1, 2)
  batch.mixed(3, 4)
  batch.spout(6)
  batch.begin(AckKind.ACK, 9, 1, 2)
  batch.mixed(-3, -4)
  batch.begin(AckKind.FAIL, 9, 1, 2)
  batch.why(FailCode.ERROR, 'no such user')
  batch.begin(AckKind.RESET, 9, 1, 2)
  batch.begin(AckKind.DONE, 6, 1, 2)
  batch.begin(AckKind.FAILED, 6, 1, 2)
  batch.why(FailCode.TIMEOUT, undefined)
}

function open(text: string): FrameReader {
  const reader = new FrameReader(crc32, 1 << 20)
  reader.push(unhex(text))
  expect(reader.next()).toBe(true)
  expect([reader.sequence, reader.incarnation]).toEqual([7, 3])
  return reader
}

describe('version 1, as this build writes it', () => {
  for (const name of Object.keys(v1.frames) as (keyof typeof v1.frames)[]) {
    test(`frame ${name} is the fixture to the byte`, () => {
      expect(bodies[name]).toBe(v1.frames[name].replace(/\s/g, ''))
    })
  }
  test('values are the fixtures to the byte', () => {
    const writer = new ByteWriter()
    const written = values.map((value) => {
      writer.position = 0
      new ValueWriter().write(writer, value, 'golden')
      return hex(writer.copy())
    })
    expect(written).toEqual(v1.values.map((text) => text.replace(/\s/g, '')))
  })
})

describe('version 1, as every later build must read it', () => {
  test('values', () => {
    const back = v1.values.map((text) => readValue(new ByteReader().open(unhex(text))))
    expect(isSame(back, values)).toBe(true)
  })
  test('tuples', () => {
    const frame = open(v1.frames.tuples)
    const cursor = new TupleCursor()
    cursor.open(frame.bytes, frame.bodyStart, frame.bodyEnd)
    for (const [index, row] of rows.entries()) {
      expect(cursor.next()).toBe(true)
      const {
        targetTask,
        streamNumber,
        sourceTask,
        rootCount,
        rootLow,
        rootHigh,
        edgeLow,
        edgeHigh,
        ackerTask,
      } = cursor
      expect([targetTask, streamNumber, sourceTask, rootCount]).toEqual([7, 2, 3, 1])
      expect([rootLow, rootHigh, edgeLow, edgeHigh, ackerTask]).toEqual([1, -2, 3 + index, -4, 9])
      expect([cursor.hasTime, cursor.timeMs]).toEqual([true, 1000 + index])
      expect(isSame(cursor.row(codec), row)).toBe(true)
    }
    expect(cursor.next()).toBe(true)
    cursor.selectRoot(1)
    expect([cursor.targetTask, cursor.rootCount, cursor.rootLow, cursor.ackerTask]).toEqual([200, 2, 6, 10])
    expect([cursor.timeMs, cursor.rowEnd - cursor.rowStart]).toEqual([0.5, 3])
    expect(cursor.next()).toBe(true)
    expect([cursor.streamNumber, cursor.rootCount, cursor.hasTime]).toEqual([0, 0, false])
    expect(cursor.next()).toBe(false)
  })
  test('acks', () => {
    const frame = open(v1.frames.acks)
    const cursor = new AckCursor()
    cursor.open(frame.bytes, frame.bodyStart, frame.bodyEnd)
    const lines: string[] = []
    while (cursor.next()) {
      const { kind, targetTask, mixedLow, mixedHigh, spoutTask, reason, text } = cursor
      lines.push([kind, targetTask, mixedLow, mixedHigh, spoutTask, reason, text].join(' '))
    }
    const said = 'no such user'
    expect(lines).toEqual([
      '1 9 3 4 6 1 ',
      '2 9 -3 -4 6 1 ',
      `3 9 -3 -4 6 2 ${said}`,
      `4 9 -3 -4 6 2 ${said}`,
      `5 6 -3 -4 6 2 ${said}`,
      '6 6 -3 -4 6 3 ',
    ])
  })
  test('control frames', () => {
    const read = <T>(text: string, from: (bytes: Uint8Array, start: number, end: number) => T): T => {
      const frame = open(text)
      return from(frame.bytes, frame.bodyStart, frame.bodyEnd)
    }
    expect(read(v1.frames.hello, readHello)).toEqual(hello)
    expect(read(v1.frames.welcome, readWelcome)).toEqual({ protocol: 1, incarnation: 9, lastSequence: 300 })
    expect(read(v1.frames.echo, readEcho)).toBe(200)
    expect(read(v1.frames.echoReply, readEchoReply)).toEqual({ token: 200, busyShare: undefined })
    expect(read(v1.frames.busyReply, readEchoReply)).toEqual({ token: 200, busyShare: 0.75 })
    expect(read(v1.frames.goodbye, readGoodbye)).toEqual({ reason: 1, text: 'bye' })
    const frame = open(v1.frames.credit)
    const cursor = new CreditCursor()
    cursor.open(frame.bytes, frame.bodyStart, frame.bodyEnd)
    expect([cursor.next(), cursor.channel, cursor.sizeBytes]).toEqual([true, 4, 65_536])
    expect([cursor.next(), cursor.channel, cursor.sizeBytes, cursor.next()]).toEqual([true, 300, 1, false])
  })
})
