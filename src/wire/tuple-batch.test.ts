// Goal: a batch gives back every tuple as it was put in, whatever it shares with the one before; a refused
// tuple leaves no trace; damaged batches end in a typed error. Method: a model (plain objects) beside the
// writer and cursor.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../base/errors.ts'
import type { StreamSchema } from '../topology/definition.ts'
import { ByteWriter } from './byte-writer.ts'
import { compileRowCodec } from './row-codec.ts'
import { TupleBatchWriter } from './tuple-batch-writer.ts'
import { TupleCursor } from './tuple-cursor.ts'

interface Root {
  readonly low: number
  readonly high: number
  readonly edgeLow: number
  readonly edgeHigh: number
  readonly acker: number
}
interface Model {
  readonly target: number
  readonly stream: number
  readonly source: number
  readonly roots: readonly Root[]
  readonly timeMs: number | undefined
  readonly word: string
}

const schema: StreamSchema = {
  names: ['word'],
  shapes: [{ name: 'word', kind: 'string', list: false, nullable: false }],
  validate: () => undefined,
}
const codec = compileRowCodec(schema, 'split/words')
const TUPLE_MAX = 4096

function append(batch: TupleBatchWriter, tuple: Model): number {
  batch.begin(tuple.target, tuple.stream, tuple.source, tuple.roots.length)
  for (const r of tuple.roots) batch.root(r.low, r.high, r.edgeLow, r.edgeHigh, r.acker)
  if (tuple.timeMs !== undefined) batch.time(tuple.timeMs)
  batch.row(codec, { word: tuple.word })
  return batch.end()
}

function write(tuples: readonly Model[]): Uint8Array {
  const writer = new ByteWriter(4)
  const batch = new TupleBatchWriter(writer, TUPLE_MAX)
  batch.restart()
  for (const tuple of tuples) append(batch, tuple)
  expect(batch.count).toBe(tuples.length)
  return writer.copy()
}

function current(cursor: TupleCursor): Model {
  const roots: Root[] = []
  for (let index = 0; index < cursor.rootCount; index++) {
    cursor.selectRoot(index)
    roots.push({
      low: cursor.rootLow,
      high: cursor.rootHigh,
      edgeLow: cursor.edgeLow,
      edgeHigh: cursor.edgeHigh,
      acker: cursor.ackerTask,
    })
  }
  return {
    target: cursor.targetTask,
    stream: cursor.streamNumber,
    source: cursor.sourceTask,
    roots,
    timeMs: cursor.hasTime ? cursor.timeMs : undefined,
    word: String(cursor.row(codec)['word']),
  }
}

function read(bytes: Uint8Array): Model[] {
  const cursor = new TupleCursor()
  cursor.open(bytes, 0, bytes.length)
  const tuples: Model[] = []
  while (cursor.next()) tuples.push(current(cursor))
  return tuples
}

function one(changes: Partial<Model> = {}): Model {
  const roots = [{ low: 1, high: -2, edgeLow: 3, edgeHigh: -4, acker: 9 }]
  return { target: 7, stream: 2, source: 3, roots, timeMs: undefined, word: 'data', ...changes }
}

// Few different numbers, so that neighbours often share some.
const half = fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31))
const task = fc.constantFrom(0, 1, 2, 127, 128, 70_000)
const root = fc.record(
  { low: half, high: half, edgeLow: fc.integer(), edgeHigh: fc.integer(), acker: task },
  { noNullPrototype: true },
)
const time = fc.oneof(
  fc.constant(undefined),
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    -0,
    0.5,
    Number.NaN,
    Infinity,
    2 ** 53,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ),
)
const model: fc.Arbitrary<Model> = fc.record(
  {
    target: task,
    stream: task,
    source: task,
    roots: fc.oneof(
      { weight: 4, arbitrary: fc.array(root, { minLength: 1, maxLength: 1 }) },
      fc.array(root, { maxLength: 20 }),
    ),
    timeMs: time,
    word: fc.oneof(
      fc.constantFrom('', 'data', 'x'.repeat(122), 'y'.repeat(127), 'z'.repeat(500)),
      fc.string(),
    ),
  },
  { noNullPrototype: true },
)

describe('a batch', () => {
  test('gives back any tuples in their order', () => {
    fc.assert(
      fc.property(fc.array(model, { maxLength: 12 }), (tuples) => {
        expect(read(write(tuples))).toStrictEqual(tuples)
      }),
      { numRuns: 400 },
    )
  })
  test('spends 9 bytes and the row on the second tuple of a root, 18 and the row on the next root', () => {
    const row = 5
    const next = one({ roots: [{ low: 5, high: 5, edgeLow: 1, edgeHigh: 1, acker: 9 }] })
    const first = write([one()]).length
    expect(write([one(), one()]).length - first).toBe(1 + 8 + 1 + row)
    expect(write([one(), next]).length - first).toBe(1 + 16 + 1 + row)
  })
  test('adds up to its sizes', () => {
    const writer = new ByteWriter(4)
    const batch = new TupleBatchWriter(writer, TUPLE_MAX)
    batch.restart()
    const sizes = [one(), one({ word: 'x'.repeat(300) }), one({ timeMs: 5 })].map((tuple) =>
      append(batch, tuple),
    )
    const cursor = new TupleCursor()
    cursor.open(writer.bytes, 0, writer.position)
    for (const size of sizes) expect(cursor.next() && cursor.sizeBytes === size).toBe(true)
    expect(sizes.reduce((a, b) => a + b)).toBe(writer.position)
  })
  test('takes a row over as bytes, for tuples that only pass through and those that go to many', () => {
    const source = write([one({ word: 'x'.repeat(200) }), one({ word: 'b' })])
    const cursor = new TupleCursor()
    cursor.open(source, 0, source.length)
    const writer = new ByteWriter(4)
    const batch = new TupleBatchWriter(writer, TUPLE_MAX)
    batch.restart()
    while (cursor.next()) {
      batch.begin(50, 2, 3, 0)
      batch.rawRow(cursor.bytes, cursor.rowStart, cursor.rowEnd)
      batch.end()
      batch.begin(51, 2, 3, 0)
      batch.rawRow(writer.bytes, batch.rowStart, batch.rowEnd)
      batch.end()
    }
    const words = read(writer.copy()).map((tuple) => `${tuple.target} ${tuple.word.length}`)
    expect(words).toEqual(['50 200', '51 200', '50 1', '51 1'])
  })
  test('starts anew after restart: nothing is remembered from the batch before', () => {
    const writer = new ByteWriter(4)
    const batch = new TupleBatchWriter(writer, TUPLE_MAX)
    append(batch, one({ timeMs: 1000 }))
    writer.position = 0
    batch.restart()
    append(batch, one({ timeMs: 1000 }))
    expect(read(writer.copy())).toStrictEqual([one({ timeMs: 1000 })])
  })
})

