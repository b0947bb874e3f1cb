/**
 * What comes from one other worker: frames in their order, each at most once, into the inboxes and ackers of
 * this one.
 *
 * Route: listener.ts hands over a connection whose HELLO was in order → [incoming link] →
 * flow/transfer/inbound, the ack router. Back go answers: how far we have seen, and credit as inboxes have
 * room.
 *
 * Survives connections: what was seen is seen, whichever connection brought it. Begins anew with each
 * incarnation of the peer.
 *
 * Invariants
 *   I1  A frame is taken only if its number follows the last one; a repetition is dropped; a gap is told,
 *       then taken.
 *   I2  A frame that cannot be read counts as seen, and its loss is told: the peer does not send it again for
 *       ever.
 *   I3  Every frame is answered within `answerDelayMs`, while the connection lives.
 */
import { ConflictError, isStreamError, type StreamError } from '../base/errors.ts'
import type { AckRouter } from '../flow/ack/ack-router.ts'
import type { Inbound } from '../flow/transfer/inbound.ts'
import type { Connection, Host, Stoppable } from '../host/host.ts'
import { AckCursor } from '../wire/ack-batch.ts'
import { CreditCursor, GoodbyeReason, readEcho, readSuspect, type Suspect } from '../wire/control-codec.ts'
import { FrameKind } from '../wire/frame.ts'
import type { FrameReader } from '../wire/frame-reader.ts'
import { malformed } from '../wire/malformed.ts'
import { TupleCursor } from '../wire/tuple-cursor.ts'
import { ArrivedAck } from './ack-frame.ts'
import type { Codecs } from './codecs.ts'
import { ControlFrames, type Envelope } from './control-frames.ts'
import { EchoVerdict, EchoWatch } from './echo-watch.ts'
import type { LinkSettings } from './link-settings.ts'
import { ReceivingChannel } from './receiving-channel.ts'
import { isLater, sequenceAfter } from './sequence.ts'

/** How long a last word may take to get out before the connection is closed. */
export const GOODBYE_LINGER_MS = 100
/** An answer is due at once after so many bytes, whatever the credit. */
const ANSWER_BYTES_MAX = 256 * 1024
/**
 * A long frame on a slow line: the peer, whose echo waits behind it, learns that it is coming. Fewer bytes
 * are its echoes alone, and those that do not make a frame mean damage: then the peer shall give the
 * connection up.
 */
const SLOW_BYTES_MIN = 4_096

/**
 * Numbers from outside must not reserve memory: no topology has so many tasks, or executors in one worker.
 */
const TASK_HOLES_MAX = 100_000
const CHANNELS_MAX = 65_536

export interface IncomingSpec {
  readonly host: Host
  readonly settings: LinkSettings
  readonly codecs: Codecs
  readonly channelOf: (task: number) => number
  readonly peer: number
  /** Our own: what frames to us must carry. */
  readonly incarnation: number
  readonly inbound: () => Inbound
  readonly acks: () => Pick<AckRouter, 'onMessage'>
  /** What the peer is told of how busy this worker's loop is. undefined: nothing. */
  readonly busyShare: () => number | undefined
  /** Frames of the peer are lost. */
  readonly onLoss: (message: string) => void
  readonly onSuspect: (suspect: Suspect) => void
  readonly report: (error: StreamError) => void
}

export class IncomingLink {
  duplicateCount = 0
  private readonly spec: IncomingSpec
  private readonly control: ControlFrames
  private readonly watch: EchoWatch
  private readonly tuples = new TupleCursor()
  private readonly acks = new AckCursor()
  private readonly ack = new ArrivedAck()
  private readonly credit = new CreditCursor()
  private readonly answerBytes: number
  private connection: Connection | undefined = undefined
  private peerIncarnation = 0
  private lastSequence = 0
  private channelsByTask: Array<ReceivingChannel | undefined> = []
  private channels = new Map<number, ReceivingChannel>()
  private changed: ReceivingChannel[] = []
  private owedBytes = 0
  /** Came since the last whole frame, or the last tick. */
  private partBytes = 0
  private answerWait: Stoppable | undefined = undefined

  constructor(spec: IncomingSpec) {
    const { host, settings } = spec
    this.spec = spec
    this.control = new ControlFrames((bytes) => host.checksum(bytes))
    this.watch = new EchoWatch(settings)
    this.answerBytes = Math.min(settings.transferCreditMaxBytes >> 2, ANSWER_BYTES_MAX)
  }

  get isConnected(): boolean {
    return this.connection !== undefined
  }

