// Goal: the history is bounded in every direction and thins what comes too often. Method: more of everything.
import { expect, test } from 'vitest'
import { RiskHistory, SAMPLE_EVERY_MS, SAMPLES_MAX } from './risk-history.ts'

test('keeps the newest samples, no closer than they should be', () => {
  const history = new RiskHistory()
  for (let at = 0; at <= 100 * SAMPLE_EVERY_MS; at += SAMPLE_EVERY_MS / 5) history.record('a', at, { x: at })
  const list = history.series('a')['x'] ?? []
  expect(list).toHaveLength(SAMPLES_MAX)
  expect(list.at(-1)).toEqual({ at: 100 * SAMPLE_EVERY_MS, value: 100 * SAMPLE_EVERY_MS })
  expect(
    list.every(({ at }, index) => index === 0 || at - (list[index - 1]?.at ?? 0) >= SAMPLE_EVERY_MS),
  ).toBe(true)
})

test('leaves out what is unknown or no number', () => {
  const history = new RiskHistory()
  history.record('a', 0, { x: undefined, y: Number.NaN, z: 1 })
  expect(history.series('a')).toEqual({ z: [{ at: 0, value: 1 }] })
})

test('gives the API a copy, with what is at risk', () => {
  const history = new RiskHistory()
  history.record('a', 0, { x: 1 })
  const given = history.history('a', ['may fail'])
  history.record('a', SAMPLE_EVERY_MS, { x: 2 })
  expect(given).toEqual({ subject: 'a', series: { x: [{ at: 0, value: 1 }] }, atRisk: ['may fail'] })
  expect(history.history('b', [])).toEqual({ subject: 'b', series: {}, atRisk: [] })
})

test('forgets who is gone, and the oldest when there are too many', () => {
  const history = new RiskHistory()
  for (let n = 0; n < 12_001; n += 1) history.record(`s${n}`, 0, { x: n })
  expect([history.series('s0'), Object.keys(history.series('s1'))]).toEqual([{}, ['x']])
  for (let n = 0; n < 20; n += 1) history.record('s1', SAMPLE_EVERY_MS, { [`figure-${n}`]: n })
  history.record(
    's2',
    SAMPLE_EVERY_MS,
    Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}`, n])),
  )
  expect(Object.keys(history.series('s2'))).toHaveLength(16)
  history.keepOnly(new Set(['s2']))
  expect([history.series('s1'), Object.keys(history.series('s2')).length]).toEqual([{}, 16])
  history.forget('s2')
  expect(history.series('s2')).toEqual({})
})