describe('a refused tuple', () => {
  const refusals: [string, string, (batch: TupleBatchWriter) => void][] = [
    ['whose row does not fit', 'VALUE_OUT_OF_RANGE', (batch) => batch.row(codec, { word: 5 })],
    [
      'that is too large as it grows',
      'TUPLE_TOO_LARGE',
      (batch) => batch.row(codec, { word: 'x'.repeat(50_000) }),
    ],
    [
      'that is one byte too large',
      'TUPLE_TOO_LARGE',
      (batch) => {
        batch.row(codec, { word: 'x'.repeat(TUPLE_MAX) })
        batch.end()
      },
    ],
    [
      'whose copied row is too large',
      'TUPLE_TOO_LARGE',
      (batch) => {
        batch.rawRow(new Uint8Array(TUPLE_MAX), 0, TUPLE_MAX)
        batch.end()
      },
    ],
  ]
  for (const [name, code, refuse] of refusals) {
    test(`${name} leaves its neighbours as they are`, () => {
      const writer = new ByteWriter(64)
      const batch = new TupleBatchWriter(writer, TUPLE_MAX)
      // Alike in all to the refused one: had that left a trace, this would lean on it.
      const later: Model = {
        target: 99,
        stream: 98,
        source: 97,
        roots: [{ low: 96, high: 95, edgeLow: 94, edgeHigh: 93, acker: 92 }],
        timeMs: 1e9,
        word: 'data',
      }
      batch.restart()
      append(batch, one({ timeMs: 5 }))
      batch.begin(99, 98, 97, 1)
      batch.root(96, 95, 94, 93, 92)
      batch.time(1e9)
      expect(() => refuse(batch)).toThrow(expect.objectContaining({ code }))
      append(batch, later)
      expect(read(writer.copy())).toStrictEqual([one({ timeMs: 5 }), later])
      expect(batch.count).toBe(2)
    })
  }
  test('leaves the writer its own limit', () => {
    const writer = new ByteWriter(4, 100_000)
    const batch = new TupleBatchWriter(writer, 50)
    batch.restart()
    batch.begin(1, 1, 1, 0)
    expect(() => batch.row(codec, { word: 'x'.repeat(1000) })).toThrow()
    expect(writer.sizeBytesMax).toBe(100_000)
    append(batch, one())
    expect(writer.sizeBytesMax).toBe(100_000)
  })
  test('of just the largest size is none', () => {
    const writer = new ByteWriter(4)
    const batch = new TupleBatchWriter(writer, 5)
    batch.begin(0, 0, 0, 0)
    batch.row(codec, { word: 'ab' })
    expect(batch.end()).toBe(5)
  })
})

describe('damage', () => {
  const bytes = write([
    one(),
    one(),
    one({ timeMs: 5 }),
    one({ timeMs: 0.5, word: 'x'.repeat(200) }),
    one({ roots: [one().roots, one().roots].flat() }),
    one({ roots: [], target: 300 }),
  ])

  function outcome(damaged: Uint8Array): 'tuples' | 'malformed' {
    try {
      read(damaged)
      return 'tuples'
    } catch (error) {
      if (hasCode(error, 'FRAME_MALFORMED')) return 'malformed'
      throw error
    }
  }

  test('by cutting is malformed unless it falls between two tuples', () => {
    let whole = 0
    for (let length = 0; length < bytes.length; length++)
      whole += outcome(bytes.slice(0, length)) === 'tuples' ? 1 : 0
    expect(whole).toBe(6)
  })
  test('of any byte, to any value, gives tuples or malformed', () => {
    for (let at = 0; at < bytes.length; at += 3) {
      for (let value = 0; value < 256; value += 5) {
        const damaged = bytes.slice()
        damaged[at] = value
        outcome(damaged)
      }
    }
  })
  test('by random bytes gives tuples or malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (random) => {
        outcome(random)
      }),
      { numRuns: 3000 },
    )
  })
  test('of flags that contradict each other, or mean nothing, is malformed', () => {
    for (const flags of [0x83, 0x63, 0xe3]) {
      expect(outcome(Uint8Array.of(flags, ...new Array<number>(30).fill(0)))).toBe('malformed')
    }
  })
  test('of counts announces nothing that is reserved', () => {
    expect(outcome(Uint8Array.of(0x0f, 255, 255, 255, 255, 15))).toBe('malformed')
    expect(outcome(Uint8Array.of(0x03, 255, 255, 255, 255, 15))).toBe('malformed')
  })
  test('of a row that is longer than its values is malformed', () => {
    expect(outcome(Uint8Array.of(0x03, 3, 2, 97, 97))).toBe('malformed')
  })
})
