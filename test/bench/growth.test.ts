/** Nothing piles up: after millions of tuples the heap is as big as before. No timing. */
import { describe, expect, it } from 'vitest'
import type { Bench } from '../../bench/engine.ts'
import { judgeGrowth, slope } from '../../bench/growth.ts'
import { Meter } from '../../bench/topologies/meter.ts'
import { meteredSpout, text } from '../../bench/topologies/parts.ts'
import { constIdNull, wordCount } from '../../bench/topologies/storm-perf.ts'
import { bolt, defineTopology } from '../../src/index.ts'

/** A bolt that keeps every tuple it sees: what the test must find. */
function leaking(): Bench {
  const meter = new Meter(6, false)
  const kept: unknown[] = []
  const def = defineTopology({
    name: 'leak',
    build(builder) {
      const source = meteredSpout(() => 'kept', { meter, withIds: true, rate: 0 })
      const spout = builder.setSpout('spout', source)
      const keep = bolt({ input: text, execute: (tuple) => void kept.push(tuple) })
      builder.setBolt('keep', keep).localOrShuffleGrouping(spout)
    },
  })
  return { def, unit: 'tuples', counted: 'keep', edges: [['spout', 'keep']], isAcked: true, meter }
}

describe('the heap', () => {
  it('stays flat over three million words, acked', async () => {
    const found = await judgeGrowth(wordCount({ isAcked: true }), 3e6)
    expect(found.tuples).toBeGreaterThanOrEqual(3e6)
    expect(found.marks).toHaveLength(10)
    expect(found.isFlat, `marks in MiB: ${found.marks.join(' ')}`).toBe(true)
  })

  it('stays flat over three million tuples through chained bolts, acked', async () => {
    const found = await judgeGrowth(constIdNull({ isAcked: true }), 3e6)
    expect(found.isFlat, `marks in MiB: ${found.marks.join(' ')}`).toBe(true)
  })

  it('stays flat over three million words that nobody tracks', async () => {
    const found = await judgeGrowth(wordCount({ isAcked: false }), 3e6)
    expect(found.isFlat, `marks in MiB: ${found.marks.join(' ')}`).toBe(true)
  })

  it('does not when a bolt keeps its tuples', async () => {
    const found = await judgeGrowth(leaking(), 300_000)
    expect(found.isFlat).toBe(false)
  })
})

describe('a slope', () => {
  it('is that of the line through the points', () => {
    expect(slope([1, 2, 3], [5, 7, 9])).toBeCloseTo(2)
    expect(slope([1, 2, 3], [4, 4, 4])).toBe(0)
    expect(slope([1], [4])).toBe(0)
  })
})
