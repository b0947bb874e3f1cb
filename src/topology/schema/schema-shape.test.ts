// Goal: what the three libraries say of their schemas is read right: names, values, whether they transform.
import { type } from 'arktype'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { schemaShape } from './schema-shape.ts'

/** In a line: kind, names (with `?`), and `transforms`. */
function said(schema: unknown): string {
  const { kind, fields, transforms } = schemaShape(schema)
  const names = fields.map(({ name, optional }) => `${name}${optional ? '?' : ''}`)
  return [kind, ...names, ...(transforms ? ['transforms'] : [])].join(' ')
}

const a = z.object({ a: z.string() })

const zod: readonly [string, unknown, string][] = [
  ['object', z.object({ a: z.string(), b: z.number().optional() }), 'object a b?'],
  ['mini', mini.object({ a: mini.string(), b: mini.optional(mini.string()) }), 'object a b?'],
  ['a default is always there', z.object({ a: z.string().default('x') }), 'object a'],
  ['nullable, readonly, catch', z.object({ a: z.string() }).readonly().nullable(), 'object a'],
  ['intersection', z.intersection(a, z.object({ a: z.string(), b: z.string() })), 'object a b'],
  ['a field transforms', z.object({ a: z.string().transform(Number) }), 'object a transforms'],
  ['a list of what transforms', z.object({ a: z.array(z.stringbool()) }), 'object a transforms'],
  ['transformed as a whole', a.transform((x) => x), 'unknown transforms'],
  [
    'transformed into what is known',
    z
      .string()
      .transform((text) => ({ a: text }))
      .pipe(a),
    'object ' + 'a transforms',
  ],
  ['coercing is no harm twice', z.object({ a: z.coerce.number() }), 'object a'],
  ['a check is no transformation', z.object({ a: z.string().min(1) }).refine(() => true), 'object a'],
  ['lazy', z.lazy(() => a), 'object a'],
  ['text', z.string(), 'value'],
  ['list', z.array(z.string()), 'value'],
  ['texts and numbers', z.union([z.string(), z.number()]), 'value'],
  ['objects of two shapes', z.union([a, z.object({ b: z.string() })]), 'unknown'],
  ['a record', z.record(z.string(), z.number()), 'unknown'],
  ['anything', z.unknown(), 'unknown'],
]

test.each(zod)('zod: %s', (_name, schema, expected) => {
  expect(said(schema)).toBe(expected)
})

test('zod: one that holds itself is not validated twice', () => {
  interface Tree {
    readonly children: readonly Tree[]
  }
  const tree: z.ZodType<Tree> = z.lazy(() => z.object({ children: z.array(tree) }))
  expect(said(tree)).toBe('object children transforms')
})

const entries = v.object({ a: v.string() })

const valibot: readonly [string, unknown, string][] = [
  ['object', v.object({ a: v.string(), b: v.optional(v.number()) }), 'object a b?'],
  ['loose and strict', v.looseObject({ a: v.string() }), 'object a'],
  ['a default is always there', v.object({ a: v.optional(v.string(), 'x') }), 'object a'],
  [
    'a pipe of checks',
    v.pipe(
      entries,
      v.check(() => true),
    ),
    'object a',
  ],
  ['a field transforms', v.object({ a: v.pipe(v.string(), v.transform(Number)) }), 'object a transforms'],
  [
    'transformed as a whole',
    v.pipe(
      entries,
      v.transform((x) => x),
    ),
    'unknown transforms',
  ],
  [
    'transformed into what is known',
    v.pipe(v.string(), v.transform(JSON.parse), entries),
    'object a ' + 'transforms',
  ],
  ['intersect', v.intersect([entries, v.object({ b: v.string() })]), 'object a b'],
  ['nullable', v.nullable(entries), 'object a'],
  ['text', v.string(), 'value'],
  ['trimmed text', v.pipe(v.string(), v.trim()), 'value transforms'],
  ['a union of texts', v.union([v.string(), v.literal(1)]), 'value'],
  ['a variant', v.variant('t', [v.object({ t: v.literal(1) }), v.object({ t: v.literal(2) })]), 'unknown'],
  ['a record', v.record(v.string(), v.string()), 'unknown'],
]

test.each(valibot)('valibot: %s', (_name, schema, expected) => {
  expect(said(schema)).toBe(expected)
})

const arktype: readonly [string, unknown, string][] = [
  ['object', type({ a: 'string', 'b?': 'number' }), 'object a b?'],
  ['a default is always there', type({ a: "string = 'x'" }), 'object a transforms'],
  ['a field transforms', type({ at: 'string.date.parse' }), 'object at transforms'],
  ['transformed as a whole', type({ a: 'string' }).pipe((x) => x), 'unknown transforms'],
  ['text', type('string'), 'value'],
  ['true or false', type('boolean'), 'value'],
  ['list', type('string[]'), 'value'],
  ['texts and numbers', type('string | number'), 'value'],
  ['objects of two shapes', type({ a: 'string' }).or({ b: 'string' }), 'unknown'],
]

test.each(arktype)('arktype: %s', (_name, schema, expected) => {
  expect(said(schema)).toBe(expected)
})

test('what is no schema is unknown, and throws nothing', () => {
  const odd = [undefined, null, 3, {}, { '~standard': { vendor: 'zod' } }]
  for (const each of odd) expect(said(each)).toBe('unknown')
})
