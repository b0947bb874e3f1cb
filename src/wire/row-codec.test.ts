// Goal: both forms of a row codec, generated and closures, write the same bytes and bring the same values
// back; what does not fit is refused by name and leaves nothing. Method: every case runs on both.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSame } from '../../test/fixtures/wire/is-same.ts'
import { hasCode, StreamError } from '../base/errors.ts'
import type { FieldShape, StreamSchema } from '../topology/definition.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { generateRowCodec, rowCodecSource } from './compile.ts'
import { closureRowCodec, compileRowCodec, rowSignature } from './row-codec.ts'
import { planRow, type RowCodec, type Values } from './row-plan.ts'

type Kind = FieldShape['kind']

function shape(name: string, kind: Kind, list = false, nullable = false): FieldShape {
  return { name, kind, list, nullable }
}

function schemaOf(...shapes: readonly FieldShape[]): StreamSchema {
  return { names: shapes.map((s) => s.name), shapes, validate: () => undefined }
}

function bothForms(schema: StreamSchema): [string, RowCodec][] {
  const plan = planRow(schema, 'split/words')
  const generated = generateRowCodec(plan)
  if (generated === undefined) throw new Error('code from text is forbidden here')
  return [
    ['generated', generated],
    ['closures', closureRowCodec(plan)],
  ]
}

function encoded(codec: RowCodec, values: Values): Uint8Array {
  const writer = new ByteWriter(4)
  codec.encode(writer, values)
  return writer.copy()
}

function roundTrip(codec: RowCodec, values: Values): Values {
  const reader = new ByteReader().open(encoded(codec, values))
  const back = codec.decode(reader)
  reader.finish()
  return back
}

const everything = schemaOf(
  shape('text', 'string'),
  shape('count', 'int'),
  shape('ratio', 'number'),
  shape('id', 'bigint'),
  shape('ok', 'boolean'),
  shape('body', 'bytes'),
  shape('any', 'value'),
  shape('texts', 'string', true),
  shape('counts', 'int', true),
  shape('ratios', 'number', true),
  shape('ids', 'bigint', true),
  shape('oks', 'boolean', true),
  shape('bodies', 'bytes', true),
  shape('maybeText', 'string', false, true),
  shape('maybeCount', 'int', false, true),
  shape('maybeList', 'int', true, true),
)

const sample: Values = {
  text: 'word',
  count: -0,
  ratio: Number.NaN,
  id: 2n ** 80n,
  ok: true,
  body: Uint8Array.of(1, 2),
  any: { a: [undefined, new Map([[1n, -0]])] },
  texts: ['a', '', '\uD800'],
  counts: [1, -1, Number.MAX_SAFE_INTEGER],
  ratios: [-0, Infinity],
  ids: [1n],
  oks: [true, false],
  bodies: [new Uint8Array(0)],
  maybeText: null,
  maybeCount: 5,
  maybeList: null,
}

