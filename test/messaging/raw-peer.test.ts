// Goal: what a peer may get wrong, or make wrong on purpose. Method: a peer made by hand from frames.
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/host/crc32.ts'
import type { Connection } from '../../src/host/host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { Codecs } from '../../src/messaging/codecs.ts'
import { ControlFrames, type Envelope } from '../../src/messaging/control-frames.ts'
import { ByteWriter } from '../../src/wire/byte-writer.ts'
import type { Hello } from '../../src/wire/control-codec.ts'
import { beginFrame, endFrame, FrameKind } from '../../src/wire/frame.ts'
import { FrameReader } from '../../src/wire/frame-reader.ts'
import { compileRowCodec } from '../../src/wire/row-codec.ts'
import { TupleBatchWriter } from '../../src/wire/tuple-batch-writer.ts'
import { schemaOf, streams, TestWorker } from './office-world.ts'

const control = new ControlFrames(crc32)
const codec = compileRowCodec(schemaOf({ n: 'int', text: 'string' }), 'raw')
const hello: Hello = {
  protocol: 1,
  topologyId: 'words',
  incarnation: 4,
  fromWorker: '1',
  toWorker: '2',
  token: 'secret',
  schemaFingerprint: new Codecs(streams).fingerprint,
}

function at(sequence: number, incarnation = 1): Envelope {
  return { sequence, incarnation }
}

function tuples(sequence: number, numbers: readonly number[], stream = 0, incarnation = 1): Uint8Array {
  const writer = new ByteWriter()
  const start = beginFrame(writer, FrameKind.TUPLES, sequence, incarnation)
  const batch = new TupleBatchWriter(writer, 1_000)
  batch.restart()
  for (const n of numbers) {
    batch.begin(201, stream, 101, 0)
    batch.row(codec, { n, text: '' })
    batch.end()
  }
  endFrame(writer, start, crc32)
  return writer.copy()
}

class RawPeer {
  readonly world = new VirtualWorld({ seed: 1 })
  readonly worker = new TestWorker(this.world, 2, 1)
  /** `kind sequence` of what came back. */
  readonly heard: string[] = []
  isEnded = false
  private connection: Connection | undefined = undefined

  async dial(frame: Uint8Array = control.hello(at(0, 0), hello)): Promise<void> {
    await this.wait(5)
    this.isEnded = false
    const reader = new FrameReader(crc32, 100_000)
    const connection = this.world.host('raw').net.connect('w2:1', () => void connection.write(frame))
    connection.onBytes = (bytes) => {
      reader.push(bytes)
      while (reader.next()) this.heard.push(`${reader.kind} ${reader.sequence}`)
    }
    connection.onClose = () => {
      this.isEnded = true
    }
    this.connection = connection
    await this.wait(20)
  }

  async say(...frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) this.connection?.write(frame)
    await this.wait(20)
  }

  async wait(ms: number): Promise<void> {
    await this.world.run({ untilMs: this.world.nowMs + ms })
  }
}

