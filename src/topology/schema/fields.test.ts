// Goal: `fields` says names and kinds, and its check tells everything that is wrong, nothing that is not.
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { StreamSchema } from '../definition.ts'
import { direct, encodable, fields } from './fields.ts'
import type { Schema, SchemaResult } from './schema.ts'
import { streamSchemaOf, validated } from './stream-schema.ts'

function parse(schema: Schema<unknown>, value: unknown): SchemaResult<unknown> {
  return validated(schema, value)
}

/** Issues as `path: message`. */
function issues(schema: Schema<unknown>, value: unknown): string[] {
  const { issues: found = [] } = parse(schema, value)
  return found.map(({ message, path = [] }) => `${path.map(String).join('.')}: ${message}`)
}

const User = fields({
  id: 'int',
  name: 'string',
  tags: 'string[]',
  deletedAt: 'int | null',
  photo: 'bytes',
  big: 'bigint',
  share: 'number',
  open: 'boolean',
  email: z.email(),
  address: encodable<{ city: string }>(),
})

const ada = {
  id: 1,
  name: 'Ada',
  tags: ['a'],
  deletedAt: null,
  photo: new Uint8Array(2),
  big: 3n,
  share: 0.5,
  open: true,
  email: 'ada@example.org',
  address: { city: 'London' },
}

