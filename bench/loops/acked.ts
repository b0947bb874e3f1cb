/**
 * What an engine does, written by hand for one topology: a spout with a bound on what is in flight, tasks
 * with rings, emits that wait for the end of the call, and XOR acks. No interfaces, no groupings to choose
 * from, no statistics, no error policies, no backpressure but the bound. The reference for "at most twice
 * the cost of a loop that does the same work".
 *
 *   lines ─▶ split ×2 (ring) ─▶ count ×2 (ring, by the word's hash)
 *     ╰──────────── root ◀── XOR of edges ◀──────────╯
 */

import { bucketOf, hashText } from '../../src/base/hash.ts'
import { Histogram } from '../../src/base/histogram.ts'
import type { DrivenWorkload } from '../measure.ts'

const PENDING_MAX = 1_000
const STEP_LIMIT = 256
const SAMPLE_EVERY = 64
const TASKS = 2

/** A tree: the XOR of its edges, zero when it is done. */
class Root {
  low = 0
  high = 0
  readonly messageId: number
  readonly sentMs: number

  constructor(messageId: number, sentMs: number) {
    this.messageId = messageId
    this.sentMs = sentMs
  }
}

class Tuple {
  readonly values: { readonly text: string }
  readonly root: Root
  readonly edgeLow: number
  readonly edgeHigh: number

  constructor(values: { readonly text: string }, root: Root, edgeLow: number, edgeHigh: number) {
    this.values = values
    this.root = root
    this.edgeLow = edgeLow
    this.edgeHigh = edgeHigh
  }
}

/** A ring that grows; the bound is that of the spout. */
class Ring {
  count = 0
  private places: (Tuple | undefined)[] = new Array<Tuple | undefined>(1024).fill(undefined)
  private first = 0

  push(tuple: Tuple): void {
    if (this.count === this.places.length) this.grow()
    this.places[(this.first + this.count) & (this.places.length - 1)] = tuple
    this.count += 1
  }

  shift(): Tuple | undefined {
    if (this.count === 0) return undefined
    const tuple = this.places[this.first]
    this.places[this.first] = undefined
    this.first = (this.first + 1) & (this.places.length - 1)
    this.count -= 1
    return tuple
  }

  private grow(): void {
    const { places, first } = this
    const grown = new Array<Tuple | undefined>(places.length * 2).fill(undefined)
    for (let i = 0; i < places.length; i += 1) grown[i] = places[(first + i) & (places.length - 1)]
    this.places = grown
    this.first = 0
  }
}

/** 64 random bits a tuple, as two halves: xorshift128. */
class EdgeIds {
  low = 0
  high = 0
  private a = 123456789
  private b = 362436069
  private c = 521288629
  private d = 88675123

  take(): void {
    this.low = this.next()
    this.high = this.next()
  }

  private next(): number {
    const t = this.a ^ (this.a << 11)
    this.a = this.b
    this.b = this.c
    this.c = this.d
    this.d = this.d ^ (this.d >>> 19) ^ (t ^ (t >>> 8))
    return this.d
  }
}

class AckedWordCount implements DrivenWorkload {
  readonly unit = 'words'
  private readonly lines: readonly string[]
  private readonly ids = new EdgeIds()
  private readonly complete = new Histogram()
  private readonly splits = [new Ring(), new Ring()]
  private readonly counts = [new Ring(), new Ring()]
  private readonly maps = [new Map<string, number>(), new Map<string, number>()]
  /** Emits of the call in hand. */
  private readonly buffered: { readonly text: string }[] = []
  private emitted: { readonly word: string; readonly count: number } | undefined
  private wordCount = 0
  private pendingCount = 0
  private nextId = 0
  private at = 0
  private done: Root[] = []

  constructor(lines: readonly string[]) {
    this.lines = lines
  }

  count(): number {
    return this.emitted === undefined ? 0 : this.wordCount
  }

  latency() {
    return this.complete.snapshot()
  }

  turn(): void {
    for (let round = 0; round < 8; round += 1) {
      this.stepSpout()
      for (let task = 0; task < TASKS; task += 1) this.stepSplit(task)
      for (let task = 0; task < TASKS; task += 1) this.stepCount(task)
    }
  }