describe('frames', () => {
  test('that come again are dropped and answered, also over a new connection', async () => {
    const peer = new RawPeer()
    await peer.dial()
    await peer.say(tuples(1, [1]), tuples(1, [1]), tuples(2, [2]), tuples(1, [1]))
    await peer.dial()
    expect(peer.heard.at(-2)).toBe(`${FrameKind.WELCOME} 2`)
    await peer.say(tuples(2, [2]), tuples(3, [3]))
    expect(peer.worker.arrived).toEqual(['201:1', '201:2', '201:3'])
    expect(peer.worker.office.stats()[0]?.duplicateCount).toBe(3)
    expect(peer.heard.at(-1)).toBe(`${FrameKind.CREDIT} 3`)
    expect(peer.worker.losses).toEqual([])
  })

  test('that are missing are a loss, told at once; what follows is taken', async () => {
    const peer = new RawPeer()
    await peer.dial()
    await peer.say(tuples(1, [1]), tuples(3, [3]))
    expect(peer.worker.losses).toMatchObject([{ worker: 1, reason: 'link-lost' }])
    expect(peer.worker.arrived).toEqual(['201:1', '201:3'])
  })

  test('that cannot be read are a loss, count as seen, and end the connection', async () => {
    for (const bad of [tuples(2, [2], 99), control.hello(at(2), hello), control.credit(at(0), [])]) {
      const peer = new RawPeer()
      await peer.dial()
      await peer.say(tuples(1, [1]), bad)
      expect(peer.worker.losses).toMatchObject([{ worker: 1, reason: 'link-lost' }])
      expect(peer.worker.codes).toEqual(['FRAME_MALFORMED'])
      expect(peer.heard.at(-1)).toMatch(new RegExp(`^${FrameKind.GOODBYE} `))
      await peer.wait(200)
      expect(peer.isEnded).toBe(true)
    }
    const peer = new RawPeer()
    await peer.dial()
    await peer.say(tuples(1, [1], 99))
    await peer.dial()
    await peer.say(tuples(2, [2]))
    expect(peer.worker.arrived).toEqual(['201:2'])
    expect(peer.worker.losses.length).toBe(1)
  })

  test('for another incarnation of us are not believed', async () => {
    const peer = new RawPeer()
    await peer.dial()
    await peer.say(tuples(1, [1], 0, 9))
    expect(peer.worker.arrived).toEqual([])
    expect(peer.worker.codes).toEqual(['FRAME_OLD_INCARNATION'])
  })

  test('are not heard of an old connection once there is a new one, nor of an old worker', async () => {
    const peer = new RawPeer()
    await peer.dial()
    await peer.say(tuples(1, [1]))
    await peer.dial(control.hello(at(0, 0), { ...hello, incarnation: 3 }))
    expect(peer.worker.codes).toEqual(['FRAME_OLD_INCARNATION'])
    await peer.say(tuples(2, [2]))
    expect(peer.worker.arrived).toEqual(['201:1'])
    await peer.dial(control.hello(at(0, 0), { ...hello, incarnation: 5 }))
    await peer.say(tuples(1, [11]))
    expect(peer.worker.arrived).toEqual(['201:1', '201:11'])
    expect(peer.worker.losses).toMatchObject([{ worker: 1, reason: 'worker-lost' }])
  })
})

describe('a handshake', () => {
  test('of a protocol that is not spoken is refused before all else', async () => {
    const peer = new RawPeer()
    await peer.dial(control.hello(at(0, 0), { ...hello, protocol: 3, token: '' }))
    expect(peer.worker.codes).toEqual(['VERSION_MISMATCH'])
    expect(peer.heard).toEqual([`${FrameKind.GOODBYE} 0`])
  })

  test('must come first, and be short', async () => {
    for (const first of [
      tuples(1, [1]),
      control.echo(at(0), 1),
      control.hello(at(0), { ...hello, token: 'x'.repeat(5_000) }),
    ]) {
      const peer = new RawPeer()
      await peer.dial(first)
      expect(peer.worker.codes).toEqual(['FRAME_MALFORMED'])
      expect(peer.worker.arrived).toEqual([])
      expect(peer.worker.losses).toEqual([])
    }
  })
})

test('a silent peer is given up; a long frame on a slow line is waited for and answered', async () => {
  const peer = new RawPeer()
  await peer.dial()
  await peer.wait(4_000)
  expect(peer.isEnded).toBe(true)
  await peer.dial()
  const long = tuples(
    1,
    Array.from({ length: 2_300 }, (_, n) => n),
  )
  const before = peer.heard.length
  const step = 4_500
  for (let from = 0; from < long.length; from += step) {
    await peer.say(long.slice(from, from + step))
    await peer.wait(1_480)
  }
  expect(peer.heard.length).toBeGreaterThan(before + 2)
  expect(peer.worker.arrived.length).toBe(2_300)
})
