import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../../testing/local-run.ts'
import { EventLimit } from './event-limit.ts'

const warning = (message: string): RunEvent => ({ kind: 'warning', message })

function said(limit: EventLimit, count: number, message: string, nowMs: number): number {
  let lines = 0
  for (let n = 0; n < count; n++) if (limit.lets(warning(message), nowMs)) lines += 1
  return lines
}

describe('events of a run that repeat', () => {
  test('have a line for the first five, and their number when the window is over', () => {
    const limit = new EventLimit()
    expect(said(limit, 1_205, 'not stored: EACCES', 3_000)).toBe(5)
    expect(limit.heldBack(12_999)).toEqual([])
    expect(limit.heldBack(13_000)).toEqual(['  and 1,200 more: not stored'])
    expect(limit.heldBack(13_000)).toEqual([])
  })

  test('are said again in the next window', () => {
    const limit = new EventLimit()
    said(limit, 6, 'not stored', 0)
    limit.heldBack(10_000)
    expect(said(limit, 1, 'not stored', 10_001)).toBe(1)
  })

  test('do not keep those of another kind from being said', () => {
    const limit = new EventLimit()
    said(limit, 100, 'not stored', 0)
    expect(said(limit, 1, 'something else', 0)).toBe(1)
    expect(limit.heldBack()).toEqual(['  and 95 more: not stored'])
  })

  test('are not held back where each is news: a worker that was lost', () => {
    const limit = new EventLimit()
    const lost: RunEvent = { kind: 'worker-lost', worker: 1, why: 'it threw' }
    expect(Array.from({ length: 7 }, () => limit.lets(lost, 0))).not.toContain(false)
  })
})
