// biome-ignore-all lint/suspicious/noThenProperty: the public name in error policies; never awaited
import { describe, expect, test } from 'vitest'
import { NOWHERE } from './invalid.ts'
import { compileBackoff, compileErrorPolicy, compileReporter, FAIL_AT_ONCE } from './policy.ts'

function policy(value: unknown): unknown {
  return compileErrorPolicy(value, 'onError', NOWHERE)
}

describe('compileErrorPolicy', () => {
  test('an action alone means no retries', () => {
    expect(policy('dead-letter')).toEqual({ ...FAIL_AT_ONCE, action: 'dead-letter' })
  })

  test('a policy gets its numbers, and keeps the function as it is', () => {
    const retryIf = (error: unknown): boolean => error instanceof TypeError
    expect(policy({ retries: 3, backoff: { first: '50ms', max: '1s' }, then: 'skip', retryIf })).toEqual({
      retries: 3,
      firstMs: 50,
      factor: 2,
      maxMs: 1_000,
      action: 'skip',
      retryIf,
    })
  })

  test.each([
    ['a word that is no action', 'retry', 'CONFIG_INVALID_VALUE'],
    ['no action', { retries: 1 }, 'CONFIG_INVALID_VALUE'],
    ['part of a retry', { retries: 0.5, then: 'fail' }, 'CONFIG_INVALID_VALUE'],
    ['a function as text', { then: 'fail', retryIf: 'yes' }, 'CONFIG_INVALID_VALUE'],
    ['another member', { then: 'fail', retrys: 3 }, 'CONFIG_UNKNOWN_KEY'],
    ['a shrinking backoff', { then: 'fail', backoff: { factor: 0.5 } }, 'CONFIG_INVALID_VALUE'],
    ['waits that contradict', { then: 'fail', backoff: { first: '2s', max: '1s' } }, 'CONFIG_CONTRADICTION'],
  ])('refuses %s', (_name, value, code) => {
    expect(() => policy(value)).toThrow(expect.objectContaining({ code }))
  })

  test('says the nearest member', () => {
    expect(() => policy({ then: 'fail', retrys: 3 })).toThrow(/did you mean onError\.retries/)
  })
})

describe('compileBackoff', () => {
  test('one bound set alone never crosses the default of the other', () => {
    expect(compileBackoff({ first: '1m' }, 'retry', NOWHERE)).toEqual({
      firstMs: 60_000,
      factor: 2,
      maxMs: 60_000,
    })
    expect(compileBackoff({ max: '10ms' }, 'retry', NOWHERE)).toEqual({ firstMs: 10, factor: 2, maxMs: 10 })
  })
})

describe('compileReporter', () => {
  test('has a period and options by default', () => {
    expect(compileReporter({ module: './r.js' }, 'r', NOWHERE)).toEqual({
      module: './r.js',
      everyMs: 10_000,
      options: {},
    })
  })

  test('refuses a period of nothing, and members it does not know', () => {
    const period = { module: './r.js', every: '0s' }
    expect(() => compileReporter(period, 'r', NOWHERE)).toThrow(/r\.every is '0s'/)
    const other = { class: 'org.x', module: './r.js' }
    expect(() => compileReporter(other, 'r', NOWHERE)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_KEY' }),
    )
  })
})
