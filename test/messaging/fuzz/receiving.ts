/**
 * Fuzzing of what comes in: the listener, and the incoming link behind it. One session a case: HELLO, frames,
 * damage; then a second, clean connection that asks how far the first one came and goes on from there.
 *
 * Oracle
 *   O1  No call throws; what is reported is a StreamError with a code that peers may cause.
 *   O2  A frame with a wrong checksum is never taken. Nobody without the token gets WELCOME.
 *   O3  Tuples arrive at most once and in order; of the frames that count as seen every tuple arrived, or
 *       the loss was told.
 *   O4  After damage the connection is closed, or waits for more bytes; a length beyond the cap closes at
 *       once.
 *   O5  The link goes on: over the clean connection the next frame arrives.
 */
import { isStreamError } from '../../../src/base/errors.ts'
import type { SeededRandom } from '../../../src/base/random.ts'
import { readHello, readWelcome } from '../../../src/wire/control-codec.ts'
import { FRAME_HEAD_BYTES, FRAME_TAIL_BYTES, FrameKind } from '../../../src/wire/frame.ts'
import { FrameReader } from '../../../src/wire/frame-reader.ts'
import { TestWorker } from '../office-world.ts'
import { BareConnection, BareHost } from './bare-host.ts'
import { acksOf, checksum, control, helloOf, OURS, TOKEN, tuplesOf, valuesOf } from './corpus.ts'
import { type Mutation, mutations } from './mutate.ts'

const CODES = new Set([
  'FRAME_MALFORMED',
  'VERSION_MISMATCH',
  'FRAME_OLD_INCARNATION',
  'NOT_AUTHENTICATED',
  'NOT_ALLOWED',
  'SCHEMA_MISMATCH',
])
const PEERS = [
  { worker: 1, address: 'a' },
  { worker: 2, address: 'b' },
]

interface Frame {
  readonly bytes: Uint8Array
  readonly sequence: number
  readonly numbers: readonly number[]
}

/** What a session begins with: frames 1 … n, of all kinds that are numbered, and an echo between. */
function sessionOf(random: SeededRandom): Frame[] {
  const frames: Frame[] = []
  const count = 1 + random.below(6)
  let n = 0
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const kind = random.below(8)
    const at = { sequence, incarnation: OURS }
    const numbers: number[] = []
    let bytes: Uint8Array
    if (kind === 0) bytes = acksOf(sequence, random)
    else if (kind === 1) bytes = valuesOf(sequence, random)
    else if (kind === 2) bytes = control.suspect(at, { worker: '3', incarnation: 2, text: 'gone' }, 2)
    else {
      const size = 1 + random.below(5)
      bytes = tuplesOf(sequence, n, size, random)
      for (let i = 0; i < size; i += 1) numbers.push(n + i)
      n += size
    }
    frames.push({ bytes, sequence, numbers })
  }
  return frames
}

export class Receiving {
  /** How often each ending was seen: a run in which nothing was refused shows nothing. */
  readonly endings = new Map<string, number>()
  /** An insider said it is a later incarnation than it is: nobody else of that worker is believed now. */
  isSpent = false
  private readonly bare = new BareHost()
  private readonly worker: TestWorker
  private incarnation = 0

  constructor() {
    this.worker = new TestWorker({ host: () => this.bare.host }, 2, OURS, {
      peers: PEERS,
      onLost: (worker, reason, message) => this.worker.losses.push({ worker, reason, message }),
    })
  }

  /** @throws Error if the oracle says no */
  runCase(random: SeededRandom): void {
    const { worker } = this
    this.incarnation += 1
    const frames = sessionOf(random)
    const mutation = mutations[random.below(mutations.length)]
    if (mutation === undefined) return
    const isHandshake = random.chance(0.05)
    const hello = [helloOf(this.incarnation)]
    if (isHandshake) mutation.apply(hello, random)
    const first = new BareConnection()
    this.bare.accept(first)
    for (const bytes of hello) feed(first, bytes, random)
    if (isHandshake) this.checkHello(first, mutation, hello)
    worker.losses.length = 0
    worker.arrived.length = 0
    worker.tuples.length = 0
    worker.acks.length = 0
    const stream = frames.map((frame) => frame.bytes)
    if (!isHandshake) mutation.apply(stream, random)
    for (const bytes of stream) feed(first, bytes, random)
    this.bare.fire()
    this.checkErrors(first)
    this.count(`${mutation.worst}: ${first.isClosed ? 'closed' : 'open'}`)
    if (!isHandshake) {
      this.checkSession(frames, mutation, first)
      return
    }
    this.isSpent = mutation.worst === 'forged'
    this.reset()
  }

