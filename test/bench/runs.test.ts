/** Runs under measurement: nothing piles up, and what does not balance gives no figures. No timing. */
import { describe, expect, it } from 'vitest'
import { type Bench, measureRun } from '../../bench/engine.ts'
import { judgeGrowth, slope } from '../../bench/growth.ts'
import { Meter } from '../../bench/topologies/meter.ts'
import { meteredSpout, text } from '../../bench/topologies/parts.ts'
import { constIdNull, constNull, wordCount } from '../../bench/topologies/storm-perf.ts'
import { bolt, defineTopology, spoutFrom } from '../../src/index.ts'

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

describe('a run', () => {
  const plan = { warmMs: 20, windowMs: 20, windowCount: 2, scale: 0.01 }

  it('whose trees were not all acked has no figures', async () => {
    const bench: Bench = { ...constNull({ isAcked: false }), isAcked: true }
    await expect(measureRun(bench, plan)).rejects.toThrow('but 0 acked')
  })

  it('that lost tuples between components has no figures', async () => {
    const bench: Bench = { ...constIdNull({ isAcked: true }), edges: [['null', 'id']] }
    await expect(measureRun(bench, plan)).rejects.toThrow('null emitted 0 tuples, but id executed')
  })

  it('whose source ended too early has no figures', async () => {
    const meter = new Meter(6, false)
    const def = defineTopology({
      name: 'short',
      build(builder) {
        const spout = builder.setSpout(
          'spout',
          spoutFrom(text, () => [{ value: 'the only one' }]),
        )
        builder.setBolt('null', bolt({ input: text, execute: () => undefined })).shuffleGrouping(spout)
      },
    })
    const bench: Bench = { def, unit: 'tuples', counted: 'null', edges: [], isAcked: true, meter }
    await expect(measureRun(bench, plan)).rejects.toThrow('ended before')
  })
})
