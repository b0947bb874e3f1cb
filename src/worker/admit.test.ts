// Goal: what is asked of values before they are emitted is done, in order; what is not asked costs no call.
import { describe, expect, test } from 'vitest'
import { compileTopologySettings } from '../config/settings.ts'
import type { TopologyConfig } from '../config/topology-config.ts'
import { StreamRef } from '../flow/route/stream-ref.ts'
import { encodable, fields } from '../topology/schema/fields.ts'
import type { Schema } from '../topology/schema/schema.ts'
import { streamSchemaOf } from '../topology/schema/stream-schema.ts'
import { freezeDeeply, makeAdmit, makeSourceAdmit } from './admit.ts'

function refOf(schema: Schema<unknown>): StreamRef {
  return new StreamRef('orders', 'default', 1, streamSchemaOf(schema), {
    isDirect: false,
    carriesPlainValues: false,
    hasFields: () => true,
  })
}

const positive: Schema<{ amount: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'object' && value !== null && 'amount' in value && Number(value.amount) > 0
        ? { value: { amount: Number(value.amount) } }
        : { issues: [{ message: 'is not positive', path: ['amount'] }] },
  },
}

const own = refOf(fields(positive, ['amount']))
const plain = refOf(fields({ amount: 'int' }))
const settingsOf = (config: TopologyConfig) => compileTopologySettings(config)
const wrong = { amount: -1 }

describe('what sources emit', () => {
  test('is validated where a schema is of the own kind', () => {
    const admit = makeSourceAdmit(undefined, settingsOf({}), [own.schema])
    const right = { amount: 1 }
    expect(admit?.(own, right)).toBe(right)
    expect(() => admit?.(own, wrong)).toThrow(
      expect.objectContaining({
        code: 'VALUE_INVALID',
        message: expect.stringMatching(
          /^orders emitted to "default" what its schema refuses: .*is not positive/,
        ),
        details: { component: 'orders', stream: 'default' },
      }),
    )
  })

  test('is not validated where kinds alone are declared, or what is emitted is only described', () => {
    expect(makeSourceAdmit(undefined, settingsOf({}), [plain.schema])).toBeUndefined()
    expect(makeSourceAdmit(undefined, settingsOf({}), [])).toBeUndefined()
    expect(makeSourceAdmit(undefined, settingsOf({}), [refOf(encodable<number>()).schema])).toBeUndefined()
  })

  test('is validated once where every edge is', () => {
    const settings = settingsOf({ validate: 'edges', freezeTuples: 'never' })
    const admit = makeAdmit(settings, false)
    expect(makeSourceAdmit(admit, settings, [own.schema])).toBe(admit)
    expect(() => admit?.(own, wrong)).toThrow('is not positive')
    expect(() => admit?.(plain, { amount: 'x' })).toThrow('what its schema refuses')
  })

  test('is validated before anything else is done with it', () => {
    const settings = settingsOf({ freezeTuples: 'always' })
    const admit = makeSourceAdmit(makeAdmit(settings, false), settings, [own.schema])
    const refused = { amount: -1 }
    expect(() => admit?.(own, refused)).toThrow('is not positive')
    expect(Object.isFrozen(refused)).toBe(false)
    expect(Object.isFrozen(admit?.(own, { amount: 1 }))).toBe(true)
  })
})

describe('what anybody emits', () => {
  test('is left alone where nothing is asked', () => {
    expect(makeAdmit(settingsOf({ freezeTuples: 'never' }), true)).toBeUndefined()
    expect(makeAdmit(settingsOf({ freezeTuples: 'dev' }), false)).toBeUndefined()
  })

  test('is frozen in development, all the way down', () => {
    const values = { amount: 1, parts: [{ id: 1 }] }
    const given = makeAdmit(settingsOf({ freezeTuples: 'dev' }), true)?.(plain, values)
    expect(given).toBe(values)
    expect([values, values.parts, values.parts[0]].every(Object.isFrozen)).toBe(true)
  })

  test('is another object of the same content after the codec', () => {
    const admit = makeAdmit(settingsOf({ testingAlwaysTrySerialize: true, freezeTuples: 'never' }), false)
    const values = { amount: 7 }
    const first = admit?.(plain, values)
    expect(first).toEqual(values)
    expect(first).not.toBe(values)
    expect(admit?.(plain, { amount: 8 })).toEqual({ amount: 8 })
    expect(first).toEqual(values)
    expect(() => admit?.(plain, { amount: 1.5 })).toThrow(
      expect.objectContaining({ code: 'VALUE_OUT_OF_RANGE' }),
    )
  })
})

test('freezing leaves bytes as they are, and ends in a circle', () => {
  const circle: { self?: unknown; bytes: Uint8Array } = { bytes: new Uint8Array(2) }
  circle.self = circle
  expect(freezeDeeply(circle, 0)).toBe(circle)
  expect([Object.isFrozen(circle), Object.isFrozen(circle.bytes)]).toEqual([true, false])
})
