/**
 * Fuzzing of what comes back: the dialler, and the link it feeds. A case: some tuples are sent, answers are
 * damaged; then the peer is dialled again and says honestly how far it has seen.
 *
 * Oracle: no call throws, errors are typed; after damage the connection is given up; every tuple is written
 * again that the peer has not seen, or its loss is told; credit is never negative.
 */
import { isStreamError } from '../../../src/base/errors.ts'
import type { SeededRandom } from '../../../src/base/random.ts'
import { FrameKind } from '../../../src/wire/frame.ts'
import { FrameReader } from '../../../src/wire/frame-reader.ts'
import { TupleCursor } from '../../../src/wire/tuple-cursor.ts'
import { TestWorker } from '../office-world.ts'
import { type BareConnection, BareHost } from './bare-host.ts'
import { checksum, control, OURS } from './corpus.ts'
import { mutations } from './mutate.ts'

const PEERS = [
  { worker: 1, address: 'a' },
  { worker: 2, address: 'b' },
]
/** Incarnation of the peer. */
const THEIRS = 1

export class Answering {
  readonly endings = new Map<string, number>()

  /** @throws Error if the oracle says no */
  runCase(random: SeededRandom): void {
    const bare = new BareHost()
    const worker = new TestWorker({ host: () => bare.host }, 1, OURS, { peers: PEERS })
    const count = 1 + random.below(30)
    for (let n = 0; n < count; n += 1) worker.send(201, n, 'x'.repeat(random.below(100)))
    const first = opened(bare)
    const welcome = control.welcome(answer(0), { protocol: 1, incarnation: THEIRS, lastSequence: 0 })
    const isHandshake = random.chance(0.3)
    const mutation = mutations[random.below(mutations.length)]
    if (mutation === undefined) return
    const greeting = [welcome]
    if (isHandshake) mutation.apply(greeting, random)
    for (const bytes of greeting) first.onBytes(bytes)
    worker.flush()
    const written = framesOf(first)
    const seen = random.below(written + 1)
    const answers = [
      control.credit(answer(Math.min(1, seen)), [{ channel: 201, sizeBytes: 1 }]),
      control.echoReply(answer(seen), {
        token: 1,
        busyShare: random.chance(0.5) ? random.next() : undefined,
      }),
      control.credit(answer(seen), [{ channel: 201, sizeBytes: 2 }]),
    ]
    if (!isHandshake) mutation.apply(answers, random)
    for (const bytes of answers) cut(first, bytes, random)
    if (random.chance(0.1)) {
      first.onBytes(control.goodbye(answer(seen), { reason: 1, text: 'the end' }))
    }
    for (const error of worker.errors) {
      if (!isStreamError(error)) throw new Error('not a typed error', { cause: error })
    }
    const load = worker.linkFor(201).loadOf(201)
    if (load < 0) throw new Error(`credit is negative: ${load}`)
    this.note(`${mutation.worst}: ${first.isClosed ? 'given up' : 'kept'}`)
    this.goOn({
      bare,
      worker,
      first,
      seen: isHandshake ? 0 : seen,
      count,
      isForged: mutation.worst === 'forged',
    })
    worker.office.close()
  }

  private goOn(at: {
    readonly bare: BareHost
    readonly worker: TestWorker
    readonly first: BareConnection
    readonly seen: number
    readonly count: number
    readonly isForged: boolean
  }): void {
    const { bare, worker, first, seen, count, isForged } = at
    const before = numbersOf(first.written, seen)
    first.isClosed = true
    first.onClose(undefined)
    bare.fire()
    const second = opened(bare)
    second.onBytes(control.welcome(answer(seen), { protocol: 1, incarnation: THEIRS, lastSequence: seen }))
    worker.flush()
    bare.fire()
    const after = numbersOf(second.written, Number.POSITIVE_INFINITY)
    const arrived = [...before, ...after]
    if (isForged || worker.losses.length > 0) return
    for (let n = 0; n < count; n += 1) {
      if (arrived[n] !== n) throw new Error(`tuple ${n} of ${count} is not sent again, or twice: ${arrived}`)
    }
  }

  private note(ending: string): void {
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1)
  }
}

function answer(sequence: number): { readonly sequence: number; readonly incarnation: number } {
  return { sequence, incarnation: OURS }
}

function opened(bare: BareHost): BareConnection {
  const dial = bare.dials.at(-1)
  if (dial === undefined) throw new Error('the peer is not dialled')
  dial.open()
  return dial.connection
}

function cut(connection: BareConnection, bytes: Uint8Array, random: SeededRandom): void {
  const at = random.below(bytes.length + 1)
  connection.onBytes(bytes.subarray(0, at))
  connection.onBytes(bytes.subarray(at))
}

/** How many numbered frames were written. */
function framesOf(connection: BareConnection): number {
  return connection.written.filter((bytes) => bytes[1] !== FrameKind.HELLO && bytes[1] !== FrameKind.ECHO)
    .length
}

/** Numbers of the tuples in what was written, up to a frame. */
function numbersOf(written: readonly Uint8Array[], last: number): number[] {
  const numbers: number[] = []
  const reader = new FrameReader(checksum, 100_000)
  const cursor = new TupleCursor()
  for (const bytes of written) {
    reader.push(bytes)
    while (reader.next()) {
      if (reader.kind !== FrameKind.TUPLES || reader.sequence > last) continue
      cursor.open(reader.bytes, reader.bodyStart, reader.bodyEnd)
      while (cursor.next()) {
        const row = reader.bytes.subarray(cursor.rowStart, cursor.rowEnd)
        numbers.push((row[0] ?? 0) >> 1)
      }
    }
  }
  return numbers
}
