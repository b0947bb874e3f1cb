// Goal: workers of two builds understand each other, whichever dials and whichever is older. Method: a peer
// made by hand from frames, which speaks protocol 1 or 2; the bytes that it is sent are looked at.
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/host/crc32.ts'
import type { Connection } from '../../src/host/host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { Codecs } from '../../src/messaging/codecs.ts'
import { ControlFrames } from '../../src/messaging/control-frames.ts'
import { ByteWriter } from '../../src/wire/byte-writer.ts'
import { type Hello, readHello, readWelcome } from '../../src/wire/control-codec.ts'
import { beginFrame, endFrame, FrameKind } from '../../src/wire/frame.ts'
import { FrameReader } from '../../src/wire/frame-reader.ts'
import { streams, TestWorker } from './office-world.ts'

const control = new ControlFrames(crc32)

function suspectOf(sequence: number, worker: string, number: number): Uint8Array {
  const writer = new ByteWriter()
  const start = beginFrame(writer, FrameKind.SUSPECT, sequence, 1)
  writer.text(worker)
  writer.unsigned(number)
  writer.text('gone')
  endFrame(writer, start, crc32)
  return writer.copy()
}

/** What is behind the name of the worker, up to the text: as far as old and new differ. */
function numberIn(body: Uint8Array): number[] {
  // A text begins with its length and one.
  const from = body[0] ?? 0
  const textBytes = new TextEncoder().encode('worker 3 came back as incarnation 500').length
  return [...body.slice(from, body.length - textBytes - 1)]
}

class Peer {
  readonly world = new VirtualWorld({ seed: 1 })
  readonly worker = new TestWorker(this.world, 2, 1)
  readonly hellos: { readonly protocol: number; readonly place: number }[] = []
  readonly welcomed: number[] = []
  readonly suspects: number[][] = []
  connection: Connection | undefined = undefined

  /** Answers worker 2 as a build of this protocol does. */
  async listen(protocol: number): Promise<void> {
    void this.world.host('w1').net.listen('w1:1', (connection) => {
      const reader = new FrameReader(crc32, 100_000)
      connection.onBytes = (bytes) => {
        reader.push(bytes)
        while (reader.next()) {
          const { kind, sequence, bodyStart, bodyEnd } = reader
          const body = reader.bytes.slice(bodyStart, bodyEnd)
          if (kind === FrameKind.SUSPECT) this.suspects.push(numberIn(body))
          if (kind !== FrameKind.HELLO) continue
          this.hellos.push({ protocol: readHello(body, 0, body.length).protocol, place: sequence })
          const welcome = { protocol, incarnation: 1, lastSequence: 0 }
          connection.write(control.welcome({ sequence: 0, incarnation: 1 }, welcome))
        }
      }
    })
    await this.wait(5)
  }

  /** Dials worker 2 as a build that speaks from `protocol` to `newest` does; 0: it knows of one only. */
  async dial(protocol: number, newest: number): Promise<void> {
    const hello: Hello = {
      protocol,
      topologyId: 'words',
      incarnation: 1,
      fromWorker: '1',
      toWorker: '2',
      token: 'secret',
      schemaFingerprint: new Codecs(streams).fingerprint,
    }
    await this.wait(5)
    const reader = new FrameReader(crc32, 100_000)
    const connection = this.world.host('raw').net.connect('w2:1', () => {
      connection.write(control.hello({ sequence: newest, incarnation: 0 }, hello))
    })
    connection.onBytes = (bytes) => {
      reader.push(bytes)
      while (reader.next()) {
        if (reader.kind !== FrameKind.WELCOME) continue
        this.welcomed.push(readWelcome(reader.bytes, reader.bodyStart, reader.bodyEnd).protocol)
      }
    }
    this.connection = connection
    await this.wait(20)
  }

  comeBack(incarnation: number): void {
    this.worker.office.onPeerRestarted(3, incarnation)
  }

  async wait(ms: number): Promise<void> {
    await this.world.run({ untilMs: this.world.nowMs + ms })
  }
}

describe('who dials', () => {
  for (const [protocol, told] of [
    [1, [1]],
    [2, [0xf4, 0x03]],
  ] as const) {
    test(`tells a peer of protocol ${protocol} of a lost worker as it understands it`, async () => {
      const peer = new Peer()
      await peer.listen(protocol)
      peer.comeBack(2)
      // Before the peer has been dialled, and once it is known.
      peer.comeBack(500)
      await peer.wait(100)
      expect(peer.suspects).toEqual([told])
      peer.comeBack(501)
      await peer.wait(100)
      expect(peer.suspects[1]).toEqual(protocol === 1 ? [1] : [0xf5, 0x03])
      expect(peer.worker.codes).toEqual([])
    })
  }

  test('says HELLO as older builds take it, and its newest protocol where those do not look', async () => {
    const peer = new Peer()
    await peer.listen(1)
    peer.worker.send(100, 1)
    await peer.wait(100)
    expect(peer.hellos).toEqual([{ protocol: 1, place: 2 }])
  })

  test('is not quiet while news waits for a peer that has not answered', async () => {
    const peer = new Peer()
    peer.comeBack(2)
    peer.comeBack(500)
    await peer.wait(100)
    expect(peer.worker.office.isQuiet).toBe(false)
    await peer.listen(2)
    await peer.wait(3_000)
    expect(peer.suspects).toEqual([[0xf4, 0x03]])
  })
})

describe('who is dialled', () => {
  test('answers in the newest protocol that both speak', async () => {
    for (const [protocol, newest, spoken] of [
      [1, 0, 1],
      [1, 1, 1],
      [1, 2, 2],
      [2, 0, 2],
      [1, 9, 2],
    ] as const) {
      const peer = new Peer()
      await peer.dial(protocol, newest)
      expect(peer.welcomed).toEqual([spoken])
    }
  })

  test('refuses who speaks only newer ones', async () => {
    const peer = new Peer()
    await peer.dial(3, 4)
    expect(peer.welcomed).toEqual([])
    expect(peer.worker.codes).toEqual(['VERSION_MISMATCH'])
  })

  test('understands news of a loss by protocol 1 and by protocol 2', async () => {
    const peer = new Peer()
    await peer.dial(1, 0)
    peer.connection?.write(suspectOf(1, '3', 0))
    peer.connection?.write(suspectOf(2, '3', 1))
    await peer.wait(20)
    await peer.dial(1, 2)
    peer.connection?.write(suspectOf(3, '3', 500))
    peer.connection?.write(suspectOf(4, '3', 500))
    await peer.wait(20)
    const reasons = peer.worker.losses.map(({ reason }) => reason)
    // Protocol 1 does not say which incarnation is lost: the end of one is told once, by who does say.
    expect(reasons).toEqual(['link-lost', 'link-lost', 'worker-lost', 'link-lost'])
    expect(peer.worker.codes).toEqual([])
  })
})
