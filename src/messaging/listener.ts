/**
 * Takes connections of other workers. Until its HELLO is in order a connection is a stranger: its bytes are
 * capped, its time is, and how many there may be at once.
 *
 *     listen ─▶ stranger ── HELLO in order ──▶ incoming-link.ts
 *                  ╰── anything else, or nothing for too long ──▶ GOODBYE, closed
 */
import { isStreamError, type StreamError } from '../base/errors.ts'
import type { Connection, Host, Stoppable } from '../host/host.ts'
import { GoodbyeReason, HELLO_BYTES_MAX, type Hello, readHello } from '../wire/control-codec.ts'
import { FrameKind } from '../wire/frame.ts'
import { FrameReader } from '../wire/frame-reader.ts'
import { malformed } from '../wire/malformed.ts'
import { ControlFrames } from './control-frames.ts'
import type { Refusal } from './hello-check.ts'
import { GOODBYE_LINGER_MS } from './incoming-link.ts'

/** More than all workers of a topology at once, and few enough to hold. */
const STRANGERS_MAX = 1_024

export interface ListenerSpec {
  readonly host: Host
  readonly helloWaitMs: number
  /** `newest`: protocol of who says it. */
  readonly judge: (hello: Hello, newest: number) => Refusal | undefined
  /** `reader` still stands at the HELLO. */
  readonly accept: (hello: Hello, connection: Connection, reader: FrameReader) => void
  readonly report: (error: StreamError) => void
}

interface Stranger {
  readonly connection: Connection
  readonly reader: FrameReader
  readonly sinceMs: number
}

export class Listener {
  refusedCount = 0
  private readonly spec: ListenerSpec
  private readonly control: ControlFrames
  private readonly strangers = new Set<Stranger>()
  private open: Stoppable | undefined = undefined
  private isClosed = false

  constructor(spec: ListenerSpec) {
    this.spec = spec
    this.control = new ControlFrames((bytes) => spec.host.checksum(bytes))
  }

  /** @throws UnavailableError PORT_IN_USE */
  async listen(address: string): Promise<void> {
    const open = await this.spec.host.net.listen(address, (connection) => this.onConnection(connection))
    if (this.isClosed) open.stop()
    else this.open = open
  }

  tick(nowMs: number): void {
    for (const stranger of this.strangers) {
      if (nowMs - stranger.sinceMs < this.spec.helloWaitMs) continue
      this.strangers.delete(stranger)
      this.refusedCount += 1
      stranger.connection.close()
    }
  }

  close(): void {
    this.isClosed = true
    this.open?.stop()
    for (const { connection } of this.strangers) connection.close()
    this.strangers.clear()
  }

  private onConnection(connection: Connection): void {
    if (this.isClosed || this.strangers.size >= STRANGERS_MAX) {
      this.refusedCount += 1
      connection.close()
      return
    }
    const { host } = this.spec
    const reader = new FrameReader((bytes) => host.checksum(bytes), HELLO_BYTES_MAX)
    const stranger: Stranger = { connection, reader, sinceMs: host.clock.monotonicMs() }
    this.strangers.add(stranger)
    connection.onBytes = (bytes) => this.onBytes(stranger, bytes)
    connection.onClose = () => this.strangers.delete(stranger)
  }

  private onBytes(stranger: Stranger, bytes: Uint8Array): void {
    if (!this.strangers.has(stranger)) return
    const { reader } = stranger
    let hello: Hello
    try {
      reader.push(bytes)
      if (!reader.next()) return
      if (reader.kind !== FrameKind.HELLO) malformed(`a stranger begins with a frame of kind ${reader.kind}`)
      hello = readHello(reader.bytes, reader.bodyStart, reader.bodyEnd)
    } catch (error) {
      if (!isStreamError(error)) throw error
      this.refuse(stranger, GoodbyeReason.MALFORMED, 0, error)
      return
    }
    const refusal = this.spec.judge(hello, reader.sequence)
    if (refusal !== undefined) {
      this.refuse(stranger, refusal.reason, refusal.addressee, refusal.error)
      return
    }
    this.strangers.delete(stranger)
    this.spec.accept(hello, stranger.connection, reader)
  }

  private refuse(stranger: Stranger, reason: GoodbyeReason, incarnation: number, error: StreamError): void {
    const { connection } = stranger
    this.strangers.delete(stranger)
    this.refusedCount += 1
    connection.write(this.control.goodbye({ sequence: 0, incarnation }, { reason, text: error.message }))
    this.spec.host.timers.after(GOODBYE_LINGER_MS, () => connection.close())
    this.spec.report(error)
  }
}
