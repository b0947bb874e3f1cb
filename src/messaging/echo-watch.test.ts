import { expect, test } from 'vitest'
import { EchoVerdict, EchoWatch } from './echo-watch.ts'

const { FINE, ASK, DEAD } = EchoVerdict

function judged(watch: EchoWatch, times: readonly number[]): number[] {
  return times.map((timeMs) => watch.judge(timeMs))
}

function fresh(): EchoWatch {
  const watch = new EchoWatch({ echoMs: 1_000, deadMs: 3_000 })
  watch.restart(100)
  return watch
}

test('asks every second, and gives up after three of silence', () => {
  const verdicts = judged(fresh(), [500, 1_000, 1_100, 1_600, 2_100, 2_600, 3_000, 3_100])
  expect(verdicts).toEqual([FINE, FINE, ASK, FINE, ASK, FINE, FINE, DEAD])
})

test('anything heard counts from when it is looked at', () => {
  const watch = fresh()
  judged(watch, [1_000, 2_000])
  watch.heard()
  expect(judged(watch, [2_900, 3_800, 4_700, 5_600, 5_900])).toEqual([FINE, ASK, FINE, ASK, DEAD])
})

test('does not take its own standstill for silence', () => {
  const watch = fresh()
  expect(judged(watch, [600, 9_000, 9_500])).toEqual([FINE, ASK, FINE])
  expect(judged(watch, [10_000, 10_500, 11_000, 11_500, 12_000])).toEqual([ASK, FINE, ASK, FINE, DEAD])
})
