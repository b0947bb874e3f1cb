/** The helpers of Storm's tests (`org.apache.storm.testing`), in our API. */
import { bolt, type Failure, fields, richBolt, type Schema, type SpoutDef, spout, type Tuple } from 'typhoon'

export const Word = fields({ word: 'string' })
export const WordCount = fields({ word: 'string', count: 'int' })
export const Count = fields({ count: 'int' })
export const Num = fields({ num: 'int' })

/**
 * Storm's FeederSpout with its trackers: emits what the test feeds, tells what was acked and failed, replays
 * nothing. All tasks of the spout take from one queue.
 */
export class Feeder<V extends object> {
  readonly acked: unknown[] = []
  readonly failed: Array<{ readonly id: unknown; readonly failure: Failure; readonly atMs: number }> = []
  readonly calls: string[] = []
  readonly def: SpoutDef<{ default: V }, 'plain'>
  private readonly waiting: Array<readonly [V, unknown]> = []
  private fedCount = 0
  private told = 0

  constructor(output: Schema<V>, settings: { readonly maxSpoutPending?: number } = {}) {
    const queue = this
    this.def = spout({
      output,
      ...settings,
      // Feeds are seen within this time: a test that advances seconds need not run thousands of empty calls.
      spoutEmptyWait: '10ms',
      open(context) {
        queue.calls.push('open')
        return context
      },
      activate: () => queue.calls.push('activate'),
      nextTuple(out) {
        const next = queue.waiting.shift()
        if (next !== undefined) out.emit(next[0], { messageId: next[1] })
      },
      ack: (id) => queue.acked.push(id),
      fail: (id, context, failure) => queue.failed.push({ id, failure, atMs: context.now() }),
    })
  }

  feed(values: V, id: unknown = `feed ${this.fedCount}`): void {
    this.fedCount += 1
    this.waiting.push([values, id])
  }

  /** Acks since the last look: Storm's AckTracker with its reset. */
  takeAcks(): number {
    const count = this.acked.length - this.told
    this.told = this.acked.length
    return count
  }

  hasFailed(id: unknown): boolean {
    return this.failed.some((each) => each.id === id)
  }
}

/** Words of a list: Storm's TestWordSpout behind a mock. */
export const wordSpout = spout({ output: Word, nextTuple() {} })

/** Storm's TestWordCounter. */
export const wordCounter = bolt({
  input: Word,
  output: WordCount,
  prepare: () => new Map<string, number>(),
  execute({ values: { word } }, out, counts) {
    const count = (counts.get(word) ?? 0) + 1
    counts.set(word, count)
    out.emit({ word, count })
  },
})

/** Storm's TestGlobalCount: how many tuples came to this task. */
export const globalCount = bolt({
  output: Count,
  prepare: () => ({ count: 0 }),
  execute(_tuple, out, self) {
    self.count += 1
    out.emit({ count: self.count })
  },
})

/** Storm's TestAggregatesCounter: how many words are known, and how often all of them came. */
export const aggregatesCounter = bolt({
  input: WordCount,
  output: Count,
  prepare: () => new Map<string, number>(),
  execute({ values: { word, count } }, out, counts) {
    counts.set(word, count)
    out.emit({ count: [...counts.values()].reduce((sum, each) => sum + each, 0) })
  },
})

/** Emits its input's word again. */
export const identity = bolt({
  input: Word,
  output: Word,
  execute: ({ values }, out) => out.emit(values),
})

/** Storm's BranchingBolt: `count` anchored tuples, then ack. */
export const branching = (count: number) =>
  richBolt({
    input: Num,
    output: Num,
    execute(tuple, collector) {
      for (let num = 0; num < count; num += 1) collector.emit({ num }, { anchor: tuple })
      collector.ack(tuple)
    },
  })

/** Storm's AggBolt: of each `count` tuples one anchored to all of them, then acks them. */
export const agg = (count: number) =>
  richBolt({
    input: Num,
    output: Num,
    prepare: () => ({ seen: [] as Tuple<{ num: number }>[] }),
    execute(tuple, collector, self) {
      self.seen.push(tuple)
      if (self.seen.length < count) return
      const anchor = self.seen.splice(0)
      collector.emit({ num: 1 }, { anchor })
      for (const each of anchor) collector.ack(each)
    },
  })

/** Storm's AckBolt. */
export const ackBolt = richBolt({ input: Num, execute: (tuple, collector) => collector.ack(tuple) })

/** As a multiset: order between tasks is nobody's promise. */
export function sorted(items: readonly unknown[]): readonly string[] {
  return items.map((item) => JSON.stringify(item)).sort()
}
