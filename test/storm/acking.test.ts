// Storm's TopologyIntegrationTest, second part: which tuples are acked and which fail, and when. Numbers T3 …
// are those of Storm's tests.
// Goal: the verdicts that Storm's tests expect after each feed. Method: Storm's graphs with a spout that the
// test feeds, in virtual time, on one worker and on two, where trees, acks and verdicts cross links.

import { defineTopology, richBolt, type Tuple } from 'typhoon'
import { describe, expect, test } from 'vitest'
import { Live } from './live.ts'
import { ackBolt, agg, branching, Feeder, identity, Num, Word } from './parts.ts'

type WordTuple = Tuple<{ word: string }>

const word = (text: string) => ({ word: text })

/** Storm's AckEveryOtherBolt: acks the first, the third … and never answers the others. */
const ackEveryOther = richBolt({
  input: Word,
  prepare: () => ({ isOdd: false }),
  execute(tuple, collector, self) {
    self.isOdd = !self.isOdd
    if (self.isOdd) collector.ack(tuple)
  },
})

/**
 * Storm's ResetTimeoutBolt: keeps the first tuple's tree alive with each further tuple, never answers the
 * second, and acks the first when the fifth comes.
 */
const resetTimeout = richBolt({
  input: Word,
  prepare: () => ({ count: 0, first: undefined as WordTuple | undefined }),
  execute(tuple, collector, self) {
    self.count += 1
    self.first ??= tuple
    if (self.count === 1) return
    if (self.count === 5) collector.ack(self.first)
    else collector.resetTimeout(self.first)
    if (self.count !== 2) collector.ack(tuple)
  },
})

function oneBolt(feeder: Feeder<{ word: string }>, made: typeof ackEveryOther, config = {}) {
  return defineTopology({
    name: 'one-bolt',
    config: { messageTimeout: '10s', ...config },
    build(builder) {
      const one = builder.setSpout('1', feeder.def)
      builder.setBolt('2', made).globalGrouping(one)
    },
  })
}

