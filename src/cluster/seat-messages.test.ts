// Goal: pieces hold all there is, each within what a message takes, names of users included.
import { expect, test } from 'vitest'
import { MESSAGE_BYTES_MAX } from './message-channel.ts'
import { joinPositions, piecesOf } from './seat-messages.ts'

const room = MESSAGE_BYTES_MAX - 3e6

test('nothing is one empty piece', () => {
  expect([...piecesOf({})]).toEqual([{}])
})

test('many partitions, of several components: all of them, in pieces', () => {
  const of = (name: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name} ${n}`, `"${n}"`]))
  const positions = { lines: of('file', 15_000), words: of('part', 12_000) }
  const pieces = [...piecesOf(positions)]
  expect(pieces.map((piece) => Object.values(piece).flatMap(Object.keys).length)).toEqual([
    10_000, 10_000, 7_000,
  ])
  expect(joinPositions(pieces)).toEqual(positions)
})

test('the worst of characters: a piece with the rest of a message still fits', () => {
  const text = '\u0001'.repeat(250_000)
  const positions = { lines: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`p${n}`, text])) }
  const pieces = [...piecesOf(positions)]
  expect(joinPositions(pieces)).toEqual(positions)
  for (const piece of pieces) expect(JSON.stringify(piece).length).toBeLessThan(room)
})

test('long names count, too', () => {
  const names = Array.from({ length: 9_000 }, (_, n) => `${n}`.padEnd(2_000, 'x'))
  const positions = { lines: Object.fromEntries(names.map((name) => [name, '1'])) }
  for (const piece of piecesOf(positions)) expect(JSON.stringify(piece).length).toBeLessThan(room)
})

test('names of users are names', () => {
  const positions = JSON.parse('{"__proto__":{"__proto__":"1","constructor":"2"}}')
  expect(JSON.stringify(joinPositions([...piecesOf(positions)]))).toBe(JSON.stringify(positions))
})
