import { expect, test } from 'vitest'
import { Inbox } from './inbox.ts'
import type { EngineTuple } from './tuple.ts'

/** The inbox looks at nothing of a tuple. */
const tuple = (n: number) => ({ n }) as unknown as EngineTuple

function drained(inbox: Inbox, limit = Number.POSITIVE_INFINITY): number[] {
  const found: number[] = []
  while (found.length < limit) {
    const next = inbox.shift() as { readonly n: number } | undefined
    if (next === undefined) return found
    found.push(next.n)
  }
  return found
}

test('tuples come out in order, over many laps of the ring', () => {
  const inbox = new Inbox(4)
  const out: number[] = []
  for (let n = 0; n < 50; n += 2) {
    inbox.push(tuple(n))
    inbox.push(tuple(n + 1))
    out.push(...drained(inbox, 2))
  }
  expect(out).toEqual(Array.from({ length: 50 }, (_, n) => n))
})

// 30: it keeps the room that it made; 70: that is more than it keeps.
for (const count of [30, 70]) {
  test(`${count} in a ring of 8: the gate is closed, tuples are taken, half empty it opens`, () => {
    const inbox = new Inbox(8)
    let openings = 0
    const answers = Array.from({ length: count }, (_, n) => inbox.push(tuple(n)))
    expect(answers).toEqual(Array.from({ length: count }, (_, n) => n < 7))
    expect(inbox.isOpen()).toBe(false)
    inbox.addWaiter({
      onGateOpened: () => {
        openings += 1
      },
    })
    expect(drained(inbox, count - 5)).toEqual(Array.from({ length: count - 5 }, (_, n) => n))
    expect([inbox.isOpen(), openings, inbox.count]).toEqual([false, 0, 5])
    expect(drained(inbox, 1)).toEqual([count - 5])
    expect([inbox.isOpen(), openings]).toEqual([true, 1])
    inbox.push(tuple(count))
    expect(drained(inbox)).toEqual([4, 3, 2, 1, 0].map((before) => count - before))
    expect(openings).toBe(1)
  })
}

test('a waiter that fills the inbox again when it opens waits for the next time', () => {
  const inbox = new Inbox(2)
  const refill = {
    times: 0,
    onGateOpened() {
      this.times += 1
      if (this.times > 2) return
      inbox.push(tuple(this.times))
      inbox.push(tuple(this.times))
      inbox.addWaiter(this)
    },
  }
  inbox.push(tuple(0))
  inbox.push(tuple(0))
  inbox.addWaiter(refill)
  drained(inbox)
  expect(refill.times).toBe(3)
})

test('the capacity of one works, and other numbers than powers of two are refused', () => {
  const inbox = new Inbox(1)
  expect(inbox.push(tuple(1))).toBe(false)
  expect(drained(inbox)).toEqual([1])
  expect(inbox.isOpen()).toBe(true)
  expect(() => new Inbox(3)).toThrow('power of two')
})

test('clear gives what was in it and opens the gate', () => {
  const inbox = new Inbox(2)
  inbox.push(tuple(1))
  inbox.push(tuple(2))
  expect(inbox.clear().length).toBe(2)
  expect([inbox.count, inbox.isOpen()]).toEqual([0, true])
})
