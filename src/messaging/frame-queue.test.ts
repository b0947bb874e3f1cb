import { describe, expect, test } from 'vitest'
import { FramePool } from './frame-pool.ts'
import { FrameQueue } from './frame-queue.ts'
import { isLater, sequenceAfter } from './sequence.ts'

const POISON = 0xdb

function emptyQueue(numbers: number[] = []): FrameQueue {
  const pool = new FramePool({ arrayBytes: 2_000, countMax: 2, isPoisoning: true })
  return new FrameQueue({ pool, stamp: (_bytes, sequence) => numbers.push(sequence) })
}

function queueOf(count: number): FrameQueue {
  const queue = emptyQueue()
  for (let n = 0; n < count; n += 1) queue.push(new Uint8Array(10).fill(n))
  return queue
}

function takeAll(queue: FrameQueue): number[] {
  const taken: number[] = []
  for (let bytes = queue.take(); bytes !== undefined; bytes = queue.take()) taken.push(bytes[0] ?? -1)
  return taken
}

describe('FrameQueue', () => {
  test('gives frames once, and after a rewind those again that were not acknowledged', () => {
    const queue = queueOf(5)
    expect(takeAll(queue)).toEqual([0, 1, 2, 3, 4])
    expect([queue.count, queue.unsentCount, queue.queuedBytes]).toEqual([5, 0, 50])
    queue.acknowledge(2)
    queue.rewind()
    expect([queue.firstSequence, queue.count, queue.unsentCount, queue.queuedBytes]).toEqual([3, 3, 3, 30])
    expect(takeAll(queue)).toEqual([2, 3, 4])
  })

  test('keeps what was not sent, whatever is acknowledged', () => {
    const queue = queueOf(3)
    queue.take()
    queue.acknowledge(0)
    expect(queue.count).toBe(3)
    queue.acknowledge(99)
    expect(queue.count).toBe(2)
  })

  test('acknowledges across the wrap of numbers', () => {
    const queue = queueOf(4)
    queue.sequence = 2 ** 32 - 3
    takeAll(queue)
    queue.acknowledge(1)
    expect([queue.firstSequence, queue.count]).toEqual([2, 1])
  })

  test('gives up the oldest of what was sent, nothing else', () => {
    const queue = queueOf(5)
    queue.take()
    queue.take()
    expect(queue.shrinkSent(40)).toBe(true)
    expect(queue.firstSequence).toBe(2)
    expect(queue.shrinkSent(20)).toBe(false)
    expect([queue.firstSequence, queue.count]).toEqual([3, 3])
    expect(takeAll(queue)).toEqual([2, 3, 4])
  })

  test('holds no more than it has when thousands have passed', () => {
    const queue = emptyQueue()
    for (let n = 1; n <= 10_000; n += 1) {
      queue.push(new Uint8Array([n & 127]))
      expect(queue.take()?.[0]).toBe(n & 127)
      queue.acknowledge(n - 3)
    }
    expect([queue.count, queue.queuedBytes, queue.firstSequence]).toEqual([3, 3, 9_998])
    queue.rewind()
    expect(takeAll(queue)).toEqual([9_998 & 127, 9_999 & 127, 10_000 & 127])
  })

  test('lets what is urgent go first, and the bulk not stand still', () => {
    const numbers: number[] = []
    const queue = emptyQueue(numbers)
    for (let n = 0; n < 3; n += 1) queue.push(new Uint8Array([100 + n]))
    for (let n = 0; n < 18; n += 1) queue.pushUrgent(new Uint8Array([n]))
    const upTo = (from: number) => Array.from({ length: 8 }, (_, n) => from + n)
    expect(takeAll(queue)).toEqual([...upTo(0), 100, ...upTo(8), 101, 16, 17, 102])
    // Numbers are given in the order of sending, once.
    expect(numbers).toEqual(Array.from({ length: 21 }, (_, n) => n + 1))
    queue.rewind()
    queue.take()
    expect(numbers.length).toBe(21)
  })

  test('shows by a missing number that frames were given up', () => {
    const numbers: number[] = []
    const queue = emptyQueue(numbers)
    queue.push(new Uint8Array(1))
    queue.take()
    queue.push(new Uint8Array(1))
    queue.clear()
    queue.skip()
    expect(queue.firstSequence).toBe(3)
    queue.push(new Uint8Array(1))
    queue.take()
    expect(numbers).toEqual([1, 3])
  })

  test('gives arrays back when they were acknowledged, and only then', () => {
    const queue = queueOf(4)
    const [first, second, third] = [queue.take(), queue.take(), queue.take()]
    queue.acknowledge(1)
    expect(first?.[0]).toBe(POISON)
    // It may still be in the middle of a write.
    queue.shrinkSent(20)
    expect(second?.[0]).toBe(1)
    queue.clear()
    expect(third?.[0]).toBe(2)
  })
})

describe('FramePool', () => {
  test('gives an array again, with room for the size that is asked for', () => {
    const pool = new FramePool({ arrayBytes: 2_000, countMax: 1, isPoisoning: false })
    const first = pool.take(1_500)
    pool.give(first)
    const second = pool.take(1_800)
    expect(second.buffer).toBe(first.buffer)
    expect(second.length).toBe(1_800)
    expect(pool.take(1_500).buffer).not.toBe(first.buffer)
  })

  test('keeps neither small nor huge frames, nor more than its bound', () => {
    const pool = new FramePool({ arrayBytes: 2_000, countMax: 2, isPoisoning: false })
    for (const frame of [10, 5_000, 2_000, 1_500, 1_024].map((size) => pool.take(size))) pool.give(frame)
    expect(pool.spareCount).toBe(2)
  })
})

test('numbers follow one another past the end, without 0', () => {
  expect(sequenceAfter(0)).toBe(1)
  expect(sequenceAfter(2 ** 32 - 2)).toBe(2 ** 32 - 1)
  expect(sequenceAfter(2 ** 32 - 1)).toBe(1)
  expect(isLater(1, 2 ** 32 - 1)).toBe(true)
  expect(isLater(2 ** 32 - 1, 1)).toBe(false)
  expect(isLater(5, 5)).toBe(false)
  expect(isLater(2 ** 31 + 5, 2 ** 31)).toBe(true)
})
