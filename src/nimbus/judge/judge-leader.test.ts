import { expect, test } from 'vitest'
import { heard, judgeLeader, type LeaderSeen } from './judge-leader.ts'

const fresh: LeaderSeen = {
  nowMs: 0,
  refusedCount: 0,
  heardMs: 0,
  steadyFromMs: undefined,
  challengedMs: undefined,
  challengeCount: 0,
}

test('one that answers is fine, however long it leads', () => {
  let seen = fresh
  for (let nowMs = 0; nowMs < 100_000; nowMs += 500) {
    seen = heard(seen, 'answers', nowMs)
    expect(judgeLeader(seen)).toBe('fine')
  }
})

test('three refusals in a row are a sure sign, two and an answer are none', () => {
  const two = heard(heard(fresh, 'refused', 500), 'refused', 1_000)
  expect(judgeLeader(two)).toBe('fine')
  expect(judgeLeader(heard(heard(two, 'answers', 1_500), 'refused', 2_000))).toBe('fine')
  expect(judgeLeader(heard(two, 'refused', 1_500))).toBe('gone')
})

test('silence is believed after three seconds, and then ever more slowly', () => {
  expect(judgeLeader(heard(fresh, 'silent', 2_999))).toBe('fine')
  const silent = heard(fresh, 'silent', 3_000)
  expect(judgeLeader(silent)).toBe('silent-too-long')
  const once = { ...silent, challengedMs: 3_000, challengeCount: 1 }
  expect(judgeLeader({ ...once, nowMs: 62_999 })).toBe('fine')
  expect(judgeLeader({ ...once, nowMs: 63_000 })).toBe('silent-too-long')
  const often = { ...silent, challengedMs: 0, challengeCount: 30 }
  expect(judgeLeader({ ...often, nowMs: 3_599_999 })).toBe('fine')
  expect(judgeLeader({ ...often, nowMs: 3_600_000 })).toBe('silent-too-long')
})

test('a challenge is forgotten when the leader was heard for a while, not after an answer or two', () => {
  const challenged = { ...fresh, challengedMs: 1_000, challengeCount: 3 }
  const brief = heard(heard(challenged, 'answers', 2_000), 'answers', 3_500)
  expect(judgeLeader(heard(brief, 'silent', 7_000))).toBe('fine')
  const broken = heard(heard(brief, 'silent', 3_900), 'answers', 4_100)
  expect(judgeLeader(heard(broken, 'silent', 8_000))).toBe('fine')
  const steady = heard(brief, 'answers', 4_000)
  expect(judgeLeader(heard(steady, 'silent', 6_999))).toBe('fine')
  expect(judgeLeader(heard(steady, 'silent', 7_000))).toBe('silent-too-long')
})

test('refusals are challenged once, and then ever more slowly as well', () => {
  const refused = { ...fresh, refusedCount: 3, challengedMs: 0, challengeCount: 1 }
  expect(judgeLeader({ ...refused, nowMs: 59_999 })).toBe('fine')
  expect(judgeLeader({ ...refused, nowMs: 60_000 })).toBe('gone')
  expect(judgeLeader({ ...refused, challengeCount: 2, nowMs: 119_999 })).toBe('fine')
  expect(judgeLeader({ ...refused, challengeCount: 2, nowMs: 120_000 })).toBe('gone')
  expect(judgeLeader({ ...refused, challengeCount: 30, nowMs: 3_599_999 })).toBe('fine')
})
