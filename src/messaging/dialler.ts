/**
 * Keeps the outgoing connection to one peer: dials, says HELLO, watches, and dials again for ever.
 *
 *     ┌──▶ DIALLING ── open: HELLO ──▶ GREETING ── WELCOME ──▶ UP ── credit, echoes … ──┐
 *     │        │                          │                                             │
 *     └── wait ◀── failed, refused, silent, reset, malformed ◀──────────────────────────┘
 *
 * What comes back on the connection ends here: WELCOME, CREDIT, ECHO_REPLY, GOODBYE. Damage in this direction
 * loses nothing: totals are told again after the reconnect.
 *
 * Invariants
 *   D1  At most one connection; what an older one still says is not heard.
 *   D2  Nothing but HELLO is sent before WELCOME.
 */
import { Backoff } from '../base/backoff.ts'
import {
  ConflictError,
  FormatError,
  isStreamError,
  type StreamError,
  UnavailableError,
} from '../base/errors.ts'
import type { Connection, Host, Stoppable } from '../host/host.ts'
import {
  CreditCursor,
  type Goodbye,
  GoodbyeReason,
  type Hello,
  readEchoReply,
  readGoodbye,
  readWelcome,
  type Welcome,
} from '../wire/control-codec.ts'
import { FrameKind } from '../wire/frame.ts'
import { FrameReader } from '../wire/frame-reader.ts'
import { malformed } from '../wire/malformed.ts'
import { PROTOCOL_VERSION, speaksProtocol } from '../wire/version.ts'
import { ControlFrames } from './control-frames.ts'
import { EchoVerdict, EchoWatch } from './echo-watch.ts'
import type { WorkerLink } from './link.ts'
import type { LinkSettings } from './link-settings.ts'

/** The longest answer that is taken: totals of so many channels that nobody has them. */
const ANSWER_BYTES_MAX = 1024 * 1024

export interface DiallerSpec {
  readonly host: Host
  readonly settings: LinkSettings
  readonly peer: number
  readonly address: string
  /** Our own: what frames to us must carry. */
  readonly incarnation: number
  readonly hello: () => Hello
  /** The peer's newest incarnation, 0: unknown. */
  readonly peerIncarnation: () => number
  /** The peer says who it is. False: it is an older one than we know. */
  readonly onIncarnation: (incarnation: number) => boolean
  /** The peer knows a newer incarnation of this worker. Said at every dial. */
  readonly onOutdated: (newest: number, message: string) => void
  readonly onGap: () => void
  readonly report: (error: StreamError) => void
}

export class Dialler {
  reconnectCount = 0
  /** Of the newest echo. undefined: none came back yet. */
  rttMs: number | undefined = undefined
  private readonly spec: DiallerSpec
  private readonly link: WorkerLink
  private readonly control: ControlFrames
  private readonly backoff: Backoff
  private readonly watch: EchoWatch
  private readonly credit = new CreditCursor()
  private address: string
  private connection: Connection | undefined = undefined
  private reader: FrameReader
  private isStarted = false
  private isOpen = false
  private isUp = false
  private wasUp = false
  private isClosed = false
  private upSinceMs = 0
  private askedMs = 0
  private token = 0
  private wait: Stoppable | undefined = undefined
  private reported = ''

  constructor(spec: DiallerSpec, link: WorkerLink) {
    const { host, settings } = spec
    this.spec = spec
    this.link = link
    this.address = spec.address
    this.control = new ControlFrames((bytes) => host.checksum(bytes))
    this.reader = this.makeReader()
    const random = host.random.split(`redial/${spec.peer}`)
    const { redialFirstMs: firstMs, redialMaxMs: maxMs } = settings
    this.backoff = new Backoff({ firstMs, maxMs }, () => random.next())
    this.watch = new EchoWatch(settings)
  }

  get isConnected(): boolean {
    return this.isUp
  }

  isFor(address: string): boolean {
    return this.address === address
  }

  /** The first dial; all later ones follow by themselves. */
  start(): void {
    if (this.isStarted || this.isClosed) return
    this.isStarted = true
    this.dial()
  }

  /** The peer is somewhere else now, or somebody new: what connects us to it is cut and made anew. */
  redial(address: string = this.address): void {
    this.address = address
    if (!this.isStarted || this.isClosed) return
    this.backoff.reset()
    this.drop()
    this.dial()
  }

  /** Called several times in the time of an echo. */
  tick(nowMs: number): void {
    const { connection } = this
    if (connection === undefined || !this.isOpen) return
    const verdict = this.watch.judge(nowMs)
    if (verdict === EchoVerdict.DEAD) {
      this.drop()
    } else if (verdict === EchoVerdict.ASK && this.isUp) {
      this.token = (this.token + 1) >>> 0
      this.askedMs = nowMs
      connection.write(this.control.echo(this.envelope(), this.token))
    }
  }

  close(): void {
    this.isClosed = true
    const { connection } = this
    if (this.isUp) {
      const text = 'the worker ends'
      connection?.write(this.control.goodbye(this.envelope(), { reason: GoodbyeReason.SHUTDOWN, text }))
    }
    this.drop()
  }

  private dial(): void {
    if (this.isClosed || this.connection !== undefined) return
    this.wait?.stop()
    this.wait = undefined
    const connection = this.spec.host.net.connect(this.address, () => {
      if (this.connection === connection) this.onOpen(connection)
    })
    this.connection = connection
    this.reader = this.makeReader()
    connection.onBytes = (bytes) => {
      if (this.connection === connection) this.onBytes(connection, bytes)
    }
    connection.onDrain = () => {
      if (this.connection === connection && this.isUp) this.link.onDrain()
    }
    connection.onClose = () => {
      if (this.connection === connection) this.drop()
    }
  }

