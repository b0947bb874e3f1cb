import { describe, expect, test } from 'vitest'
import { Backoff, backoffMs, retry } from './backoff.ts'
import { UnavailableError, UsageError } from './errors.ts'

const spec = { firstMs: 100, factor: 2, maxMs: 1_000, jitter: 0.5 }

describe('the wait', () => {
  test('doubles up to the limit and never overflows', () => {
    const waits = [1, 2, 3, 4, 5, 6, 5_000].map((failures) =>
      backoffMs(failures, { ...spec, jitter: 0 }, 0.7),
    )
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000])
  })

  test('is spread between half and all of it', () => {
    expect(backoffMs(3, spec, 0)).toBe(200)
    expect(backoffMs(3, spec, 0.5)).toBe(300)
    expect(backoffMs(3, spec, 1)).toBe(400)
    expect(backoffMs(2, { firstMs: 10, maxMs: 50 }, 0)).toBe(10)
  })

  test('starts over after a success', () => {
    const backoff = new Backoff({ ...spec, jitter: 0 }, () => 0)
    expect([backoff.nextMs(), backoff.nextMs(), backoff.failures]).toEqual([100, 200, 2])
    backoff.reset()
    expect([backoff.failures, backoff.nextMs()]).toEqual([0, 100])
  })
})

describe('retry', () => {
  const gone = new UnavailableError('LINK_LOST', 'link lost')
  const run = (attemptsMax: number, errors: readonly Error[]) => {
    const waits: number[] = []
    const calls: number[] = []
    const wait = async (delayMs: number) => void waits.push(delayMs)
    const result = retry({ ...spec, jitter: 0, attemptsMax, chance: () => 0, wait }, async (attempt) => {
      calls.push(attempt)
      const error = errors[attempt - 1]
      if (error !== undefined) throw error
      return 'done'
    })
    return { waits, calls, result }
  }

  test('calls again after each retryable error, waiting longer each time', async () => {
    const { waits, calls, result } = run(5, [gone, gone])
    expect(await result).toBe('done')
    expect({ waits, calls }).toEqual({ waits: [100, 200], calls: [1, 2, 3] })
  })

  test('throws the last error when the attempts are used up', async () => {
    const { calls, result } = run(3, [gone, gone, gone, gone])
    await expect(result).rejects.toBe(gone)
    expect(calls).toEqual([1, 2, 3])
  })

  test('does not try again what will not work', async () => {
    const wrong = new UsageError('ARGS_INVALID', 'bad')
    for (const error of [wrong, new TypeError('bug')]) {
      const { calls, result } = run(3, [error])
      await expect(result).rejects.toBe(error)
      expect(calls).toEqual([1])
    }
  })
})
