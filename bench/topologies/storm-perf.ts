/**
 * The topologies of storm-perf, with its numbers of tasks: word counts split in 2 tasks and count in 2,
 * everything else has one of each. All settings are defaults; without acks the guarantee is at-most-once.
 */
import { defineTopology } from '../../src/index.ts'
import type { Bench } from '../engine.ts'
import { bookLines, SENTENCES, wordsOf } from '../text.ts'
import { Meter } from './meter.ts'
import {
  countBolt,
  cycle,
  idBolt,
  keyedCountBolt,
  meteredSpout,
  nullBolt,
  richIdBolt,
  splitBolt,
  wordSpout,
} from './parts.ts'

export interface Options {
  readonly isAcked: boolean
  readonly workerCount?: number
  /** Tuples a second; 0: at full speed. */
  readonly rate?: number
  /** Message ids though nothing acks, as storm-perf's constant spout does. */
  readonly withIds?: boolean
}

/** One tuple in 64 is timed at full speed, one in 8 at a low rate. */
const FULL_SHIFT = 10
const RATE_SHIFT = 3
const FAST = 100_000

const CONST_TEXT = 'some data'

function configOf({ isAcked, workerCount }: Options) {
  return { guarantee: isAcked ? 'at-least-once' : 'at-most-once', workers: workerCount ?? 1 } as const
}

function meterOf({ rate = 0 }: Options, hasProbes = true): Meter {
  return new Meter(rate > 0 && rate < FAST ? RATE_SHIFT : FULL_SHIFT, hasProbes)
}

function constSpout(meter: Meter, { isAcked, withIds, rate = 0 }: Options) {
  return meteredSpout(() => CONST_TEXT, { meter, withIds: withIds ?? isAcked, rate })
}

/** Of the bench beside its topology. */
function common({ isAcked, workerCount }: Options, meter: Meter) {
  return { isAcked, meter, ...(workerCount === undefined ? {} : { workerCount }) }
}

export function constSpoutOnly(options: Options): Bench {
  const meter = meterOf(options, false)
  const def = defineTopology({
    name: 'const-spout',
    config: configOf(options),
    build(builder) {
      builder.setSpout('spout', constSpout(meter, options))
    },
  })
  return { ...common(options, meter), def, unit: 'tuples', counted: 'spout', edges: [] }
}

export function constNull(options: Options): Bench {
  const meter = meterOf(options)
  const def = defineTopology({
    name: 'const-null',
    config: configOf(options),
    build(builder) {
      const spout = builder.setSpout('spout', constSpout(meter, options))
      builder.setBolt('null', nullBolt(meter)).localOrShuffleGrouping(spout)
    },
  })
  return { ...common(options, meter), def, unit: 'tuples', counted: 'null', edges: [['spout', 'null']] }
}

export function constIdNull(options: Options, isRich = false): Bench {
  const meter = meterOf(options)
  const def = defineTopology({
    name: 'const-id-null',
    config: configOf(options),
    build(builder) {
      const spout = builder.setSpout('spout', constSpout(meter, options))
      const id = builder.setBolt('id', isRich ? richIdBolt() : idBolt()).localOrShuffleGrouping(spout)
      builder.setBolt('null', nullBolt(meter)).localOrShuffleGrouping(id)
    },
  })
  const edges = [['spout', 'id'] as const, ['id', 'null'] as const]
  return { ...common(options, meter), def, unit: 'tuples', counted: 'null', edges }
}

export function simplifiedWordCount(options: Options): Bench {
  const meter = meterOf(options)
  const words = wordsOf(bookLines())
  const def = defineTopology({
    name: 'simplified-word-count',
    config: configOf(options),
    build(builder) {
      const source = wordSpout(words, { meter, withIds: options.isAcked, rate: 0 })
      const spout = builder.setSpout('spout', source)
      builder.setBolt('count', countBolt(meter)).fieldsGrouping(spout, 'word')
    },
  })
  return { ...common(options, meter), def, unit: 'words', counted: 'count', edges: [['spout', 'count']] }
}

/** Of the five sentences. */
export function wordCount(options: Options): Bench {
  return wordCountOf(SENTENCES, options)
}

/** Of the book, held in memory by the spout as in storm-perf. */
export function wordCountText(options: Options): Bench {
  return wordCountOf(bookLines(), options)
}

const WORD_EDGES = [['spout', 'split'] as const, ['split', 'count'] as const]

function wordCountOf(lines: readonly string[], options: Options): Bench {
  const meter = meterOf(options)
  const def = defineTopology({
    name: 'word-count',
    config: configOf(options),
    build(builder) {
      const source = meteredSpout(cycle(lines), {
        meter,
        withIds: options.isAcked,
        rate: options.rate ?? 0,
      })
      const spout = builder.setSpout('spout', source)
      const split = builder.setBolt('split', splitBolt(), 2).localOrShuffleGrouping(spout)
      builder.setBolt('count', countBolt(meter), 2).fieldsGrouping(split, 'word')
    },
  })
  return { ...common(options, meter), def, unit: 'words', counted: 'count', edges: WORD_EDGES }
}

/** Of the book, with the engine's keyed state instead of a map. */
export function wordCountKeyed(options: Options): Bench {
  const meter = meterOf(options, false)
  const lines = bookLines()
  const def = defineTopology({
    name: 'word-count-keyed',
    config: configOf(options),
    build(builder) {
      const source = meteredSpout(cycle(lines), { meter, withIds: options.isAcked, rate: 0 })
      const spout = builder.setSpout('spout', source)
      const split = builder.setBolt('split', splitBolt(), 2).localOrShuffleGrouping(spout)
      builder.setBolt('count', keyedCountBolt(), 2).fieldsGrouping(split, 'word')
    },
  })
  return { ...common(options, meter), def, unit: 'words', counted: 'count', edges: WORD_EDGES }
}
