import { expect, test } from 'vitest'
import { MESSAGE_BYTES_MAX } from '../../cluster/message-channel.ts'
import { RECORD_BYTES_MAX } from '../../cluster/records.ts'
import { toPlainJson } from '../../state/plain-json.ts'
import { SeatPositions } from './seat-positions.ts'

function made(stored = {}) {
  const clock = { nowMs: 0, now: () => 0, monotonicMs: () => clock.nowMs }
  return { clock, positions: new SeatPositions('t', clock, stored) }
}

function at(position: number, partition = 'p') {
  return {
    componentId: 's',
    partition,
    position,
    takenCount: position,
    doneCount: position,
    isFinished: false,
  }
}

function sent(position: number): string {
  return toPlainJson({ position, readCount: position, ackedCount: position })
}

test('what has changed is sent once, and again only when the answer is there', () => {
  const { positions } = made()
  positions.collect([at(3)])
  expect(positions.isSettled).toBe(false)
  expect(positions.takeChanged()).toEqual({ s: { p: sent(3) } })
  positions.collect([at(5)])
  expect(positions.takeChanged()).toEqual({})
  expect(positions.onStored({ s: { p: sent(3) } })).toEqual(new Map([['s', new Map([['p', 3]])]]))
  expect(positions.takeChanged()).toEqual({ s: { p: sent(5) } })
  positions.onStored({ s: { p: sent(5) } })
  expect(positions.isSettled).toBe(true)
  expect(positions.takeChanged()).toEqual({})
})

const told = (positions: SeatPositions, position: number, partition = 'p') =>
  positions
    .onStored({ s: { [partition]: sent(position) } })
    .get('s')
    ?.get(partition)

test('an answer means the position that it names, however much later it comes', () => {
  const { positions, clock } = made()
  positions.collect([at(3)])
  positions.takeChanged()
  positions.collect([at(5)])
  clock.nowMs = 5_000
  expect(positions.takeChanged()).toEqual({ s: { p: sent(5) } })
  expect(told(positions, 3)).toBe(3)
  expect(positions.isSettled).toBe(false)
  // The newer one is still on its way.
  expect(positions.takeChanged()).toEqual({})
  expect(told(positions, 5)).toBe(5)
  expect(positions.isSettled).toBe(true)
})

test('a lost line loses what was on its way: it is sent again, and an old answer is none to that', () => {
  const { positions } = made()
  positions.collect([at(3)])
  positions.takeChanged()
  positions.forgetSent()
  positions.collect([at(5)])
  expect(positions.takeChanged()).toEqual({ s: { p: sent(5) } })
  expect(told(positions, 3)).toBe(3)
  expect(positions.isSettled).toBe(false)
  expect(told(positions, 5)).toBe(5)
  expect(positions.isSettled).toBe(true)
})

test('of partitions that others read now nothing is told', () => {
  const { positions } = made()
  positions.collect([at(3), at(1, 'q')])
  positions.takeChanged()
  positions.collect([at(3)])
  expect(told(positions, 1, 'q')).toBe(undefined)
  expect(told(positions, 3)).toBe(3)
})

test('stored positions are where reading goes on, and what others read is theirs to say', () => {
  const { positions } = made({ s: { p: sent(7), q: sent(1) } })
  expect(positions.stored('s', 'p')).toBe(7)
  expect(positions.isSettled).toBe(true)
  positions.collect([at(2, 'q')])
  // Counts go on from what was stored.
  expect(positions.takeChanged()).toEqual({
    s: { q: toPlainJson({ position: 2, readCount: 3, ackedCount: 3 }) },
  })
  positions.collect([])
  positions.forgetSent()
  expect(positions.takeChanged()).toEqual({})
})

test('what others have stored since is learnt, but for what is read here', () => {
  const { positions } = made({ s: { p: sent(7) } })
  positions.collect([at(9, 'p')])
  positions.learn({ s: { p: sent(1), q: sent(4) } })
  expect(positions.stored('s', 'p')).toBe(9)
  expect(positions.stored('s', 'q')).toBe(4)
})

test('of very many only a part is sent at once, the rest follows', () => {
  const { positions } = made()
  positions.collect(Array.from({ length: 25_000 }, (_, n) => at(1, `p${n}`)))
  const parts: number[] = []
  for (let left = 25_000; left > 0; ) {
    const taken = Object.keys(positions.takeChanged()['s'] ?? {}).length
    parts.push(taken)
    left -= taken
  }
  expect(parts).toEqual([10_000, 10_000, 5_000])
  expect(positions.takeChanged()).toEqual({})
})

test('of large ones no more is sent at once than a message of the line takes', () => {
  const { positions } = made()
  const large = (n: number) => ({ ...at(1, `p${n}`), position: 'x'.repeat(200_000) })
  positions.collect(Array.from({ length: 400 }, (_, n) => large(n)))
  let count = 0
  for (let round = 0; round < 40 && count < 400; round += 1) {
    const taken = positions.takeChanged()
    expect(JSON.stringify(taken).length).toBeLessThan(MESSAGE_BYTES_MAX / 2)
    count += Object.keys(taken['s'] ?? {}).length
  }
  expect(count).toBe(400)
})

test('one that no message takes is cut, and still too large to store: the line goes on', () => {
  const { positions } = made()
  positions.collect([{ ...at(1, 'huge'), position: '\u0001'.repeat(4_000_000) }, at(2, 'p')])
  const taken = [positions.takeChanged(), positions.takeChanged()]
  for (const each of taken) expect(JSON.stringify(each).length).toBeLessThan(MESSAGE_BYTES_MAX)
  const texts = { ...taken[0]?.['s'], ...taken[1]?.['s'] }
  expect(texts['p']).toBe(sent(2))
  expect(texts['huge']?.length).toBeGreaterThanOrEqual(RECORD_BYTES_MAX)
  expect(positions.onStored({ s: { p: sent(2) } }).size).toBe(1)
  expect(positions.isSettled).toBe(false)
})

test('of very many that all go on, each has its turn: none is passed over for those before it', () => {
  const { positions } = made()
  const seen = new Set<string>()
  for (let round = 1; round <= 3; round += 1) {
    positions.collect(Array.from({ length: 25_000 }, (_, n) => at(round, `p${n}`)))
    const taken = positions.takeChanged()
    for (const partition of Object.keys(taken['s'] ?? {})) seen.add(partition)
    positions.onStored(taken)
  }
  expect(seen.size).toBe(25_000)
})
