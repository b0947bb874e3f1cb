import { expect, test } from 'vitest'
import { fromPlainJson, toPlainJson } from './plain-json.ts'

test('everything encodable comes back exactly', () => {
  const values = [
    null,
    true,
    'text \u0000 ☃',
    0,
    -0,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    1.5,
    -(2n ** 70n),
    undefined,
    new Date(12),
    new Date(Number.NaN),
    Uint8Array.of(0, 255, 16),
    new Map<unknown, unknown>([
      [1n, { a: [undefined] }],
      ['k', new Set([-0])],
    ]),
    { $: 'not a tag', is: 1 },
    JSON.parse('{"__proto__":{"polluted":true},"a":1}'),
    { nested: { deep: [[{}]] } },
  ]
  for (const value of values) expect(fromPlainJson(toPlainJson(value))).toEqual(value)
  expect(Object.is(fromPlainJson(toPlainJson(-0)), -0)).toBe(true)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('what cannot be stored is refused', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  for (const value of [() => 1, Symbol('s'), new (class Own {})(), cycle, new Map([[1, () => 1]])]) {
    expect(() => toPlainJson(value)).toThrow(expect.objectContaining({ code: 'VALUE_NOT_ENCODABLE' }))
  }
})

test('what does not read is a FormatError', () => {
  for (const text of [
    '',
    '{',
    '{"$":"bigint","is":"x"}',
    '{"$":"bytes","is":"0"}',
    '{"$":"map"}',
    '{"$":"new"}',
  ]) {
    expect(() => fromPlainJson(text)).toThrow(expect.objectContaining({ code: 'FRAME_MALFORMED' }))
  }
})
