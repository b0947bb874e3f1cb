import { expect, test } from 'vitest'
import { hasCode } from '../../../base/errors.ts'
import { SeededRandom } from '../../../base/random.ts'
import { FrameSplitter, REPLY_BYTES_MAX } from './frame-splitter.ts'
import { JuteReader } from './jute-reader.ts'
import { JuteWriter, joinFrames } from './jute-writer.ts'

function codeOf(call: () => unknown): string {
  try {
    call()
    return 'none'
  } catch (error) {
    return hasCode(error, 'FRAME_MALFORMED') ? 'FRAME_MALFORMED' : String(error)
  }
}

test('what is written is read again, whatever the text and the size', () => {
  const writer = new JuteWriter()
  const reader = new JuteReader()
  const large = new Uint8Array(200_000).map((_, index) => index % 256)
  for (const text of [
    '',
    '/a',
    'ä€𝄞',
    'x'.repeat(47),
    'x'.repeat(48),
    'y'.repeat(70_000),
    `${'z'.repeat(60)}ü`,
  ]) {
    writer
      .begin()
      .int(-7)
      .long(-(2n ** 63n))
      .long(2n ** 40n)
      .bool(true)
      .text(text)
    const frame = writer.buffer(large).buffer(undefined).texts(['a', text]).end()
    reader.open(frame)
    expect(reader.int()).toBe(frame.length - 4)
    expect(reader.int()).toBe(-7)
    expect(reader.long()).toBe(-(2n ** 63n))
    expect(reader.longNumber()).toBe(2 ** 40)
    expect(reader.bool()).toBe(true)
    expect(reader.text()).toBe(text)
    expect(reader.buffer()).toEqual(large)
    expect(reader.buffer().length).toBe(0)
    expect(reader.texts()).toEqual(['a', text])
    expect(reader.remaining).toBe(0)
  }
})

test('a frame does not change when others are written after it', () => {
  const writer = new JuteWriter()
  const frames = Array.from({ length: 5_000 }, (_, index) => writer.begin().int(index).text('/path').end())
  for (const [index, frame] of frames.entries()) expect(new JuteReader().open(frame, 4).int()).toBe(index)
})

test('frames that lie one behind the other are joined, others are not', () => {
  const writer = new JuteWriter()
  const frames = Array.from({ length: 20_000 }, (_, index) => writer.begin().int(index).end())
  const joined = joinFrames(frames)
  expect(joined.length).toBeLessThan(6)
  const all = Buffer.concat(joined)
  expect(all.equals(Buffer.concat(frames))).toBe(true)
  expect(joinFrames([])).toEqual([])
  const [a, b, c] = frames
  if (a === undefined || b === undefined || c === undefined) throw new Error('there are three')
  expect(joinFrames([a, c, b]).length).toBe(3)
})

test('nothing is read beyond the end, and no length is believed', () => {
  const of = (...bytes: number[]) => new JuteReader().open(Uint8Array.from(bytes))
  expect(codeOf(() => of(0, 0, 0).int())).toBe('FRAME_MALFORMED')
  expect(codeOf(() => of(0, 0, 0, 0, 0, 0, 0).long())).toBe('FRAME_MALFORMED')
  expect(codeOf(() => of().bool())).toBe('FRAME_MALFORMED')
  expect(codeOf(() => of(0, 0, 0, 2, 65).text())).toBe('FRAME_MALFORMED')
  expect(codeOf(() => of(0x7f, 255, 255, 255, 1).buffer())).toBe('FRAME_MALFORMED')
  expect(codeOf(() => of(255, 255, 255, 254).buffer())).toBe('FRAME_MALFORMED')
  expect(codeOf(() => of(0x7f, 255, 255, 255).texts())).toBe('FRAME_MALFORMED')
  expect(of(255, 255, 255, 255).texts()).toEqual([])
})

test('frames come out whole, however the bytes are cut', () => {
  const writer = new JuteWriter()
  const frames = Array.from({ length: 30 }, (_, index) =>
    writer.begin().int(index).text('x'.repeat(index)).end(),
  )
  const stream = new Uint8Array(Buffer.concat(frames))
  const whole = frames.map((frame) => Buffer.from(frame.subarray(4)).toString('hex'))
  const random = new SeededRandom(11)
  const cutAt = (sizes: () => number) => {
    const seen: string[] = []
    const splitter = new FrameSplitter((bytes, start, end) => {
      seen.push(Buffer.from(bytes.subarray(start, end)).toString('hex'))
      return true
    })
    for (let at = 0; at < stream.length; ) {
      const next = Math.min(stream.length, at + sizes())
      splitter.push(stream.slice(at, next))
      at = next
    }
    return seen
  }
  expect(cutAt(() => stream.length)).toEqual(whole)
  for (let size = 1; size < 40; size += 1) expect(cutAt(() => size)).toEqual(whole)
  for (let round = 0; round < 200; round += 1) expect(cutAt(() => 1 + random.below(60))).toEqual(whole)
})

test('a length that cannot be ends the stream before anything is allocated', () => {
  const lengths = [-1, -2_147_483_648, REPLY_BYTES_MAX + 1, 2_147_483_647]
  for (const length of lengths) {
    const head = new DataView(new ArrayBuffer(4))
    head.setInt32(0, length)
    const splitter = new FrameSplitter(() => true)
    expect(codeOf(() => splitter.push(new Uint8Array(head.buffer)))).toBe('FRAME_MALFORMED')
  }
})

test('ten thousand frames in one delivery need no deep stack; the listener can end it', () => {
  const writer = new JuteWriter()
  const frames = Array.from({ length: 10_000 }, (_, index) => writer.begin().int(index).end())
  let count = 0
  new FrameSplitter(() => ++count < 7_000).push(new Uint8Array(Buffer.concat(frames)))
  expect(count).toBe(7_000)
})
