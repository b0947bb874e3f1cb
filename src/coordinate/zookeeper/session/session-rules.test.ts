import { expect, test } from 'vitest'
import { hasLapsed, judgeState, newSession, nextStep, type Phase, type SessionSeen } from './session-rules.ts'

const limits = { connectTimeoutMs: 5_000, serverCount: 3 }
const session = (changes: Partial<SessionSeen> = {}): SessionSeen => ({ ...newSession(0, 6_000), ...changes })
const serving = (changes: Partial<SessionSeen> = {}) =>
  session({ phase: 'serving', sessionId: 7n, hasBeenConnected: true, ...changes })

test('before the first connection it connects, and is suspended after the length of a session', () => {
  expect(judgeState(session(), 0)).toBe('connecting')
  expect(judgeState(session({ phase: 'dialling' }), 5_999)).toBe('connecting')
  expect(judgeState(session({ phase: 'dialling' }), 6_000)).toBe('suspended')
  // There is no session that could be over.
  expect(judgeState(session({ phase: 'idle' }), 1_000_000)).toBe('suspended')
})

test('with a session every phase lapses at the same moment, by the clock alone', () => {
  for (const phase of ['idle', 'dialling', 'opening', 'serving'] as const) {
    const seen = serving({ phase, confirmedMs: 1_000 })
    expect(judgeState(seen, 6_999)).toBe(phase === 'serving' ? 'connected' : 'suspended')
    expect(judgeState(seen, 7_000)).toBe('expired')
    expect(nextStep(seen, limits, 7_000)).toEqual({ kind: 'expire' })
    expect(hasLapsed(seen, 7_000)).toBe(true)
  }
})

test('bytes that were heard do not prolong a session that nobody confirmed', () => {
  expect(judgeState(serving({ confirmedMs: 0, heardMs: 5_999 }), 6_000)).toBe('expired')
})

test('what is over stays over', () => {
  for (const ending of ['expired', 'closed'] as const) {
    const seen = serving({ phase: 'over', ending, confirmedMs: 10 })
    expect(judgeState(seen, 11)).toBe(ending)
    expect(nextStep(seen, limits, 1_000_000)).toEqual({ kind: 'wait', untilMs: Number.POSITIVE_INFINITY })
  }
})

test('a ping is due after a third without sending, one at a time', () => {
  const seen = serving({ confirmedMs: 500, heardMs: 500, sentMs: 500 })
  expect(nextStep(seen, limits, 2_499)).toEqual({ kind: 'wait', untilMs: 2_500 })
  expect(nextStep(seen, limits, 2_500)).toEqual({ kind: 'ping' })
  const waiting = { ...seen, sentMs: 2_500, pingSentMs: 2_500 }
  expect(nextStep(waiting, limits, 4_499)).toEqual({ kind: 'wait', untilMs: 4_500 })
})

test('a server that is silent for two thirds is left', () => {
  for (const phase of ['opening', 'serving'] as const) {
    const seen = serving({ phase, heardMs: 500, sentMs: 4_000, pingSentMs: 4_000 })
    expect(nextStep(seen, limits, 4_499).kind).toBe('wait')
    expect(nextStep(seen, limits, 4_500).kind).toBe('drop')
  }
})

test('a dial is given up in time for the other servers', () => {
  const seen = session({ phase: 'dialling', phaseMs: 100 })
  expect(nextStep(seen, limits, 2_099)).toEqual({ kind: 'wait', untilMs: 2_100 })
  expect(nextStep(seen, limits, 2_100).kind).toBe('drop')
  expect(nextStep(seen, { ...limits, connectTimeoutMs: 300 }, 400).kind).toBe('drop')
  expect(nextStep(seen, { ...limits, serverCount: 1 }, 4_000).kind).toBe('wait')
})

test('with a session that runs out each server gets a share of what is left', () => {
  const dialAt = (phaseMs: number) => serving({ phase: 'dialling', confirmedMs: 0, phaseMs })
  expect(nextStep(dialAt(4_000), limits, 4_000 + 660).kind).toBe('wait')
  expect(nextStep(dialAt(4_000), limits, 4_000 + 667).kind).toBe('drop')
  expect(nextStep(dialAt(5_100), limits, 5_100 + 299).kind).toBe('wait')
  expect(nextStep(dialAt(5_700), limits, 5_700 + 199).kind).toBe('wait')
  expect(nextStep(dialAt(5_700), limits, 5_700 + 200).kind).toBe('drop')
})

test('an idle one dials when it is time', () => {
  expect(nextStep(session({ dialMs: 70 }), limits, 69)).toEqual({ kind: 'wait', untilMs: 70 })
  expect(nextStep(session({ dialMs: 70 }), limits, 70)).toEqual({ kind: 'dial' })
})

test('whatever is waited for, the next change of state is not slept through', () => {
  const phases: readonly Phase[] = ['idle', 'dialling', 'opening', 'serving']
  for (const phase of phases) {
    for (const sessionId of [0n, 7n]) {
      for (let nowMs = 0; nowMs < 7_000; nowMs += 250) {
        const seen = session({ phase, sessionId, hasBeenConnected: sessionId !== 0n, dialMs: 9_000 })
        const step = nextStep(seen, { connectTimeoutMs: 60_000, serverCount: 1 }, nowMs)
        if (step.kind !== 'wait') continue
        const until = Math.min(step.untilMs, 20_000)
        const before = judgeState(seen, nowMs)
        for (let at = nowMs; at < until; at += 250) expect(judgeState(seen, at)).toBe(before)
      }
    }
  }
})
