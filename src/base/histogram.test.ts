// Method: against exact nearest-rank quantiles of the same values.
import { describe, expect, test } from 'vitest'
import { Histogram } from './histogram.ts'
import { quantile, quantileOfSorted } from './quantile.ts'
import { SeededRandom } from './random.ts'

function filled(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.record(value)
  return histogram
}

const random = new SeededRandom(3)
const values = Array.from({ length: 20_000 }, () => 10 ** (random.next() * 10 - 3))

describe('Histogram', () => {
  test('quantiles are at most two percent off, from 0.001 to 1e7', () => {
    const histogram = filled(values)
    for (const q of [0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = quantile(values, q) ?? 0
      expect(Math.abs(histogram.quantile(q) / exact - 1), `q ${q}`).toBeLessThanOrEqual(0.02)
    }
  })

  test('one value alone is exact, whatever it is', () => {
    for (const value of [0, -5, 0.001, 1, 1.999999, 2, 3, 1e7, 1e12, 1e-9]) {
      expect(filled([value]).quantile(0.5)).toBe(value)
    }
  })

  test('count, sum, mean, min and max are exact', () => {
    const histogram = filled([1, 2, 3.5])
    histogram.record(10, 4)
    histogram.record(Number.NaN)
    expect(histogram).toMatchObject({ count: 7, sum: 46.5, min: 1, max: 10, mean: 46.5 / 7 })
    expect(new Histogram()).toMatchObject({ count: 0, sum: 0, min: 0, max: 0, mean: 0 })
    expect(new Histogram().quantile(0.5)).toBe(0)
  })

  test('what is out of range stays between min and max', () => {
    const histogram = filled([-3, -2, 5, 1e9, 2e9])
    expect(histogram.quantile(0.1)).toBe(-3)
    expect(histogram.quantile(1)).toBe(2e9)
  })

  test('merging is the same as recording all in one', () => {
    const all = filled(values)
    const parts = [filled(values.slice(0, 7_000)), filled(values.slice(7_000))]
    const merged = new Histogram()
    for (const part of parts) merged.merge(part)
    const sent = new Histogram()
    for (const part of parts) sent.mergeSnapshot(JSON.parse(JSON.stringify(part.snapshot())))
    for (const histogram of [merged, sent]) {
      expect(histogram.snapshot().buckets).toEqual(all.snapshot().buckets)
      expect(histogram).toMatchObject({ count: all.count, min: all.min, max: all.max })
      expect(histogram.sum).toBeCloseTo(all.sum, 0)
    }
  })

  test('merging nothing changes nothing', () => {
    const histogram = filled([5])
    histogram.merge(new Histogram())
    histogram.mergeSnapshot(new Histogram().snapshot())
    expect(histogram.snapshot()).toEqual(filled([5]).snapshot())
  })

  test('cumulative buckets end with everything', () => {
    const histogram = filled([0.0005, 1, 5, 5, 70, 1e9])
    expect(histogram.cumulative([0.0009, 1, 10, 100, Number.POSITIVE_INFINITY])).toEqual([1, 2, 4, 5, 6])
  })

  test('after a reset it is as new', () => {
    const histogram = filled(values)
    histogram.reset()
    expect(histogram.snapshot()).toEqual(new Histogram().snapshot())
  })
})

describe('quantile of a list', () => {
  test('is always one of the values, by nearest rank', () => {
    expect([0, 0.25, 0.26, 0.5, 0.75, 1].map((q) => quantile([40, 10, 30, 20], q))).toEqual([
      10, 10, 20, 20, 30, 40,
    ])
    expect(quantile([], 0.5)).toBeUndefined()
    expect(quantileOfSorted([7], 0.5)).toBe(7)
  })
})