for (const [form, codec] of bothForms(everything)) {
  describe(`a row codec as ${form}`, () => {
    test('brings every kind back, in declared order', () => {
      expect(isSame(roundTrip(codec, sample), sample)).toBe(true)
    })
    test('brings anything that fits back', () => {
      const row = fc.record(
        {
          text: fc.string({ unit: 'binary' }),
          count: fc.maxSafeInteger(),
          ratio: fc.double(),
          id: fc.bigInt(),
          ok: fc.boolean(),
          body: fc.uint8Array(),
          any: fc.anything({ withBigInt: true, withMap: true, withSet: true, withDate: true }),
          texts: fc.array(fc.string()),
          counts: fc.array(fc.maxSafeInteger()),
          ratios: fc.array(fc.double()),
          ids: fc.array(fc.bigInt()),
          oks: fc.array(fc.boolean()),
          bodies: fc.array(fc.uint8Array()),
          maybeText: fc.option(fc.string()),
          maybeCount: fc.option(fc.integer()),
          maybeList: fc.option(fc.array(fc.integer())),
        },
        { noNullPrototype: true },
      )
      fc.assert(
        fc.property(row, (values) => isSame(roundTrip(codec, values), values)),
        { numRuns: 300 },
      )
    })
    const misfits: [string, unknown, string, string][] = [
      ['text', 5, 'split/words.text', 'a number'],
      ['text', undefined, 'split/words.text', 'undefined'],
      ['text', null, 'split/words.text', 'null'],
      ['count', 1.5, 'split/words.count', 'a fraction'],
      ['count', 2 ** 53, 'split/words.count', 'a number'],
      ['count', Number.NaN, 'split/words.count', 'a number that is not finite'],
      ['count', 5n, 'split/words.count', 'a bigint'],
      ['ratio', '1', 'split/words.ratio', 'a string'],
      ['id', 5, 'split/words.id', 'a number'],
      ['ok', 1, 'split/words.ok', 'a number'],
      ['body', [1], 'split/words.body', 'a list'],
      ['texts', ['a', 5], 'split/words.texts[1]', 'a number'],
      ['counts', [1, 2, 0.5], 'split/words.counts[2]', 'a fraction'],
      ['counts', new Array(1), 'split/words.counts[0]', 'undefined'],
      ['oks', 'true', 'split/words.oks', 'a string'],
      ['maybeText', undefined, 'split/words.maybeText', 'undefined'],
    ]
    for (const [field, value, path, found] of misfits) {
      test(`refuses ${found} in ${field} by name and leaves nothing`, () => {
        const writer = new ByteWriter(4)
        writer.byte(1)
        let error: unknown
        try {
          codec.encode(writer, { ...sample, [field]: value })
        } catch (caught) {
          error = caught
        }
        expect(hasCode(error, 'VALUE_OUT_OF_RANGE')).toBe(true)
        if (error instanceof StreamError) {
          expect(error.details['path']).toBe(path)
          expect(error.message).toContain(`but is ${found}`)
        }
        expect(writer.position).toBe(1)
      })
    }
    test('refuses what cannot be sent in a field of free form by its whole path', () => {
      expect(() => encoded(codec, { ...sample, any: { deep: [() => 1] } })).toThrow(
        expect.objectContaining({
          code: 'VALUE_NOT_ENCODABLE',
          details: { path: 'split/words.any.deep[0]' },
        }),
      )
    })
    test('refuses values that are no object', () => {
      for (const text of ['null', '5', '"text"']) {
        expect(() => codec.encode(new ByteWriter(4), JSON.parse(text))).toThrow(
          expect.objectContaining({ code: 'VALUE_OUT_OF_RANGE', details: { path: 'split/words' } }),
        )
      }
    })
    test('answers damage with a row or FRAME_MALFORMED', () => {
      const bytes = encoded(codec, sample)
      for (let length = 0; length < bytes.length; length++) {
        expect(() => codec.decode(new ByteReader().open(bytes, 0, length))).toThrow(
          expect.objectContaining({ code: 'FRAME_MALFORMED' }),
        )
      }
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = bytes.slice()
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        try {
          codec.decode(new ByteReader().open(damaged))
        } catch (error) {
          if (!hasCode(error, 'FRAME_MALFORMED')) throw error
        }
      }
    })
  })
}

