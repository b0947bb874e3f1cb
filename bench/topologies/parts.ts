/** Spouts and bolts of the storm-perf topologies, with meters in them. */
import { bolt, fields, keyedBolt, richBolt, spout, valueState } from '../../src/index.ts'
import { isProbe, type Meter } from './meter.ts'

export const text = fields({ value: 'string' })
export const word = fields({ word: 'string' })
export const counted = fields({ word: 'string', count: 'int' })

export interface SourceOptions {
  readonly meter: Meter
  /** With message ids: acked, or as the original does even without ackers. */
  readonly withIds: boolean
  /** Tuples a second on a fixed schedule; 0: as many as there is room for. */
  readonly rate: number
}

/** One tuple a call, as storm-perf's spouts do. `next` gives its text. */
export function meteredSpout(next: () => string, options: SourceOptions) {
  const { meter, withIds, rate } = options
  const periodMs = rate > 0 ? 1000 / rate : 0
  let startMs = 0
  /** Tuples due by the last look at the clock, which is not free: one look serves all that are due. */
  let dueCount = 0
  let n = 0
  return spout({
    output: text,
    nextTuple(out) {
      let dueMs = 0
      if (periodMs > 0) {
        if (n >= dueCount) {
          const nowMs = performance.now()
          if (startMs === 0) startMs = nowMs
          dueCount = Math.floor((nowMs - startMs) / periodMs) + 1
          if (n >= dueCount) return
        }
        dueMs = startMs + n * periodMs
      }
      const value = meter.sent(n, next(), dueMs)
      if (withIds) out.emit({ value }, { messageId: n })
      else out.emit({ value })
      n += 1
    },
    ack: (messageId) => {
      if (typeof messageId === 'number') meter.acked(messageId)
    },
  })
}

/** The same as words: what the simplified word count begins with. */
export function wordSpout(words: readonly string[], options: SourceOptions) {
  const { meter, withIds } = options
  const next = cycle(words)
  let n = 0
  return spout({
    output: word,
    nextTuple(out) {
      const one = meter.sent(n, next(), 0)
      if (withIds) out.emit({ word: one }, { messageId: n })
      else out.emit({ word: one })
      n += 1
    },
    ack: (messageId) => {
      if (typeof messageId === 'number') meter.acked(messageId)
    },
  })
}

/** Gives them again and again. */
export function cycle(texts: readonly string[]): () => string {
  let at = 0
  return () => {
    const one = texts[at] ?? ''
    at = at + 1 === texts.length ? 0 : at + 1
    return one
  }
}

export function idBolt() {
  return bolt({
    input: text,
    output: text,
    execute: (tuple, out) => out.emit({ value: tuple.values.value }),
  })
}

/** The same by hand: anchored and acked by the bolt, emitted at once. */
export function richIdBolt() {
  return richBolt({
    input: text,
    output: text,
    execute(tuple, out) {
      out.emit({ value: tuple.values.value }, { anchor: tuple })
      out.ack(tuple)
    },
  })
}

export function nullBolt(meter: Meter) {
  return bolt({
    input: text,
    execute(tuple) {
      const { value } = tuple.values
      if (isProbe(value)) meter.arrived(value)
    },
  })
}

export function splitBolt() {
  return bolt({
    input: text,
    output: word,
    execute(tuple, out) {
      const { value } = tuple.values
      let from = 0
      for (let to = value.indexOf(' '); to >= 0; to = value.indexOf(' ', from)) {
        if (to > from) out.emit({ word: value.slice(from, to) })
        from = to + 1
      }
      if (from < value.length) out.emit({ word: value.slice(from) })
    },
  })
}

/** Counts in a map, as the original does, and emits each count, which nobody reads. */
export function countBolt(meter: Meter) {
  return bolt({
    input: word,
    output: counted,
    prepare: () => new Map<string, number>(),
    execute(tuple, out, counts) {
      const one = tuple.values.word
      if (isProbe(one)) {
        meter.arrived(one)
        return
      }
      const count = (counts.get(one) ?? 0) + 1
      counts.set(one, count)
      out.emit({ word: one, count })
    },
  })
}

/** The same with state that the engine keeps. Not for probes: each would be a key of its own. */
export function keyedCountBolt() {
  return keyedBolt({
    input: word,
    key: 'word',
    output: counted,
    state: { count: valueState({ initial: () => 0 }) },
    execute(tuple, out, { count }) {
      const now = count.get() + 1
      count.set(now)
      out.emit({ word: tuple.values.word, count: now })
    },
  })
}
