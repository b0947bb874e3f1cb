import { describe, expect, test } from 'vitest'
import { crc32 } from '../host/crc32.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import { beginFrame, endFrame, FrameKind } from '../wire/frame.ts'
import { FrameReader } from '../wire/frame-reader.ts'
import { FrameQueue } from './frame-queue.ts'
import { isLater, sequenceAfter } from './sequence.ts'

function queueOf(first: number, count: number): FrameQueue {
  const queue = new FrameQueue()
  for (let n = 0; n < count; n += 1) queue.push(first + n, new Uint8Array(10).fill(n))
  return queue
}

function takeAll(queue: FrameQueue): number[] {
  const taken: number[] = []
  for (let bytes = queue.take(); bytes !== undefined; bytes = queue.take()) taken.push(bytes[0] ?? -1)
  return taken
}

describe('FrameQueue', () => {
  test('gives frames once, and after a rewind those again that were not acknowledged', () => {
    const queue = queueOf(1, 5)
    expect(takeAll(queue)).toEqual([0, 1, 2, 3, 4])
    expect([queue.count, queue.unsentCount, queue.queuedBytes]).toEqual([5, 0, 50])
    queue.acknowledge(2)
    queue.rewind()
    expect([queue.firstSequence, queue.count, queue.unsentCount, queue.queuedBytes]).toEqual([3, 3, 3, 30])
    expect(takeAll(queue)).toEqual([2, 3, 4])
  })

  test('keeps what was not sent, whatever is acknowledged', () => {
    const queue = queueOf(1, 3)
    queue.take()
    queue.acknowledge(0)
    expect(queue.count).toBe(3)
    queue.acknowledge(99)
    expect(queue.count).toBe(2)
  })

  test('acknowledges across the wrap of numbers', () => {
    const queue = new FrameQueue()
    for (const n of [2 ** 32 - 2, 2 ** 32 - 1, 1, 2]) queue.push(n, new Uint8Array(1))
    takeAll(queue)
    queue.acknowledge(1)
    expect([queue.firstSequence, queue.count]).toEqual([2, 1])
  })

  test('gives up the oldest of what was sent, nothing else', () => {
    const queue = queueOf(1, 5)
    queue.take()
    queue.take()
    expect(queue.shrinkSent(40)).toBe(true)
    expect(queue.firstSequence).toBe(2)
    expect(queue.shrinkSent(20)).toBe(false)
    expect([queue.firstSequence, queue.count]).toEqual([3, 3])
    expect(takeAll(queue)).toEqual([2, 3, 4])
  })

  test('holds no more than it has when thousands have passed', () => {
    const queue = new FrameQueue()
    for (let n = 1; n <= 10_000; n += 1) {
      queue.push(n, new Uint8Array([n & 255]))
      expect(queue.take()?.[0]).toBe(n & 255)
      queue.acknowledge(n - 3)
    }
    expect([queue.count, queue.queuedBytes, queue.firstSequence]).toEqual([3, 3, 9_998])
    queue.rewind()
    expect(takeAll(queue)).toEqual([9_998 & 255, 9_999 & 255, 10_000 & 255])
  })

  test('addresses frames anew so that they are whole', () => {
    const writer = new ByteWriter()
    const start = beginFrame(writer, FrameKind.ACKS, 1, 0)
    endFrame(writer, start, crc32)
    const queue = new FrameQueue()
    queue.push(1, writer.copy())
    queue.readdress(7, crc32)
    const reader = new FrameReader(crc32, 100)
    reader.push(queue.take() ?? new Uint8Array(0))
    expect([reader.next(), reader.incarnation, reader.sequence]).toEqual([true, 7, 1])
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