  private stepSpout(): void {
    const { done } = this
    this.done = []
    for (const root of done) {
      this.pendingCount -= 1
      if (root.sentMs > 0) this.complete.record(performance.now() - root.sentMs)
    }
    for (let i = 0; i < STEP_LIMIT && this.pendingCount < PENDING_MAX; i += 1) {
      const id = this.nextId
      this.nextId += 1
      const root = new Root(id, id % SAMPLE_EVERY === 0 ? performance.now() : 0)
      this.pendingCount += 1
      const text = this.lines[this.at] ?? ''
      this.at = this.at + 1 === this.lines.length ? 0 : this.at + 1
      this.send(this.splits[id & 1], { text }, root)
    }
  }

  private stepSplit(task: number): void {
    const ring = this.splits[task]
    if (ring === undefined) return
    for (let i = 0; i < STEP_LIMIT; i += 1) {
      const tuple = ring.shift()
      if (tuple === undefined) return
      this.split(tuple.values.text)
      const { buffered } = this
      for (const values of buffered) {
        this.send(this.counts[bucketOf(hashText(values.text), TASKS)], values, tuple.root)
      }
      buffered.length = 0
      this.ack(tuple)
    }
  }

  private split(line: string): void {
    let from = 0
    for (let to = line.indexOf(' '); to >= 0; to = line.indexOf(' ', from)) {
      if (to > from) this.buffered.push({ text: line.slice(from, to) })
      from = to + 1
    }
    if (from < line.length) this.buffered.push({ text: line.slice(from) })
  }

  private stepCount(task: number): void {
    const ring = this.counts[task]
    const counts = this.maps[task]
    if (ring === undefined || counts === undefined) return
    while (ring.count > 0) {
      const tuple = ring.shift()
      if (tuple === undefined) return
      const word = tuple.values.text
      const count = (counts.get(word) ?? 0) + 1
      counts.set(word, count)
      this.wordCount += 1
      this.emitted = { word, count }
      this.ack(tuple)
    }
  }

  /** The edge is in the root before anyone can ack it. */
  private send(ring: Ring | undefined, values: { readonly text: string }, root: Root): void {
    const { ids } = this
    ids.take()
    root.low ^= ids.low
    root.high ^= ids.high
    ring?.push(new Tuple(values, root, ids.low, ids.high))
  }

  private ack(tuple: Tuple): void {
    const { root } = tuple
    root.low ^= tuple.edgeLow
    root.high ^= tuple.edgeHigh
    if ((root.low | root.high) === 0) this.done.push(root)
  }
}

export function ackedWordCount(lines: readonly string[]): DrivenWorkload {
  return new AckedWordCount(lines)
}

/** Spout → null bolt, called directly, each tuple a tree that is acked and told to the spout. */
export function ackedConstNull(): DrivenWorkload {
  const ids = new EdgeIds()
  const complete = new Histogram()
  let done: Root[] = []
  let executed = 0
  let nextId = 0
  let seen = 0
  const execute = (tuple: Tuple): void => {
    executed += 1
    seen += tuple.values.text.length
    const { root } = tuple
    root.low ^= tuple.edgeLow
    root.high ^= tuple.edgeHigh
    if ((root.low | root.high) === 0) done.push(root)
  }
  const tell = (): void => {
    const told = done
    done = []
    for (const root of told) if (root.sentMs > 0) complete.record(performance.now() - root.sentMs)
  }
  return {
    unit: 'tuples',
    count: () => (seen > 0 ? executed : 0),
    latency: () => complete.snapshot(),
    turn() {
      for (let i = 0; i < 4_096; i += 1) {
        const root = new Root(nextId, nextId % SAMPLE_EVERY === 0 ? performance.now() : 0)
        nextId += 1
        ids.take()
        root.low ^= ids.low
        root.high ^= ids.high
        execute(new Tuple({ text: 'some data' }, root, ids.low, ids.high))
        if (done.length >= 128) tell()
      }
      tell()
    },
  }
}