  private onOpen(connection: Connection): void {
    this.isOpen = true
    this.watch.restart(this.spec.host.clock.monotonicMs())
    connection.write(
      this.control.hello({ ...this.envelope(), sequence: PROTOCOL_VERSION }, this.spec.hello()),
    )
  }

  private onBytes(connection: Connection, bytes: Uint8Array): void {
    try {
      this.reader.push(bytes)
      while (this.connection === connection && this.reader.next()) this.onFrame(connection)
    } catch (error) {
      if (!isStreamError(error)) throw error
      this.reportOnce(error)
      if (this.connection === connection) this.drop()
    }
  }

  private onFrame(connection: Connection): void {
    const { reader, spec } = this
    // Whole frames count, not bytes: after damage to a length the reader would wait for the rest for ever.
    this.watch.heard()
    const { kind, bytes, bodyStart, bodyEnd, sequence } = reader
    if (kind === FrameKind.GOODBYE) {
      this.onGoodbye(readGoodbye(bytes, bodyStart, bodyEnd), reader.incarnation)
      return
    }
    if (reader.incarnation !== spec.incarnation) {
      const text = `worker ${spec.peer} answers incarnation ${reader.incarnation}, we are ${spec.incarnation}`
      throw new ConflictError('FRAME_OLD_INCARNATION', text, { worker: spec.peer })
    }
    if (kind === FrameKind.WELCOME && !this.isUp) {
      const welcome = readWelcome(bytes, bodyStart, bodyEnd)
      if (!speaksProtocol(welcome.protocol)) {
        const text = `worker ${spec.peer} speaks protocol ${welcome.protocol}`
        throw new FormatError('VERSION_MISMATCH', text, { worker: spec.peer })
      }
      this.onWelcome(connection, welcome)
      return
    }
    if (!this.isUp) malformed(`a frame of kind ${kind} comes before WELCOME`)
    this.link.acknowledge(sequence)
    if (kind === FrameKind.CREDIT) {
      this.credit.open(bytes, bodyStart, bodyEnd)
      while (this.credit.next()) this.link.grant(this.credit.channel, this.credit.sizeBytes)
    } else if (kind === FrameKind.ECHO_REPLY) {
      const { token, busyShare } = readEchoReply(bytes, bodyStart, bodyEnd)
      if (token === this.token) this.rttMs = spec.host.clock.monotonicMs() - this.askedMs
      this.link.busyShare = busyShare
    } else {
      malformed(`a frame of kind ${kind} is no answer`)
    }
  }

  private onWelcome(connection: Connection, welcome: Welcome): void {
    const { spec } = this
    const { protocol, incarnation, lastSequence } = welcome
    if (!spec.onIncarnation(incarnation)) {
      const text = `worker ${spec.peer} is incarnation ${incarnation}, a newer one is known`
      throw new ConflictError('FRAME_OLD_INCARNATION', text, { worker: spec.peer, incarnation })
    }
    // Telling the loss of an older incarnation may have ended everything.
    if (this.connection !== connection) return
    this.isUp = true
    this.reported = ''
    this.upSinceMs = spec.host.clock.monotonicMs()
    if (this.wasUp) this.reconnectCount += 1
    this.wasUp = true
    if (!this.link.attach(connection, lastSequence, protocol)) spec.onGap()
  }

  /** `addressee`: whom the peer takes for the newest of us. It may also be right, and mean older frames. */
  private onGoodbye(goodbye: Goodbye, addressee: number): void {
    const { peer, incarnation } = this.spec
    const text = `worker ${peer} ends the link: ${goodbye.text}`
    const details = { worker: peer }
    if (goodbye.reason === GoodbyeReason.OLD_INCARNATION) {
      if (addressee > incarnation) this.spec.onOutdated(addressee, text)
      throw new ConflictError('FRAME_OLD_INCARNATION', text, details)
    }
    if (goodbye.reason === GoodbyeReason.SCHEMA_MISMATCH)
      throw new FormatError('SCHEMA_MISMATCH', text, details)
    if (goodbye.reason === GoodbyeReason.REFUSED) throw new UnavailableError('LINK_LOST', text, details)
    this.drop()
  }

  /** The connection is over, by whatever side. */
  private drop(): void {
    const { connection, spec } = this
    this.connection = undefined
    this.isOpen = false
    if (this.isUp) {
      this.link.detach()
      // One that held is no failure; one that broke at once, again and again, is.
      if (spec.host.clock.monotonicMs() - this.upSinceMs >= spec.settings.redialMaxMs) this.backoff.reset()
    }
    this.isUp = false
    connection?.close()
    this.wait?.stop()
    if (this.isClosed) return
    this.wait = spec.host.timers.after(this.backoff.nextMs(), () => this.dial())
  }

  /** A peer that refuses us does so at every dial: said once. */
  private reportOnce(error: StreamError): void {
    const text = `${error.code} ${error.message}`
    if (this.reported === text) return
    this.reported = text
    this.spec.report(error)
  }

  private envelope(): { readonly sequence: number; readonly incarnation: number } {
    return { sequence: 0, incarnation: this.spec.peerIncarnation() }
  }

  private makeReader(): FrameReader {
    return new FrameReader((bytes) => this.spec.host.checksum(bytes), ANSWER_BYTES_MAX)
  }
}
