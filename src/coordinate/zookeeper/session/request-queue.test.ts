import { expect, test } from 'vitest'
import { hasCode } from '../../../base/errors.ts'
import { PENDING_MAX } from '../../coordinator.ts'
import { JuteReader } from '../protocol/jute-reader.ts'
import { JuteWriter } from '../protocol/jute-writer.ts'
import { unavailable } from '../protocol/server-errors.ts'
import type { PendingCall } from './call.ts'
import { IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX, RequestQueue } from './request-queue.ts'

const writer = new JuteWriter()
const reader = new JuteReader()

class FakeCall implements PendingCall {
  readonly xid: number
  readonly frame: Uint8Array<ArrayBuffer>
  readonly deadlineMs: number
  readonly what = 'call'
  sentMs = -1
  isSettled = false
  /** What became of it. */
  end = 'open'

  constructor(xid: number, deadlineMs = 1_000, sizeBytes = 10) {
    this.xid = xid
    this.deadlineMs = deadlineMs
    this.frame = writer.begin().buffer(new Uint8Array(sizeBytes)).end()
  }

  answer(): void {
    this.settle('answered')
  }

  fail(error: Error): void {
    const details = 'details' in error ? error.details : {}
    this.settle(JSON.stringify(details))
  }

  private settle(end: string): void {
    if (this.isSettled) return
    this.isSettled = true
    this.end = end
  }
}

const fill = (queue: RequestQueue, count: number, sizeBytes = 10) =>
  Array.from({ length: count }, (_, index) => {
    const call = new FakeCall(index + 1, 1_000, sizeBytes)
    queue.push(call)
    return call
  })

test('a window of calls goes out, the rest as answers come, all in order', () => {
  const queue = new RequestQueue()
  const calls = fill(queue, 2 * IN_FLIGHT_MAX + 5)
  queue.takeSendable(10)
  expect(calls.filter(({ sentMs }) => sentMs === 10).length).toBe(IN_FLIGHT_MAX)
  expect(queue.answer(1, 0, reader)).toBe(10)
  queue.takeSendable(20)
  expect(calls.filter(({ sentMs }) => sentMs === 20)).toEqual([calls[IN_FLIGHT_MAX]])
  for (let xid = 2; xid <= calls.length; xid += 1) {
    queue.answer(xid, 0, reader)
    queue.takeSendable(30)
  }
  expect(calls.every(({ end }) => end === 'answered')).toBe(true)
  expect([queue.pendingCount, queue.hasWaiting]).toEqual([0, false])
})

test('large requests fill the window by their bytes', () => {
  const queue = new RequestQueue()
  const calls = fill(queue, 10, 1_000_000)
  queue.takeSendable(1)
  expect(calls.filter(({ sentMs }) => sentMs === 1).length).toBe(Math.ceil(IN_FLIGHT_BYTES_MAX / 1_000_000))
})

test('an answer to another call, or to none, is malformed', () => {
  const queue = new RequestQueue()
  fill(queue, 2)
  const codes = [() => queue.answer(1, 0, reader), () => queue.answer(2, 0, reader)].map((call, index) => {
    if (index === 1) queue.takeSendable(1)
    try {
      call()
      return false
    } catch (error) {
      return hasCode(error, 'FRAME_MALFORMED')
    }
  })
  expect(codes).toEqual([true, true])
})

test('more than may wait are refused at once', () => {
  const queue = new RequestQueue()
  fill(queue, PENDING_MAX)
  const [late] = [new FakeCall(PENDING_MAX + 1)]
  queue.push(late)
  expect(late.end).toBe('{"outcome":"none"}')
  expect(queue.pendingCount).toBe(PENDING_MAX)
})

test('deadlines: who was not sent has done nothing, who was sent is not sure and keeps its place', () => {
  const queue = new RequestQueue()
  const [sent, second] = [new FakeCall(1, 100), new FakeCall(2, 300)]
  queue.push(sent)
  queue.push(second)
  queue.takeSendable(1)
  const waiting = new FakeCall(3, 200)
  queue.push(waiting)
  expect(queue.nextDeadlineMs).toBe(100)
  queue.settleLate(99)
  expect(sent.end).toBe('open')
  queue.settleLate(100)
  expect([sent.end, queue.nextDeadlineMs]).toEqual(['{"outcome":"unknown"}', 200])
  queue.settleLate(250)
  expect([waiting.end, queue.nextDeadlineMs]).toEqual(['{"outcome":"none"}', 300])
  expect(queue.answer(1, 0, reader)).toBe(1)
  queue.answer(2, 0, reader)
  expect(second.end).toBe('answered')
  // Late before it was sent: it never goes out.
  expect(queue.takeSendable(260)).toEqual([])
  expect(queue.pendingCount).toBe(0)
})

test('when a connection is lost those in flight are not sure, the others were never sent', () => {
  const queue = new RequestQueue()
  const calls = fill(queue, IN_FLIGHT_MAX + 1)
  queue.takeSendable(1)
  const lost = (what: string, outcome: 'none' | 'unknown') => unavailable(what, 'lost', outcome)
  queue.failInFlight(lost)
  queue.failWaiting(lost)
  expect(calls.map(({ end }) => end)).toEqual([
    ...Array.from({ length: IN_FLIGHT_MAX }, () => '{"outcome":"unknown"}'),
    '{"outcome":"none"}',
  ])
  expect(queue.pendingCount).toBe(0)
  fill(queue, IN_FLIGHT_MAX)
  expect(queue.takeSendable(2).length).toBeGreaterThan(0)
})