describe('both forms', () => {
  test('write the same bytes', () => {
    const bytes = bothForms(everything).map(([, codec]) => encoded(codec, sample))
    expect(bytes[0]).toEqual(bytes[1])
  })
  test('take any field name as a name and nothing else', () => {
    const names = [
      '__proto__',
      'constructor',
      '0',
      '',
      'a"]; throw 1; //',
      '\u2028',
      "it's",
      '`$`{1}',
      '\\',
      '\uD800',
      '*/',
    ]
    const schema = schemaOf(...names.map((name) => shape(name, 'int')))
    const values: Record<string, unknown> = {}
    for (const [index, name] of names.entries()) {
      Object.defineProperty(values, name, {
        value: index,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
    for (const [, codec] of bothForms(schema)) expect(isSame(roundTrip(codec, values), values)).toBe(true)
  })
  test('keep nulls of more than eight nullable fields apart', () => {
    const shapes = Array.from({ length: 19 }, (_, i) =>
      shape(`f${i}`, i % 3 === 0 ? 'string' : 'int', false, i % 5 !== 4),
    )
    for (const [, codec] of bothForms(schemaOf(...shapes))) {
      for (let turn = 0; turn < 40; turn++) {
        const values: Record<string, unknown> = {}
        for (const [i, s] of shapes.entries()) {
          const isNull = s.nullable && (turn * 7 + i * i) % 3 === 0
          values[s.name] = isNull ? null : s.kind === 'int' ? i : `t${i}`
        }
        expect(isSame(roundTrip(codec, values), values)).toBe(true)
      }
    }
  })
  test('know without writing how large a row of plain kinds gets at most', () => {
    const plain = schemaOf(
      shape('text', 'string'),
      shape('count', 'int'),
      shape('ratio', 'number'),
      shape('ok', 'boolean'),
      shape('maybeText', 'string', false, true),
      shape('maybeOk', 'boolean', false, true),
    )
    const row = fc.record({
      text: fc.string({ unit: 'binary' }),
      count: fc.oneof(fc.maxSafeInteger(), fc.constant(-0)),
      ratio: fc.double(),
      ok: fc.boolean(),
      maybeText: fc.option(fc.oneof(fc.string(), fc.constant('\uD800'.repeat(200)))),
      maybeOk: fc.option(fc.boolean()),
    })
    for (const [, codec] of bothForms(plain)) {
      fc.assert(fc.property(row, (values) => encoded(codec, values).length <= codec.sizeMost(values)))
      const fit = { text: 'a', count: 1, ratio: 1, ok: true, maybeText: null, maybeOk: null }
      expect(codec.sizeMost(fit)).toBe(1 + 3 + 6 + 8 + 8 + 1)
      for (const [field, value] of [
        ['text', null],
        ['count', 1.5],
        ['ratio', '1'],
        ['ok', undefined],
        ['maybeText', 1],
        ['maybeOk', 1],
      ] as const) {
        expect(codec.sizeMost({ ...fit, [field]: value })).toBe(-1)
      }
    }
  })
  test('do not say it of rows that must be written to be known', () => {
    const all = [shape('a', 'value'), shape('a', 'bytes'), shape('a', 'bigint'), shape('a', 'string', true)]
    const values = [1, Uint8Array.of(1), 1n, ['x']]
    for (const [index, one] of all.entries()) {
      const of = (a: unknown) => bothForms(schemaOf(one)).map(([, codec]) => codec.sizeMost({ a }))
      expect(of(values[index])).toEqual([-1, -1])
    }
    const nullable = bothForms(schemaOf(shape('a', 'value', false, true)))
    expect(nullable.map(([, codec]) => codec.sizeMost({ a: null }))).toEqual([1, 1])
  })
  test('of a stream without fields write nothing', () => {
    for (const [, codec] of bothForms(schemaOf())) {
      expect(encoded(codec, {}).length).toBe(0)
      expect(roundTrip(codec, {})).toEqual({})
    }
  })
})

test('the generated code holds field names as literals only', () => {
  expect(rowCodecSource([shape('x"+y', 'int')])).toContain('v["x\\"+y"]')
})
test('a simple row takes no tags: word and count in 1 + 4 + 1 bytes', () => {
  const codec = compileRowCodec(schemaOf(shape('word', 'string'), shape('count', 'int')), 'x')
  expect(encoded(codec, { word: 'data', count: 7 }).length).toBe(6)
})
test('the signature tells names, kinds, lists and nulls apart', () => {
  const all = [
    shape('a', 'int'),
    shape('b', 'int'),
    shape('a', 'number'),
    shape('a', 'int', true),
    shape('a', 'int', false, true),
  ]
  expect(new Set(all.map((one) => rowSignature(schemaOf(one)))).size).toBe(all.length)
})
