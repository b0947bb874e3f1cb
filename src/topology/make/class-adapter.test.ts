// Goal: a class from Storm runs like a definition: its calls, its order, one instance per task.
import { describe, expect, test } from 'vitest'
import { BaseBasicBolt, BaseRichBolt, BaseRichSpout, type OutputFieldsDeclarer } from '../classes.ts'
import type { TopologyContext } from '../context.ts'
import { direct, fields } from '../schema/fields.ts'
import type { Streams } from '../schema/streams.ts'
import type { Failure, Tuple } from '../tuple.ts'
import { boltOfClass, spoutOfClass } from './class-adapter.ts'

const Word = fields({ word: 'string' })
const context = { component: 'c' } as TopologyContext
const tuple = { values: { word: 'a' } } as unknown as Tuple
const failure: Failure = { reason: 'explicit', component: undefined, message: undefined, failedBefore: 0 }

/** Everything that is called, in order, with the arguments that matter. */
type Log = unknown[][]

function basicClass(log: Log) {
  return class Split extends BaseBasicBolt<
    { word: string },
    { default: { word: string }; bad: { word: string } }
  > {
    override declareOutputFields(declarer: OutputFieldsDeclarer): void {
      declarer.declare(Word)
      declarer.declareStream('bad', Word)
      declarer.declareDirectStream('to', Word)
    }
    override getComponentConfiguration() {
      return { concurrency: 2 }
    }
    override async prepare(got: TopologyContext): Promise<void> {
      log.push(['prepare', got.component])
    }
    override execute(got: Tuple<{ word: string }>, collector: unknown): Promise<string> {
      log.push(['execute', got.values.word, collector])
      return Promise.resolve('done')
    }
    override onTick(collector: unknown): void {
      log.push(['onTick', collector])
    }
    override cleanup(): void {
      log.push(['cleanup'])
    }
  } as unknown as new () => BaseBasicBolt
}

describe('a basic bolt', () => {
  test('says its streams and settings', () => {
    const Split = basicClass([])
    const { form, outputs, settings, inputs, kind } = boltOfClass("setBolt('b')", () => new Split())
    expect([kind, form, inputs]).toEqual(['bolt', 'basic', undefined])
    expect([...outputs.values()].map(({ streamId, direct: isDirect }) => [streamId, isDirect])).toEqual([
      ['default', false],
      ['bad', false],
      ['to', true],
    ])
    expect(settings).toEqual({ concurrency: 2 })
  })

  test('is called like a definition', async () => {
    const log: Log = []
    const Split = basicClass(log)
    const definition = boltOfClass("setBolt('b')", () => new Split())
    if (definition.form !== 'basic') throw new Error(definition.form)
    const { spec } = definition
    const prepared = await spec.prepare?.(context, {})
    expect(await spec.execute(tuple, 'out', prepared)).toBe('done')
    spec.onTick?.('out', prepared)
    spec.cleanup?.(prepared)
    expect(log).toEqual([['prepare', 'c'], ['execute', 'a', 'out'], ['onTick', 'out'], ['cleanup']])
  })

  test('has one instance per task', () => {
    class Quiet extends BaseBasicBolt {
      override execute(): void {}
    }
    const definition = boltOfClass("setBolt('b')", () => new Quiet())
    if (definition.form !== 'basic') throw new Error(definition.form)
    const [first, second] = [definition.spec.prepare?.(context, {}), definition.spec.prepare?.(context, {})]
    expect(first).toBeInstanceOf(Quiet)
    expect(second).not.toBe(first)
    expect(definition.spec.onTick, 'ticks are asked for only if somebody hears them').toBeUndefined()
  })
})

test('a rich bolt hears of its collector in prepare', () => {
  const log: Log = []
  class Join extends BaseRichBolt {
    override prepare(_context: TopologyContext, collector: unknown): void {
      log.push(['prepare', collector])
    }
    override execute(got: Tuple): void {
      log.push(['execute', got.values['word']])
    }
    override onTick(): void {
      log.push(['onTick'])
    }
  }
  const definition = boltOfClass("setBolt('b')", () => new Join())
  if (definition.form !== 'rich') throw new Error(definition.form)
  const { spec } = definition
  const prepared = spec.prepare?.(context, {}, 'collector')
  spec.execute(tuple, 'collector', prepared)
  spec.onTick?.('collector', prepared)
  expect(log).toEqual([['prepare', 'collector'], ['execute', 'a'], ['onTick']])
})

test('a spout is opened with its collector, and told of everything', () => {
  const log: Log = []
  class Words extends BaseRichSpout<Streams> {
    override open(_context: TopologyContext, collector: unknown): void {
      log.push(['open', collector])
    }
    override nextTuple(): void {
      log.push(['nextTuple'])
    }
    override ack(id: unknown): void {
      log.push(['ack', id])
    }
    override fail(id: unknown, why: Failure): void {
      log.push(['fail', id, why.reason])
    }
    override activate(): void {
      log.push(['activate'])
    }
    override deactivate(): void {
      log.push(['deactivate'])
    }
    override close(): void {
      log.push(['close'])
    }
  }
  const { spec, replay } = spoutOfClass("setSpout('s')", () => new Words())
  const prepared = spec.open?.(context, 'collector')
  spec.activate?.(prepared)
  spec.nextTuple('collector', prepared)
  spec.ack?.(7, prepared)
  spec.fail?.(8, prepared, failure)
  spec.deactivate?.(prepared)
  spec.close?.(prepared)
  expect(replay).toBe('plain')
  expect(log).toEqual([
    ['open', 'collector'],
    ['activate'],
    ['nextTuple'],
    ['ack', 7],
    ['fail', 8, 'explicit'],
    ['deactivate'],
    ['close'],
  ])
})

describe('what cannot be taken', () => {
  class Twice extends BaseBasicBolt<unknown, Streams> {
    override declareOutputFields(declarer: OutputFieldsDeclarer): void {
      declarer.declare(Word)
      declarer.declare(Word)
    }
    override execute(): void {}
  }

  test('a class instead of a function', () => {
    expect(() => boltOfClass("setBolt('b')", Twice as unknown as () => unknown)).toThrow(
      "setBolt('b') was given the class Twice: give a function that makes one, () => new Twice()",
    )
  })

  test('a function that makes something else', () => {
    expect(() => boltOfClass("setBolt('b')", () => new Map())).toThrow(
      "setBolt('b'): the function makes an instance of Map, which extends neither BaseBasicBolt nor " +
        'BaseRichBolt',
    )
    expect(() => spoutOfClass("setSpout('s')", () => new Twice())).toThrow(
      "setSpout('s'): the function makes an instance of Twice, which does not extend BaseRichSpout",
    )
  })

  test('a stream declared twice, or without a schema', () => {
    expect(() => boltOfClass("setBolt('b')", () => new Twice())).toThrow(
      "setBolt('b') declares the stream default twice",
    )
    class Odd extends BaseBasicBolt<unknown, Streams> {
      override declareOutputFields(declarer: OutputFieldsDeclarer): void {
        declarer.declareStream('bad', direct(Word) as never)
      }
      override execute(): void {}
    }
    expect(() => boltOfClass("setBolt('b')", () => new Odd())).toThrow(
      "setBolt('b'): the stream bad must be given a schema",
    )
  })

  test('a function that makes another thing later', () => {
    const made: unknown[] = [new (basicClass([]))(), 'text']
    const definition = boltOfClass("setBolt('b')", () => made.shift())
    expect(() => definition.form === 'basic' && definition.spec.prepare?.(context, {})).toThrow(
      "setBolt('b'): the function made a string this time",
    )
  })
})
