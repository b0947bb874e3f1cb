// Goal: frames come out whole whatever the pieces they arrive in; damage, lies and newer versions end in a
// typed error; nothing is reserved because it was announced.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../test/fixtures/wire/crc32.ts'
import { hasCode } from '../base/errors.ts'
import { ByteWriter } from './byte-writer.ts'
import { beginFrame, boundFrame, endFrame, FRAME_HEAD_BYTES, FrameKind, stampFrame } from './frame.ts'
import { FrameReader } from './frame-reader.ts'

const BODY_MAX = 10_000

function frame(kind: FrameKind, sequence: number, incarnation: number, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(4)
  const start = beginFrame(writer, kind, sequence, incarnation)
  writer.raw(body, 0, body.length)
  endFrame(writer, start, crc32)
  return writer.copy()
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function drain(reader: FrameReader, piece: Uint8Array, into: string[]): void {
  // A copy that is wiped afterwards: whoever lends bytes takes them back.
  const lent = piece.slice()
  reader.push(lent)
  while (reader.next()) {
    const body = [...reader.bytes.subarray(reader.bodyStart, reader.bodyEnd)].join(',')
    into.push(`${reader.kind} ${reader.sequence} ${reader.incarnation} ${body}`)
  }
  lent.fill(0)
}

const bodies = [0, 1, 3, 30, 200].map((length) => Uint8Array.from({ length }, (_, i) => i & 255))
const stream = join(bodies.map((body, i) => frame(FrameKind.TUPLES, i + 1, 2 ** 32 - 1, body)))
const whole: string[] = []
drain(new FrameReader(crc32, BODY_MAX), stream, whole)

describe('FrameReader', () => {
  test('finds every frame of one piece', () => {
    expect(whole.length).toBe(5)
    expect(whole[2]).toBe('3 3 4294967295 0,1,2')
  })
  test('finds the same frames when the stream is split at any byte', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const found: string[] = []
      const reader = new FrameReader(crc32, BODY_MAX)
      drain(reader, stream.subarray(0, cut), found)
      drain(reader, stream.subarray(cut), found)
      expect(found).toEqual(whole)
    }
  })
  test('finds the same frames in pieces of any one size', () => {
    for (let size = 1; size <= 40; size++) {
      const found: string[] = []
      const reader = new FrameReader(crc32, BODY_MAX)
      for (let at = 0; at < stream.length; at += size) drain(reader, stream.subarray(at, at + size), found)
      expect(found).toEqual(whole)
    }
  })
  test('finds the same frames in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
        const found: string[] = []
        const reader = new FrameReader(crc32, BODY_MAX)
        const at = [0, ...cuts.sort((a, b) => a - b), stream.length]
        for (let i = 1; i < at.length; i++) drain(reader, stream.subarray(at[i - 1], at[i]), found)
        return found.join() === whole.join()
      }),
    )
  })
  test('notices every single bit that was turned, wherever it is', () => {
    const one = frame(
      FrameKind.ACKS,
      7,
      3,
      Uint8Array.from({ length: 40 }, (_, i) => i),
    )
    for (let bit = 0; bit < one.length * 8; bit++) {
      const damaged = one.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const found: string[] = []
      let code = 'none'
      try {
        drain(new FrameReader(crc32, BODY_MAX), damaged, found)
      } catch (error) {
        code = hasCode(error, 'FRAME_MALFORMED') || hasCode(error, 'VERSION_MISMATCH') ? 'typed' : 'other'
      }
      // A longer length leaves it waiting; all else is noticed. In no case does a frame come out.
      expect(found).toEqual([])
      expect(code === 'typed' || (code === 'none' && bit >> 3 >= 2 && bit >> 3 < 6)).toBe(true)
    }
  })
  test('refuses a body over the cap by its head, in one piece and byte by byte', () => {
    for (const length of [BODY_MAX + 1, 2 ** 31, 2 ** 32 - 1]) {
      const head = frame(FrameKind.TUPLES, 1, 1, new Uint8Array(0)).slice(0, FRAME_HEAD_BYTES)
      new DataView(head.buffer).setUint32(2, length)
      for (const size of [1, FRAME_HEAD_BYTES]) {
        const reader = new FrameReader(crc32, BODY_MAX)
        const feed = (): void => {
          for (let at = 0; at < head.length; at += size) drain(reader, head.subarray(at, at + size), [])
        }
        expect(feed).toThrow(expect.objectContaining({ code: 'FRAME_MALFORMED' }))
      }
    }
  })
  test('takes frames that were numbered late or addressed anew', () => {
    const writer = new ByteWriter(4)
    writer.byte(0)
    const start = beginFrame(writer, FrameKind.SUSPECT, 0, 0)
    writer.raw(Uint8Array.of(1, 2), 0, 2)
    boundFrame(writer, start)
    const found: string[] = []
    const bytes = writer.copy(start)
    stampFrame(bytes, 2 ** 32 - 1, 5, crc32)
    drain(new FrameReader(crc32, BODY_MAX), bytes, found)
    stampFrame(bytes, 2 ** 32 - 1, 2 ** 32 - 2, crc32)
    drain(new FrameReader(crc32, BODY_MAX), bytes, found)
    expect(found).toEqual(['9 4294967295 5 1,2', '9 4294967295 4294967294 1,2'])
  })
  test('takes a body of just the cap', () => {
    const found: string[] = []
    drain(new FrameReader(crc32, BODY_MAX), frame(FrameKind.TUPLES, 1, 1, new Uint8Array(BODY_MAX)), found)
    expect(found.length).toBe(1)
  })
  test('refuses what is no frame by its first byte', () => {
    for (const text of ['GET / HTTP/1.1', '\u0016\u0003\u0001']) {
      const reader = new FrameReader(crc32, BODY_MAX)
      expect(() => drain(reader, new TextEncoder().encode(text), [])).toThrow(
        expect.objectContaining({ code: 'FRAME_MALFORMED' }),
      )
    }
  })
  test('tells a newer version from nonsense', () => {
    const newer = frame(FrameKind.HELLO, 1, 1, new Uint8Array(3))
    newer[0] = 0x72
    expect(() => drain(new FrameReader(crc32, BODY_MAX), newer, [])).toThrow(
      expect.objectContaining({ code: 'VERSION_MISMATCH' }),
    )
  })
  test('answers random bytes with an error or with waiting', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, hasMark) => {
        if (hasMark && bytes.length > 0) bytes[0] = 0x71
        const found: string[] = []
        try {
          drain(new FrameReader(crc32, BODY_MAX), bytes, found)
        } catch (error) {
          if (!hasCode(error, 'FRAME_MALFORMED') && !hasCode(error, 'VERSION_MISMATCH')) throw error
        }
        return found.length === 0
      }),
      { numRuns: 3000 },
    )
  })
  test('gives plain Uint8Arrays on, whatever class arrives', () => {
    class Pool extends Uint8Array {}
    const reader = new FrameReader(crc32, BODY_MAX)
    reader.push(Pool.from(stream))
    expect(reader.next()).toBe(true)
    expect(reader.bytes.constructor).toBe(Uint8Array)
  })
})