describe.each([1, 2])('on %i workers', (workers) => {
  test('T3 timeout: what is never acked fails when its time is over, and nothing else does', async () => {
    const feeder = new Feeder(Word)
    await using live = await Live.start(oneBolt(feeder, ackEveryOther), { workers })
    // What the second run is for: spout and bolt do not share a worker.
    expect(new Set([...live.workersOf('1'), ...live.workersOf('2')]).size).toBe(workers)
    await live.advance(11_000)
    for (const [at, text] of ['a', 'b', 'c'].entries()) feeder.feed(word(text), at + 1)
    const fedMs = live.nowMs
    await live.advance(9_000)
    expect(feeder.acked).toEqual([1, 3])
    expect(feeder.hasFailed(2)).toBe(false)
    await live.advance(12_000)
    expect(feeder.failed).toMatchObject([{ id: 2, failure: { reason: 'timeout', failedBefore: 0 } }])
    // Storm fails it somewhere between 10 and 20 s. Ours is due within 100 ms of the tenth second after the
    // emit, which comes at most 10 ms after the feed.
    const afterMs = (feeder.failed[0]?.atMs ?? 0) - fedMs
    expect(afterMs).toBeGreaterThanOrEqual(10_000)
    expect(afterMs).toBeLessThanOrEqual(10_110)
    expect(live.figures('1')).toMatchObject({
      ackedCount: 2,
      failedCount: 1,
      expiredCount: 1,
      pendingCount: 0,
    })
  })

  test('TestingTest: with timeouts off what is never acked never fails', async () => {
    const feeder = new Feeder(Word)
    const topology = oneBolt(feeder, ackEveryOther, { enableMessageTimeouts: false })
    await using live = await Live.start(topology, { workers })
    for (const [at, text] of ['a', 'b', 'c'].entries()) feeder.feed(word(text), at + 1)
    await live.advance(60_000)
    expect(feeder.acked).toEqual([1, 3])
    expect(feeder.failed).toEqual([])
    expect(live.figures('1').pendingCount).toBe(1)
  })

  test('T4 reset timeout: a tree that is kept alive outlives its time, another one does not', async () => {
    const feeder = new Feeder(Word)
    await using live = await Live.start(oneBolt(feeder, resetTimeout), { workers })
    feeder.feed(word('a'), 1)
    feeder.feed(word('b'), 2)
    await live.advance(9_000)
    feeder.feed(word('c'), 3)
    await live.advance(9_000)
    feeder.feed(word('d'), 4)
    await live.advance(2_000)
    // 20 s: the first is twice as old as it may be, the second has failed, and as early as it should.
    expect(feeder.failed.map(({ id }) => id)).toEqual([2])
    expect(feeder.failed[0]?.atMs).toBeLessThanOrEqual(10_120)
    expect(feeder.acked).toEqual([3, 4])
    await live.advance(6_000)
    feeder.feed(word('e'), 5)
    await live.advance(1_000)
    expect(feeder.acked.toSorted()).toEqual([1, 3, 4, 5])
    expect(feeder.failed.map(({ id }) => id)).toEqual([2])
  })

  test('T7 acking: branches that join, the acks of each spout after each feed', async () => {
    const feeders = [new Feeder(Num), new Feeder(Num), new Feeder(Num)] as const
    const [one, two, three] = feeders
    const acking = defineTopology({
      name: 'acking',
      build(builder) {
        const first = builder.setBolt('4', branching(2)).shuffleGrouping(builder.setSpout('1', one.def))
        const second = builder.setBolt('5', branching(4)).shuffleGrouping(builder.setSpout('2', two.def))
        const third = builder.setBolt('6', branching(1)).shuffleGrouping(builder.setSpout('3', three.def))
        const joined = builder.setBolt('7', agg(3))
        for (const each of [first, second, third]) joined.shuffleGrouping(each)
        const last = builder.setBolt('8', branching(2)).shuffleGrouping(joined)
        builder.setBolt('9', ackBolt).shuffleGrouping(last)
      },
    })
    await using live = await Live.start(acking, { workers })
    const fed = async (feeder: Feeder<{ num: number }>): Promise<readonly number[]> => {
      feeder.feed({ num: 1 })
      await live.advance(1_000)
      return feeders.map((each) => each.takeAcks())
    }
    expect(await fed(one)).toEqual([0, 0, 0])
    expect(await fed(two)).toEqual([1, 1, 0])
    expect(await fed(one)).toEqual([0, 0, 0])
    expect(await fed(one)).toEqual([1, 0, 0])
    expect(await fed(three)).toEqual([0, 0, 0])
    expect(await fed(two)).toEqual([1, 1, 1])
    expect(feeders.flatMap(({ failed }) => failed)).toEqual([])
    expect(live.run.isQuiet()).toBe(true)
  })

  test('T8 ack branching: a diamond is done when both of its ways are', async () => {
    const feeder = new Feeder(Num)
    const same = branching(1)
    const diamond = defineTopology({
      name: 'diamond',
      build(builder) {
        const one = builder.setSpout('1', feeder.def)
        const left = builder.setBolt('2', same).shuffleGrouping(one)
        const right = builder.setBolt('3', same).shuffleGrouping(one)
        builder.setBolt('4', agg(4)).shuffleGrouping(left).shuffleGrouping(right)
      },
    })
    await using live = await Live.start(diamond, { workers })
    feeder.feed({ num: 1 })
    await live.advance(1_000)
    expect(feeder.takeAcks()).toBe(0)
    feeder.feed({ num: 1 })
    await live.advance(1_000)
    expect(feeder.takeAcks()).toBe(2)
  })

  test('T9 acking self anchor: a tuple named twice among the anchors is acked once', async () => {
    const feeder = new Feeder(Num)
    const dupAnchor = richBolt({
      input: Num,
      output: Num,
      execute(tuple, collector) {
        collector.emit({ num: 1 }, { anchor: [tuple, tuple] })
        collector.ack(tuple)
      },
    })
    const selfAnchor = defineTopology({
      name: 'self-anchor',
      build(builder) {
        const two = builder.setBolt('2', dupAnchor).shuffleGrouping(builder.setSpout('1', feeder.def))
        builder.setBolt('3', ackBolt).shuffleGrouping(two)
      },
    })
    await using live = await Live.start(selfAnchor, { workers })
    feeder.feed({ num: 1 })
    await live.advance(1_000)
    expect(feeder.takeAcks()).toBe(1)
    for (let i = 0; i < 3; i += 1) feeder.feed({ num: 1 })
    await live.advance(1_000)
    expect(feeder.takeAcks()).toBe(3)
    expect(feeder.failed).toEqual([])
  })

  test('T10 submit inactive: nothing is opened or prepared before it is activated', async () => {
    const feeder = new Feeder(Word)
    const calls: string[] = []
    const tracked = richBolt({
      input: Word,
      prepare: () => {
        calls.push('prepare')
      },
      execute(tuple, collector) {
        calls.push('execute')
        collector.ack(tuple)
      },
    })
    const topology = oneBolt(feeder, tracked)
    await using live = await Live.start(topology, { workers, isInactive: true })
    await live.advance(11_000)
    feeder.feed(word('a'), 1)
    await live.advance(9_000)
    expect([...feeder.calls, ...calls]).toEqual([])
    await live.drive(live.run.activate())
    await live.advance(12_000)
    expect(feeder.acked).toEqual([1])
    expect(feeder.calls).toEqual(['open', 'activate'])
    expect(calls).toEqual(['prepare', 'execute'])
  })

  // Storm's spout is asked as long as its worker lives; deactivated it keeps what is in flight.
  test('deactivate: what is in flight gets its verdict, nothing new is taken', async () => {
    const feeder = new Feeder(Word)
    const topology = defineTopology({
      name: 'pause',
      build(builder) {
        builder.setBolt('2', identity).shuffleGrouping(builder.setSpout('1', feeder.def))
      },
    })
    await using live = await Live.start(topology, { workers })
    feeder.feed(word('a'), 1)
    await live.advance(1_000)
    live.run.deactivate()
    feeder.feed(word('b'), 2)
    await live.advance(20_000)
    expect(feeder.acked).toEqual([1])
    await live.drive(live.run.activate())
    await live.advance(1_000)
    expect(feeder.acked).toEqual([1, 2])
  })
})
