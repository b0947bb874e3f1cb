// Goal: messages arrive whole, once and in order, however the stream is cut; what is no message ends the
// channel.
import { describe, expect, test } from 'vitest'
import type { Connection } from '../host/host.ts'
import { MessageChannel } from './message-channel.ts'

class Wire implements Connection {
  readonly peer = 'test'
  readonly sent: Uint8Array[] = []
  isClosed = false
  isFull = false
  onBytes: Connection['onBytes'] = () => undefined
  onDrain: Connection['onDrain'] = () => undefined
  onClose: Connection['onClose'] = () => undefined
  write(bytes: Uint8Array): boolean {
    this.sent.push(bytes)
    return !this.isFull
  }
  close(): void {
    this.isClosed = true
  }
}

function channel(messageBytesMax?: number) {
  const wire = new Wire()
  const heard: unknown[] = []
  const ends: unknown[] = []
  const made = new MessageChannel<unknown, unknown>({
    connection: wire,
    onMessage: (message) => heard.push(message),
    onClose: (why) => ends.push(why),
    ...(messageBytesMax === undefined ? {} : { messageBytesMax }),
  })
  return { wire, heard, ends, made }
}

describe('MessageChannel', () => {
  test('a stream cut at every place gives the same messages', () => {
    const sender = channel()
    const messages = [{ kind: 'a' }, { text: 'ä€🎈' }, [1, 2], null]
    for (const message of messages) sender.made.send(message)
    const bytes = Buffer.concat(sender.wire.sent)
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { wire, heard } = channel()
      wire.onBytes(bytes.subarray(0, cut))
      wire.onBytes(bytes.subarray(cut))
      expect(heard).toEqual(messages)
    }
    const { wire, heard } = channel()
    for (const byte of bytes) wire.onBytes(new Uint8Array([byte]))
    expect(heard).toEqual(messages)
  })

  test('a message that is too long is refused before it is there', () => {
    const { wire, heard, ends } = channel(10)
    wire.onBytes(new Uint8Array([0, 0, 0, 11]))
    expect(wire.isClosed).toBe(true)
    expect(heard).toEqual([])
    expect(ends).toEqual([expect.objectContaining({ code: 'FRAME_MALFORMED' })])
  })

  test('what is no JSON ends the channel once', () => {
    const { wire, ends } = channel()
    wire.onBytes(new Uint8Array([0, 0, 0, 1, 0x7b, 0, 0, 0, 1, 0x7b]))
    expect(ends).toHaveLength(1)
    wire.onClose(undefined)
    expect(ends).toHaveLength(1)
  })

  test('what the connection has no room for waits, in order', () => {
    const { wire, made } = channel()
    wire.isFull = true
    for (let n = 0; n < 3; n += 1) made.send(n)
    expect(wire.sent).toHaveLength(1)
    wire.isFull = false
    wire.onDrain()
    const last = wire.sent.map((frame) => new TextDecoder().decode(frame.subarray(4)))
    expect(last).toEqual(['0', '1', '2'])
  })

  test('of more than may wait each is made when there is room, in order with all others', () => {
    const { wire, made, ends } = channel()
    let madeCount = 0
    function* each() {
      for (; madeCount < 200; madeCount += 1) yield 'x'.repeat(1_000_000)
    }
    wire.isFull = true
    made.send('first')
    made.sendEach({ messages: each(), sizeBytes: 200 * 1_000_000 })
    made.send('last')
    expect(madeCount).toBe(0)
    for (let round = 0; round < 300; round += 1) wire.onDrain()
    expect(ends).toEqual([])
    expect(wire.sent).toHaveLength(202)
    expect(new TextDecoder().decode(wire.sent.at(-1)?.subarray(4))).toBe('"last"')
  })

  test('who reads nothing is as good as gone, also if nothing is made for it yet', () => {
    const { wire, made, ends } = channel()
    wire.isFull = true
    made.send('first')
    for (let count = 0; count < 1_100; count += 1) made.sendEach({ messages: [count], sizeBytes: 10 })
    expect(ends).toEqual([expect.objectContaining({ code: 'LINK_LOST' })])
  })

  test('what is not made yet counts for what it holds', () => {
    const { wire, made, ends } = channel()
    wire.isFull = true
    made.send('first')
    // As one write of positions after another is told to a worker that does not read.
    const text = 'x'.repeat(5_000_000)
    let toldCount = 0
    for (; toldCount < 100 && ends.length === 0; toldCount += 1)
      made.sendEach({ messages: [text], sizeBytes: text.length })
    expect(ends).toEqual([expect.objectContaining({ code: 'LINK_LOST' })])
    expect(toldCount).toBe(14)
  })

  test('seven of any size may wait beside what is small, whichever came first', () => {
    for (const isSmallFirst of [true, false]) {
      const { wire, made, ends } = channel()
      wire.isFull = true
      made.send('first')
      if (isSmallFirst) made.send('small')
      for (let count = 0; count < 7; count += 1)
        made.sendEach({ messages: [count], sizeBytes: 100 * 1024 * 1024 })
      if (!isSmallFirst) made.send('small')
      expect(ends).toEqual([])
      wire.isFull = false
      wire.onDrain()
      expect(wire.sent).toHaveLength(9)
    }
  })

  test('at its end nothing is kept of what waits, however it ends', () => {
    const endings: readonly ((wire: Wire, made: MessageChannel<unknown, unknown>) => void)[] = [
      (_, made) => made.close(),
      (wire) => wire.onClose(undefined),
      (wire) => wire.onBytes(new Uint8Array([0, 0, 0, 1, 0x7b])),
      (_, made) => {
        for (let count = 0; count < 10; count += 1) made.send('x'.repeat(10_000_000))
      },
    ]
    for (const end of endings) {
      const { wire, made, ends } = channel()
      wire.isFull = true
      made.send('first')
      made.send('second')
      made.sendEach({ messages: ['third'], sizeBytes: 5 })
      expect(made.waitingBytes).toBeGreaterThan(0)
      end(wire, made)
      expect(ends).toHaveLength(1)
      expect(made.waitingBytes).toBe(0)
      made.send('more')
      expect(made.waitingBytes).toBe(0)
    }
  })
})