  /** A head alone that announces more than may come: closed before a byte of the body is there. */
  runOversized(random: SeededRandom): void {
    this.incarnation += 1
    const connection = new BareConnection()
    this.bare.accept(connection)
    const isStranger = random.chance(0.5)
    if (!isStranger) feed(connection, helloOf(this.incarnation), random)
    const head = tuplesOf(1, 0, 1, random).slice(0, 14)
    // Caps: 1 KiB for strangers; frame, tuple and slack of the settings for peers.
    const cap = isStranger ? 1_024 : 1_000 + 10_000 + 1_024
    const length = random.chance(0.5) ? cap + 1 : cap + 1 + random.below(0xffff_ffff - cap)
    new DataView(head.buffer).setUint32(2, length)
    connection.onBytes(head)
    if (lastKind(connection) !== FrameKind.GOODBYE) {
      throw new Error(`a body of ${length} bytes is waited for, ${cap} are allowed`)
    }
    this.count('oversized: closed')
    this.reset()
  }

  private checkHello(connection: BareConnection, mutation: Mutation, said: readonly Uint8Array[]): void {
    const isWelcome = connection.written.some((bytes) => bytes[1] === FrameKind.WELCOME)
    // Bytes behind a whole HELLO do not make it another.
    const isWhole = ['lengthen', 'random bytes', 'splice'].includes(mutation.name)
    if (mutation.worst === 'broken' && isWelcome && !isWhole) throw new Error('a broken HELLO was welcomed')
    if (mutation.worst === 'forged' && isWelcome && tokenOf(said[0]) !== TOKEN) {
      throw new Error('a HELLO with a wrong token was welcomed')
    }
    this.count(isWelcome ? 'handshake: welcome' : 'handshake: refused')
  }

  private checkErrors(connection: BareConnection): void {
    if (this.worker.errors.length > 0 && !connection.isClosed) {
      throw new Error(`after ${this.worker.codes.join()} the connection is still open`)
    }
    for (const error of this.worker.errors) {
      if (!isStreamError(error) || !CODES.has(error.code))
        throw new Error('not an error of peers', { cause: error })
    }
  }

  private checkSession(frames: readonly Frame[], mutation: Mutation, first: BareConnection): void {
    const { worker } = this
    const numbers = worker.arrived.map((each) => Number(each.split(':')[1]))
    const isForged = mutation.worst === 'forged'
    if (!isForged) {
      for (let i = 1; i < numbers.length; i += 1) {
        if ((numbers[i] ?? 0) <= (numbers[i - 1] ?? 0) && !Number.isNaN(numbers[i])) {
          throw new Error(`tuples out of order or twice: ${numbers.join(' ')}`)
        }
      }
    }
    const isUnreadable = worker.errors.some((error) => error.code === 'FRAME_MALFORMED')
    if (isUnreadable && worker.losses.every((each) => each.worker === 3)) {
      throw new Error('a frame could not be read, and no loss was told')
    }
    first.isClosed = true
    first.onClose(undefined)
    const second = new BareConnection()
    this.bare.accept(second)
    second.onBytes(helloOf(this.incarnation))
    const seen = welcomeOf(second)
    if (!isForged && worker.losses.every((each) => each.worker === 3)) {
      const wanted = frames.flatMap((each) => (each.sequence <= seen ? each.numbers : []))
      const missing = wanted.filter((n) => !numbers.includes(n))
      if (missing.length > 0) throw new Error(`${missing.length} tuples are lost, and nobody was told`)
    }
    const before = worker.arrived.length
    const next = seen === 0xffff_ffff ? 1 : seen + 1
    second.onBytes(tuplesOf(next, 1_000_000, 1, ZERO))
    if (worker.arrived.length !== before + 1) throw new Error('the link does not go on')
    this.reset()
  }

  private reset(): void {
    this.worker.losses.length = 0
    this.worker.errors.length = 0
    this.worker.arrived.length = 0
    this.bare.fire()
  }

  private count(ending: string): void {
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1)
  }
}

const ZERO = Object.assign(Object.create(null), { below: () => 0, chance: () => false })

function tokenOf(hello: Uint8Array = new Uint8Array(0)): string {
  return readHello(hello, FRAME_HEAD_BYTES, hello.length - FRAME_TAIL_BYTES).token
}

/** In one piece, byte by byte, or cut anywhere. */
function feed(connection: BareConnection, bytes: Uint8Array, random: SeededRandom): void {
  const way = random.below(16)
  if (way > 5) {
    connection.onBytes(bytes)
    return
  }
  for (let at = 0; at < bytes.length; ) {
    const size = way === 1 ? 1 : 1 + random.below(bytes.length)
    // A copy that is overwritten afterwards: what is kept of it would show.
    const piece = bytes.slice(at, at + size)
    connection.onBytes(piece)
    piece.fill(0xdb)
    at += size
  }
}

function lastKind(connection: BareConnection): number {
  return connection.written.at(-1)?.[1] ?? 0
}

function welcomeOf(connection: BareConnection): number {
  const reader = new FrameReader(checksum, 4_096)
  for (const bytes of connection.written) {
    reader.push(bytes)
    while (reader.next()) {
      if (reader.kind === FrameKind.WELCOME) {
        return readWelcome(reader.bytes, reader.bodyStart, reader.bodyEnd).lastSequence
      }
    }
  }
  throw new Error('a clean HELLO was not welcomed')
}
