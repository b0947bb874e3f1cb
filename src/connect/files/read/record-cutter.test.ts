import { describe, expect, test } from 'vitest'
import { Cut, RecordCutter } from './record-cutter.ts'

interface Found {
  readonly text: string
  readonly byte: number
  readonly line: number
}

/** Marks are part of what is looked at. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Feeds bytes in pieces of a size, and gives what is cut. */
function cutAll(
  content: string,
  pieceBytes: number,
  change: { recordBytesMax?: number; isQuoted?: boolean } = {},
) {
  const bytes = new TextEncoder().encode(content)
  const cutter = new RecordCutter({
    recordBytesMax: 64,
    isQuoted: false,
    chunkBytes: 32,
    byte: 0,
    line: 0,
    ...change,
  })
  const found: Found[] = []
  let at = 0
  let widest = 0
  const take = (cut: Cut) => {
    const record = decoder.decode(cutter.bytes.subarray(cutter.from, cutter.to))
    const shown = cut === Cut.TOO_LONG ? `too long: ${decoder.decode(cutter.sample)}` : record
    found.push({ text: shown, byte: cutter.byte, line: cutter.firstLine })
  }
  for (;;) {
    const cut = cutter.next()
    if (cut !== Cut.MORE) {
      take(cut)
      continue
    }
    const room = cutter.room()
    widest = Math.max(widest, cutter.bytes.length)
    const count = Math.min(room.length, pieceBytes, bytes.length - at)
    if (count === 0) break
    room.set(bytes.subarray(at, at + count))
    cutter.filled(count)
    at += count
  }
  const last = cutter.last()
  if (last !== Cut.MORE) take(last)
  expect(cutter.byte).toBe(bytes.length)
  return { found, widest }
}

describe('lines', () => {
  const content = 'one\ntwo\r\n\nfour with ☃\n\r\nlast'

  test('are the same however the bytes come', () => {
    const expected = [
      { text: 'one', byte: 4, line: 1 },
      { text: 'two', byte: 9, line: 2 },
      { text: '', byte: 10, line: 3 },
      { text: 'four with ☃', byte: 24, line: 4 },
      { text: '', byte: 26, line: 5 },
      { text: 'last', byte: 30, line: 6 },
    ]
    for (let piece = 1; piece < 40; piece++) expect(cutAll(content, piece).found).toEqual(expected)
  })

  test('begin behind a byte order mark, in the first record only', () => {
    const mark = '\ufeff'
    for (let piece = 1; piece < 12; piece++) {
      const { found } = cutAll(`${mark}a\n${mark}b\n`, piece)
      expect(found.map((each) => each.text.length)).toEqual([1, 2])
    }
    expect(cutAll('', 5).found).toEqual([])
    expect(cutAll('\n', 5).found).toEqual([{ text: '', byte: 1, line: 1 }])
  })

  test('that are too long are dropped with bounded memory, and their end is found', () => {
    for (let piece = 1; piece < 70; piece += 3) {
      const { found, widest } = cutAll(`a\n${'x'.repeat(5_000)}\nb\n${'y'.repeat(300)}`, piece, {
        recordBytesMax: 40,
      })
      expect(found.map((each) => [each.text.slice(0, 12), each.byte, each.line])).toEqual([
        ['a', 2, 1],
        ['too long: xx', 5_003, 2],
        ['b', 5_005, 3],
        ['too long: yy', 5_305, 4],
      ])
      expect(widest).toBeLessThanOrEqual(40 + 32 + 4)
    }
  })

  test('of exactly the longest length pass, with every line end and a mark', () => {
    const full = 'z'.repeat(40)
    for (const line of [`${full}\n`, `${full}\r\n`, `\ufeff${full}\r\n`, full]) {
      for (let piece = 1; piece < 60; piece += 7) {
        expect(cutAll(line, piece, { recordBytesMax: 40 }).found.map((each) => each.text)).toEqual([full])
        const longer = cutAll(`z${line}`.replace('z\ufeff', '\ufeffz'), piece, { recordBytesMax: 40 }).found
        expect(longer[0]?.text.startsWith('too long')).toBe(true)
      }
    }
  })
})

test('quoted line ends belong to the record, and lines are counted right', () => {
  const content = 'a,"x\ny"\n"say ""\n""",2\nend,"open\n'
  for (let piece = 1; piece < 40; piece++) {
    expect(cutAll(content, piece, { isQuoted: true }).found).toEqual([
      { text: 'a,"x\ny"', byte: 8, line: 1 },
      { text: '"say ""\n""",2', byte: 22, line: 3 },
      { text: 'end,"open\n', byte: 32, line: 5 },
    ])
  }
})
