import { expect, test } from 'vitest'
import { EventRing } from './event-ring.ts'

function add(ring: EventRing, count: number): void {
  for (let n = 0; n < count; n += 1) ring.add({ at: n, kind: 'k', message: `${n}` })
}

test('a reader goes on where it was, page by page', () => {
  const ring = new EventRing()
  ring.begin(3)
  const start = ring.after(undefined)
  expect(start).toEqual({ events: [], next: '3-0' })
  add(ring, 700)
  const first = ring.after(start.next)
  expect(first.events).toHaveLength(500)
  expect(first.next).toBe('3-500')
  const second = ring.after(first.next)
  expect(second.events.map(({ id }) => id)).toHaveLength(200)
  expect(second.next).toBe('3-700')
  expect(ring.after(second.next)).toEqual({ events: [], next: '3-700' })
})

test('a reader from another leader gets all there is; ids go on over leaderships of one process', () => {
  const ring = new EventRing()
  ring.begin(3)
  add(ring, 2)
  ring.begin(5)
  add(ring, 1)
  expect(ring.after('4-17').events.map(({ id }) => id)).toEqual(['3-1', '3-2', '5-3'])
  expect(ring.after('3-2').events.map(({ id }) => id)).toEqual(['5-3'])
  expect(ring.after('nonsense').events).toHaveLength(3)
})

test('the oldest go, and a reader that was too slow gets what is left', () => {
  const ring = new EventRing(100)
  ring.begin(1)
  add(ring, 500)
  const left = ring.after('1-3').events
  expect(left.length).toBeLessThanOrEqual(110)
  expect(left.at(-1)?.id).toBe('1-500')
  expect(ring.after('1-499').events).toHaveLength(1)
})

test('who waits is woken once, by the next', () => {
  const ring = new EventRing()
  let woken = 0
  ring.onNext(() => {
    woken += 1
  })
  const forget = ring.onNext(() => {
    woken += 10
  })
  forget()
  add(ring, 2)
  expect(woken).toBe(1)
})
