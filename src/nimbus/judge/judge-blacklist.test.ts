// Goal: a node that flaps is left out for a while and tried anew. Method: failures at given times, judged
// along the line of time.
import { expect, test } from 'vitest'
import { judgeBlacklist } from './judge-blacklist.ts'

const LIMITS = { spanMs: 300_000, count: 3, resumeMs: 1_800_000 }
const S = 1_000

function judge(nowMs: number, failuresMs: readonly number[], untilMs?: number) {
  return judgeBlacklist({ nowMs, failuresMs, untilMs }, LIMITS)
}

test('three failures within the span put it on the list, from the last one on', () => {
  const verdict = judge(250 * S, [0, 100 * S, 250 * S])
  expect(verdict).toMatchObject({ isListed: true, untilMs: 2_050 * S })
  expect(verdict.why).toBe('failed 3 times within 5 min, on the blacklist for 30 min')
})

test('two are none too many, nor are three that lie further apart', () => {
  expect(judge(100 * S, [0, 100 * S])).toEqual({ isListed: false, untilMs: undefined, why: '' })
  expect(judge(301 * S, [0, 100 * S, 301 * S]).isListed).toBe(false)
  expect(judge(299 * S, [0, 100 * S, 299 * S]).isListed).toBe(true)
})

test('it stays on the list until the time is over, whatever is heard', () => {
  expect(judge(2_049 * S, [], 2_050 * S)).toMatchObject({ isListed: true, untilMs: 2_050 * S })
  expect(judge(2_050 * S, [], 2_050 * S).isListed).toBe(false)
})

test('failures from before the release do not count again', () => {
  const short = { ...LIMITS, resumeMs: 10 * S }
  const failures = [0, 1 * S, 2 * S]
  const listed = judgeBlacklist({ nowMs: 2 * S, failuresMs: failures, untilMs: undefined }, short)
  expect(listed.untilMs).toBe(12 * S)
  const released = { nowMs: 13 * S, failuresMs: failures, untilMs: listed.untilMs }
  expect(judgeBlacklist(released, short).isListed).toBe(false)
  const again = { ...released, nowMs: 16 * S, failuresMs: [...failures, 14 * S, 15 * S] }
  expect(judgeBlacklist(again, short).isListed).toBe(false)
  const third = { ...again, failuresMs: [...again.failuresMs, 16 * S] }
  expect(judgeBlacklist(third, short)).toMatchObject({ isListed: true, untilMs: 26 * S })
})

test('a leader that comes late and finds the time over does not list it at all', () => {
  const short = { ...LIMITS, resumeMs: 10 * S }
  expect(
    judgeBlacklist({ nowMs: 100 * S, failuresMs: [0, 1 * S, 2 * S], untilMs: undefined }, short),
  ).toMatchObject({
    isListed: false,
    untilMs: 12 * S,
  })
})

test('without a time to resume it is never left out', () => {
  const none = { ...LIMITS, resumeMs: 0 }
  expect(judgeBlacklist({ nowMs: 5, failuresMs: [1, 2, 5], untilMs: undefined }, none).isListed).toBe(false)
})
