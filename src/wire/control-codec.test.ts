// Goal: the rare frames come back as they went; cut, long or random ones are refused.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../base/errors.ts'
import { ByteWriter } from './byte-writer.ts'
import {
  CreditCursor,
  GoodbyeReason,
  HELLO_BYTES_MAX,
  readEcho,
  readEchoReply,
  readGoodbye,
  readHello,
  readSuspect,
  readWelcome,
  writeCredit,
  writeEcho,
  writeEchoReply,
  writeGoodbye,
  writeHello,
  writeSuspect,
  writeWelcome,
} from './control-codec.ts'
import { commonProtocol, PROTOCOL_VERSION, speaksProtocol } from './version.ts'

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(4)
  write(writer)
  return writer.copy()
}

const hello = {
  protocol: PROTOCOL_VERSION,
  topologyId: 'words-1',
  incarnation: 2 ** 32 - 1,
  fromWorker: 'node-a:6700',
  toWorker: 'node-b:6701',
  token: 'x'.repeat(200),
  schemaFingerprint: '1f3a',
}
const welcome = { protocol: 1, incarnation: 7, lastSequence: 2 ** 32 - 1 }
const suspect = { worker: '3', incarnation: 16_385, text: 'reset' }
const goodbye = { reason: GoodbyeReason.SCHEMA_MISMATCH, text: 'stream split/words differs' }

const cases: [string, Uint8Array, (bytes: Uint8Array) => unknown, unknown][] = [
  ['HELLO', written((w) => writeHello(w, hello)), (b) => readHello(b, 0, b.length), hello],
  ['WELCOME', written((w) => writeWelcome(w, welcome)), (b) => readWelcome(b, 0, b.length), welcome],
  ['GOODBYE', written((w) => writeGoodbye(w, goodbye)), (b) => readGoodbye(b, 0, b.length), goodbye],
  ['SUSPECT', written((w) => writeSuspect(w, suspect, 2)), (b) => readSuspect(b, 0, b.length), suspect],
  ['ECHO', written((w) => writeEcho(w, 2 ** 32 - 1)), (b) => readEcho(b, 0, b.length), 2 ** 32 - 1],
]

for (const [name, bytes, read, value] of cases) {
  describe(name, () => {
    test('comes back', () => {
      expect(read(bytes)).toEqual(value)
    })
    test('cut anywhere, or with a byte too many, is malformed', () => {
      const malformed = expect.objectContaining({ code: 'FRAME_MALFORMED' })
      for (let length = 0; length < bytes.length; length++)
        expect(() => read(bytes.slice(0, length))).toThrow(malformed)
      expect(() => read(Uint8Array.of(...bytes, 0))).toThrow(malformed)
    })
    test('of random bytes is read or malformed', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
          try {
            read(random)
          } catch (error) {
            if (!hasCode(error, 'FRAME_MALFORMED')) throw error
          }
        }),
        { numRuns: 500 },
      )
    })
  })
}

test('CREDIT comes back grant by grant', () => {
  const grants = [
    [1, 100],
    [300, 2 ** 32 - 1],
    [2, 0],
  ] as const
  const bytes = written((w) => {
    for (const [task, sizeBytes] of grants) writeCredit(w, task, sizeBytes)
  })
  const cursor = new CreditCursor()
  cursor.open(bytes, 0, bytes.length)
  const found: number[][] = []
  while (cursor.next()) found.push([cursor.channel, cursor.sizeBytes])
  expect(found).toEqual(grants)
  cursor.open(bytes, 0, bytes.length - 1)
  cursor.next()
  cursor.next()
  expect(() => cursor.next()).toThrow(expect.objectContaining({ code: 'FRAME_MALFORMED' }))
})
test('ECHO_REPLY says how busy the peer is, or leaves it out', () => {
  const read = (bytes: Uint8Array) => readEchoReply(bytes, 0, bytes.length)
  for (const [said, heard] of [
    [0, 0],
    [0.12345, 0.123],
    [1, 1],
    [1.5, 1],
    [-1, 0],
    [undefined, undefined],
  ]) {
    const bytes = written((w) => writeEchoReply(w, { token: 300, busyShare: said }))
    expect(read(bytes)).toEqual({ token: 300, busyShare: heard })
  }
  const malformed = expect.objectContaining({ code: 'FRAME_MALFORMED' })
  const bytes = written((w) => writeEchoReply(w, { token: 1, busyShare: 1 }))
  expect(() => read(bytes.slice(0, 2))).toThrow(malformed)
  expect(() => read(Uint8Array.of(...bytes, 0))).toThrow(malformed)
  expect(() => read(Uint8Array.of(1, 0xe9, 0x07))).toThrow(malformed)
})
test('a HELLO of long names still fits the cap for strangers', () => {
  const long = 'x'.repeat(180)
  const big = { ...hello, topologyId: long, fromWorker: long, toWorker: long, token: 'x'.repeat(256) }
  expect(written((w) => writeHello(w, big)).length).toBeLessThan(HELLO_BYTES_MAX)
})
test('only versions in the range are spoken', () => {
  expect([0, 1, 2, 3].map(speaksProtocol)).toEqual([false, true, true, false])
})
test('with a peer the newest is spoken that both know', () => {
  for (const [oldest, newest, common] of [
    [1, 0, 1],
    [1, 2, 2],
    [1, 9, 2],
    [2, 9, 2],
    [3, 9, undefined],
    [0, 0, undefined],
  ] as const)
    expect(commonProtocol(oldest, newest)).toBe(common)
})
