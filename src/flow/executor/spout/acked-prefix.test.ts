import { expect, test } from 'vitest'
import { AckedPrefix, type PositionedEntry } from './acked-prefix.ts'

function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((first, i) => orders(list.filter((_, n) => n !== i)).map((rest) => [first, ...rest]))
}

test('in every order of dones, the position is that of the last item before the first open one', () => {
  for (const order of orders([0, 1, 2, 3, 4])) {
    const prefix = new AckedPrefix('start')
    const entries = [1, 2, 3, 4, 5].map((position) => prefix.take(position))
    const done = new Set<number>()
    for (const n of order) {
      prefix.done(entries[n] as PositionedEntry)
      done.add(n)
      let gapless = 0
      while (done.has(gapless)) gapless += 1
      expect(prefix.position).toBe(gapless === 0 ? 'start' : gapless)
      expect(prefix).toMatchObject({
        doneCount: gapless,
        openCount: 5 - gapless,
        takenCount: 5,
        lastTaken: 5,
      })
    }
  }
})

test('an item that is done twice counts once', () => {
  const prefix = new AckedPrefix(undefined)
  const [a, b] = [prefix.take(1), prefix.take(2)]
  prefix.done(b)
  prefix.done(b)
  prefix.done(a)
  prefix.done(a)
  expect(prefix).toMatchObject({ position: 2, doneCount: 2, openCount: 0 })
})

test('a long run behind an open item is kept and then cut off', () => {
  const prefix = new AckedPrefix(undefined)
  const first = prefix.take(0)
  for (let n = 1; n <= 5_000; n += 1) prefix.done(prefix.take(n))
  expect(prefix).toMatchObject({ position: undefined, openCount: 5_001 })
  prefix.done(first)
  expect(prefix).toMatchObject({ position: 5_000, openCount: 0 })
  const open: PositionedEntry[] = []
  for (let n = 0; n < 4_000; n += 1) open.push(prefix.take(n))
  for (const entry of open.slice(0, 3_000)) prefix.done(entry)
  expect(prefix).toMatchObject({ position: 2_999, openCount: 1_000 })
  for (const entry of open.slice(3_000)) prefix.done(entry)
  expect(prefix).toMatchObject({ position: 3_999, openCount: 0 })
})