  /** The peer is a new one: nothing it sent before counts any more. */
  meet(incarnation: number): void {
    this.disconnect()
    this.peerIncarnation = incarnation
    this.lastSequence = 0
    this.channelsByTask = []
    this.channels = new Map()
    this.changed = []
  }

  /**
   * A connection of the peer whose HELLO was in order, to be spoken on in this protocol. `reader` may hold
   * more that came with it.
   */
  accept(connection: Connection, reader: FrameReader, protocol: number): void {
    this.disconnect()
    const { host, settings, incarnation } = this.spec
    this.connection = connection
    // Longer than a frame ever gets: a batch is closed when it is full, and the last tuple may be the
    // largest.
    reader.bodyBytesMax = settings.transferFrameMaxBytes + settings.tupleMaxBytes + 1024
    this.watch.restart(host.clock.monotonicMs())
    connection.onBytes = (bytes) => {
      if (this.connection !== connection) return
      this.watch.heard()
      this.partBytes += bytes.length
      reader.push(bytes)
      this.readOn(connection, reader)
    }
    connection.onClose = () => {
      if (this.connection === connection) this.disconnect()
    }
    const { lastSequence } = this
    connection.write(this.control.welcome(this.envelope(), { protocol, incarnation, lastSequence }))
    this.changed = [...this.channels.values()]
    if (this.changed.length > 0) this.answer()
    this.readOn(connection, reader)
  }

  /** Called several times in the time of an echo. */
  tick(nowMs: number): void {
    if (this.connection === undefined) return
    if (this.watch.judge(nowMs) === EchoVerdict.DEAD) this.disconnect()
    else if (this.partBytes >= SLOW_BYTES_MIN) this.answer()
    this.partBytes = 0
  }

  disconnect(): void {
    this.answerWait?.stop()
    this.answerWait = undefined
    this.owedBytes = 0
    const { connection } = this
    this.connection = undefined
    connection?.close()
  }

  /** Says why, then ends. `addressee`: who the peer should be, if it is not any more. */
  dismiss(reason: GoodbyeReason, text: string, addressee = this.peerIncarnation): void {
    const { connection } = this
    if (connection === undefined) return
    this.connection = undefined
    this.disconnect()
    const envelope = { sequence: this.lastSequence, incarnation: addressee }
    connection.write(this.control.goodbye(envelope, { reason, text }))
    this.spec.host.timers.after(GOODBYE_LINGER_MS, () => connection.close())
  }

  private readOn(connection: Connection, reader: FrameReader): void {
    try {
      while (this.connection === connection && reader.next()) this.onFrame(reader)
    } catch (error) {
      if (!isStreamError(error) || error.family !== 'format') throw error
      if (this.connection === connection) this.dismiss(GoodbyeReason.MALFORMED, error.message)
      this.spec.report(error)
      this.spec.onLoss(`worker ${this.spec.peer} sent what cannot be read: ${error.message}`)
    }
  }

  private onFrame(reader: FrameReader): void {
    const { spec } = this
    this.partBytes = 0
    if (reader.incarnation !== spec.incarnation) {
      const text = `worker ${spec.peer} means incarnation ${reader.incarnation}, we are ${spec.incarnation}`
      this.dismiss(GoodbyeReason.OLD_INCARNATION, text)
      spec.report(new ConflictError('FRAME_OLD_INCARNATION', text, { worker: spec.peer }))
      return
    }
    const { kind, bytes, bodyStart, bodyEnd } = reader
    if (kind === FrameKind.ECHO) {
      const token = readEcho(bytes, bodyStart, bodyEnd)
      const reply = { token, busyShare: spec.busyShare() }
      this.connection?.write(this.control.echoReply(this.envelope(), reply))
    } else if (kind === FrameKind.GOODBYE) {
      this.disconnect()
    } else if (this.isNext(reader.sequence)) {
      this.take(reader)
    }
  }

  /** HOT per frame. False: it has been here before. */
  private isNext(sequence: number): boolean {
    const { lastSequence } = this
    if (sequence === 0) malformed('a frame without a number')
    if (sequence === sequenceAfter(lastSequence)) {
      this.lastSequence = sequence
      return true
    }
    if (lastSequence !== 0 && !isLater(sequence, lastSequence)) {
      this.duplicateCount += 1
      this.owe(0)
      return false
    }
    this.lastSequence = sequence
    this.spec.onLoss(`frames of worker ${this.spec.peer} are missing between ${lastSequence} and ${sequence}`)
    return true
  }