describe('fields({ … })', () => {
  test('keeps names and kinds in declared order', () => {
    const { names, shapes } = streamSchemaOf(User)
    expect(names).toEqual(Object.keys(ada))
    expect(shapes.map(({ kind, list, nullable }) => [kind, list, nullable])).toEqual([
      ['int', false, false],
      ['string', false, false],
      ['string', true, false],
      ['int', false, true],
      ['bytes', false, false],
      ['bigint', false, false],
      ['number', false, false],
      ['boolean', false, false],
      ['value', false, false],
      ['value', false, false],
    ])
  })

  test('gives back the declared fields and nothing else', () => {
    expect(parse(User, { more: 1, ...ada })).toEqual({ value: ada })
    expect(streamSchemaOf(User).validate({ more: 1, ...ada })).toBeUndefined()
  })

  test('tells all that is wrong, and never a value', () => {
    const wrong = { ...ada, id: 1.5, name: 7, tags: ['a', 1], deletedAt: undefined, photo: [1], email: 'x' }
    expect(issues(User, wrong)).toEqual([
      'id: expected int, found a number with a fraction',
      'name: expected string, found a number',
      'tags: expected string[], found a number at 1',
      'deletedAt: expected int | null, found nothing',
      'photo: expected bytes, found a list',
      'email: Invalid email address',
    ])
    expect(streamSchemaOf(User).validate(wrong)).toBe(
      'id: expected int, found a number with a fraction; name: expected string, found a number; ' +
        'tags: expected string[], found a number at 1; deletedAt: expected int | null, found nothing; ' +
        'photo: expected bytes, found a list; email: Invalid email address',
    )
  })

  test('whole numbers end at 2^53 - 1, on both sides', () => {
    const schema = fields({ n: 'int' })
    for (const n of [0, -0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(issues(schema, { n })).toEqual([])
    }
    expect(issues(schema, { n: 2 ** 53 })).toEqual(['n: expected int, found a whole number beyond 2^53 - 1'])
    expect(issues(schema, { n: Number.NaN })).toEqual(['n: expected int, found NaN'])
  })

  test('numbers may be anything a number is', () => {
    expect(issues(fields({ n: 'number' }), { n: Number.NaN })).toEqual([])
  })

  test('no object at all', () => {
    expect(issues(fields({ a: 'int', b: 'string' }), null)).toEqual([
      ': expected an object with a, ' + 'b, found null',
    ])
    expect(streamSchemaOf(fields({ a: 'int' })).validate('x')).toBe(
      'expected an object with a, ' + 'found a string',
    )
  })

  test('an unknown kind is told with the nearest', () => {
    expect(() => fields({ word: 'strng' as 'string' })).toThrow(
      "fields: word is declared as 'strng', wanted string, int, number, bigint, boolean, bytes, each " +
        'also as a list ' +
        "('int[]') or with null ('int | null'); did you mean 'string'?",
    )
    expect(() => fields({ word: 3 as never })).toThrow(
      "fields: word must be a kind such as 'string', or a schema, but is a number",
    )
    expect(() => fields('word' as never)).toThrow(
      'fields needs names with kinds, or a schema, but was given a string',
    )
  })

  test('a field whose schema transforms is parsed once and then let alone', () => {
    const schema = fields({ at: z.string().transform((text) => text.length) })
    const parsed = parse(schema, { at: 'four' })
    expect(parsed).toEqual({ value: { at: 4 } })
    expect(streamSchemaOf(schema).validate({ at: 4 })).toBeUndefined()
  })

  test('a field whose schema cannot answer at once is refused', () => {
    const schema = fields({ a: z.string().refine(async () => true) })
    expect(issues(schema, { a: 'x' })).toEqual([
      'a: the schema checks asynchronously, which is not possible here',
    ])
  })
})

describe('a Standard Schema as it is', () => {
  const schemas: readonly [string, Schema<unknown>][] = [
    ['zod', z.object({ id: z.number(), tag: z.string().optional() })],
    ['valibot', v.object({ id: v.number(), tag: v.optional(v.string()) })],
    ['arktype', type({ id: 'number', 'tag?': 'string' })],
  ]

  test.each(schemas)('%s says its names, and which may be missing', (_vendor, schema) => {
    const { names, shapes } = streamSchemaOf(schema)
    expect(names).toEqual(['id', 'tag'])
    expect(shapes.map(({ optional }) => optional === true)).toEqual([false, true])
  })

  test.each(schemas)('%s checks what is emitted', (_vendor, schema) => {
    const stream = streamSchemaOf(schema)
    expect(stream.validate({ id: 1 })).toBeUndefined()
    expect(stream.validate({ id: 'x' })).toMatch(/id/)
  })

  test('one that transforms is not run on what it gave', () => {
    const stream = streamSchemaOf(z.object({ size: z.string().transform((text) => text.length) }))
    expect(stream.validate({ size: 4 })).toBeUndefined()
  })

  test('one of unknown make says no names', () => {
    const odd: Schema<object> = {
      '~standard': { version: 1, vendor: 'odd', validate: (value) => ({ value: Object(value) }) },
    }
    expect(streamSchemaOf(odd)).toMatchObject({ names: [], unnamed: true })
  })

  test('one that is no object carries its item in the field value', () => {
    const stream = streamSchemaOf(z.string())
    expect(stream).toMatchObject({ names: ['value'], carriesValue: true })
    expect(stream.validate({ value: 'x' })).toBeUndefined()
    expect(stream.validate({ value: 1 })).toContain('expected string')
  })
})

describe('fields(schema, names)', () => {
  test('names what a schema cannot say', () => {
    const schema = fields(z.record(z.string(), z.number()), ['a', 'b'])
    expect(schema.names).toEqual(['a', 'b'])
    expect(streamSchemaOf(schema).validate({ a: 1, b: 2 })).toBeUndefined()
    expect(streamSchemaOf(schema).validate({ a: 'x' })).toContain('a: ')
  })

  test('no names are as good as none given', () => {
    expect(streamSchemaOf(fields(z.object({ a: z.string() }), []))).toMatchObject({ unnamed: true })
    expect(() => fields(z.object({ a: z.string() }), undefined as never)).toThrow(
      "fields needs the names of the schema's fields: fields(schema, ['id', 'user'])",
    )
  })
})

test('direct wraps a schema, and nothing else', () => {
  const schema = fields({ a: 'int' })
  expect(direct(schema).direct).toBe(schema)
  expect(() => direct('a' as never)).toThrow('direct needs a schema, but was given a string')
})

test('fields are a StreamSchema as they stand', () => {
  const schema = fields({ a: 'int' })
  const stream: StreamSchema = streamSchemaOf(schema)
  expect(stream).toBe(schema)
})
