import { describe, expect, test } from 'vitest'
import { assert, assertDefined, InvariantError } from './assert.ts'
import {
  ConflictError,
  FailTuple,
  FatalTaskError,
  FormatError,
  hasCode,
  isStreamError,
  StreamError,
  UnavailableError,
  UsageError,
  UserCodeError,
} from './errors.ts'

describe('stream errors', () => {
  test('each family says who must act and whether to try again', () => {
    const made = [UsageError, UnavailableError, ConflictError, FormatError, UserCodeError].map(
      (Family) => new Family('UNKNOWN_FIELD', 'no field x', { field: 'x' }),
    )
    expect(made.map((error) => error.family)).toEqual([
      'usage',
      'unavailable',
      'conflict',
      'format',
      'user-code',
    ])
    expect(made.map((error) => error.retryable)).toEqual([false, true, false, false, false])
    for (const error of made) {
      expect(error).toBeInstanceOf(StreamError)
      expect(error).toMatchObject({ code: 'UNKNOWN_FIELD', message: 'no field x', details: { field: 'x' } })
      expect(error.name).toBe(error.constructor.name)
    }
  })

  test('what a component throws on purpose has its code', () => {
    const cause = new Error('inner')
    expect(new FailTuple()).toMatchObject({ code: 'FAIL_TUPLE', family: 'user-code' })
    expect(new FailTuple('too old', { ageMs: 5 })).toMatchObject({
      message: 'too old',
      details: { ageMs: 5 },
    })
    expect(new FatalTaskError('gone', { cause })).toMatchObject({ code: 'FATAL_TASK', cause })
  })

  test('a code is known across copies of the package, by shape alone', () => {
    const foreign = { code: 'EPOCH_OLD', family: 'conflict', details: {} }
    expect(hasCode(foreign, 'EPOCH_OLD')).toBe(true)
    expect(hasCode(foreign, 'RECORD_CHANGED')).toBe(false)
    expect(isStreamError(new FailTuple())).toBe(true)
  })

  test.each([
    null,
    undefined,
    'EPOCH_OLD',
    { code: 'EPOCH_OLD' },
    Object.assign(new Error('x'), { code: 'ENOENT' }),
  ])('what is not ours has no code: %s', (thing) => {
    expect(hasCode(thing, 'EPOCH_OLD')).toBe(false)
    expect(isStreamError(thing)).toBe(false)
  })
})

describe('assertions', () => {
  test('what is true passes, what is not is a bug', () => {
    expect(() => assert(true, 'fine')).not.toThrow()
    expect(() => assert(false, 'credit is never negative')).toThrow(InvariantError)
    expect(isStreamError(new InvariantError('x'))).toBe(false)
  })

  test('a value that is there is handed back, 0 and empty text too', () => {
    expect(assertDefined(0, 'there')).toBe(0)
    expect(assertDefined('', 'there')).toBe('')
    expect(() => assertDefined(undefined, 'task 3 is placed')).toThrow('task 3 is placed')
    expect(() => assertDefined(null, 'there')).toThrow(InvariantError)
  })
})