  private take(reader: FrameReader): void {
    const { kind, bytes, bodyStart, bodyEnd } = reader
    if (kind === FrameKind.TUPLES) this.takeTuples(bytes, bodyStart, bodyEnd)
    else if (kind === FrameKind.ACKS) this.takeAcks(bytes, bodyStart, bodyEnd)
    else if (kind === FrameKind.CREDIT) this.takeTotals(bytes, bodyStart, bodyEnd)
    else if (kind === FrameKind.SUSPECT) this.spec.onSuspect(readSuspect(bytes, bodyStart, bodyEnd))
    else malformed(`a frame of kind ${kind} has no place here`)
    this.owe(bodyEnd - bodyStart)
  }

  /** HOT. */
  private takeTuples(bytes: Uint8Array, start: number, end: number): void {
    const cursor = this.tuples
    const { codecs } = this.spec
    const inbound = this.spec.inbound()
    cursor.open(bytes, start, end)
    while (cursor.next()) {
      const { targetTask, streamNumber, rootCount } = cursor
      const stream = inbound.streamOf(streamNumber)
      const codec = codecs.find(streamNumber)
      if (stream === undefined || codec === undefined) malformed(`there is no stream ${streamNumber}`)
      const values = cursor.row(codec)
      inbound.begin(targetTask, stream, cursor.sourceTask, cursor.hasTime ? cursor.timeMs : undefined)
      for (let index = 0; index < rootCount; index += 1) {
        cursor.selectRoot(index)
        inbound.root(cursor.rootLow, cursor.rootHigh, cursor.edgeLow, cursor.edgeHigh, cursor.ackerTask)
      }
      const gate = inbound.deliver(values)
      const channel = this.channelsByTask[targetTask] ?? this.channelOfTask(targetTask)
      if (channel.take(cursor.sizeBytes, gate) && !channel.isChanged) this.noteChanged(channel)
    }
  }

  private takeAcks(bytes: Uint8Array, start: number, end: number): void {
    const router = this.spec.acks()
    this.acks.open(bytes, start, end)
    while (this.acks.next()) router.onMessage(this.ack.read(this.acks))
  }

  private takeTotals(bytes: Uint8Array, start: number, end: number): void {
    this.credit.open(bytes, start, end)
    while (this.credit.next()) {
      const channel = this.channelOfNumber(this.credit.channel)
      if (channel.correct(this.credit.sizeBytes) && !channel.isChanged) this.noteChanged(channel)
    }
  }

  private noteChanged(channel: ReceivingChannel): void {
    channel.isChanged = true
    this.changed.push(channel)
  }

  /** So much more was taken: the peer is answered now, or soon. */
  private owe(sizeBytes: number): void {
    if (this.connection === undefined) return
    this.owedBytes += sizeBytes
    if (this.owedBytes >= this.answerBytes) {
      this.answer()
      return
    }
    const { host, settings } = this.spec
    this.answerWait ??= host.timers.after(settings.answerDelayMs, () => this.answer())
  }

  private answer(): void {
    this.answerWait?.stop()
    this.answerWait = undefined
    this.owedBytes = 0
    const { changed, connection } = this
    if (connection === undefined) return
    this.changed = []
    const totals = changed.map((each) => {
      each.isChanged = false
      return { channel: each.channel, sizeBytes: each.grantedBytes }
    })
    connection.write(this.control.credit(this.envelope(), totals))
  }

  /** An inbox has room again: who waits for it should know now. */
  private onRoom(channel: ReceivingChannel): void {
    if (this.channels.get(channel.channel) !== channel) return
    if (!channel.isChanged) this.noteChanged(channel)
    this.answer()
  }

  private channelOfTask(task: number): ReceivingChannel {
    const channel = this.channelOfNumber(this.spec.channelOf(task))
    if (task >= this.channelsByTask.length + TASK_HOLES_MAX) return channel
    for (let hole = this.channelsByTask.length; hole < task; hole += 1) this.channelsByTask.push(undefined)
    this.channelsByTask[task] = channel
    return channel
  }

  private channelOfNumber(number: number): ReceivingChannel {
    let channel = this.channels.get(number)
    if (channel === undefined) {
      if (this.channels.size >= CHANNELS_MAX) malformed(`${number} is one channel too many`)
      channel = new ReceivingChannel(number, (each) => this.onRoom(each))
      this.channels.set(number, channel)
    }
    return channel
  }

  private envelope(): Envelope {
    return { sequence: this.lastSequence, incarnation: this.peerIncarnation }
  }
}
