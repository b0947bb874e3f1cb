/**
 * Messages as JSON over one connection: 4 bytes of length, then UTF-8. For the control path between processes
 * of one node (seat-messages.ts), and for requests in the simulator.
 *
 * Bounds: a message of at most `MESSAGE_BYTES_MAX`; more than `QUEUE_BYTES_MAX` waiting to be sent closes the
 * channel: who does not read is as good as gone. What is large by itself is sent message by message
 * (`sendEach`), each made when the one before it has left. It counts for what it says that it holds, but at
 * most for an eighth of the bound, so that one of any size comes through: seven of them may wait beside what
 * is small, or a thousand that are small.
 *
 * Does not know: what a message means. Whoever receives checks it.
 */
import { FormatError, UnavailableError } from '../base/errors.ts'
import type { Connection } from '../host/host.ts'

export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024
const QUEUE_BYTES_MAX = 64 * 1024 * 1024
const HEAD_BYTES = 4
/** What is not made yet counts for so much at least and at most. A choice: a thousand, and seven. */
const EACH_BYTES_MIN = 64 * 1024
const EACH_BYTES_MAX = QUEUE_BYTES_MAX / 8

export interface MessageChannelSpec<In> {
  readonly connection: Connection
  readonly onMessage: (message: In) => void
  /** Once, whoever ended it. */
  readonly onClose: (why: Error | undefined) => void
  /** Refuses a message by throwing. Default: everything is taken. */
  readonly check?: (message: unknown) => In
  readonly messageBytesMax?: number
}

/** Messages that are made one by one. */
export interface Pieces<Out> {
  readonly messages: Iterable<Out>
  /** About, what they hold until they are made. */
  readonly sizeBytes: number
}

interface Waiting<Out> {
  readonly what: Uint8Array | Iterator<Out>
  readonly sizeBytes: number
}

export class MessageChannel<In, Out> {
  private readonly spec: MessageChannelSpec<In>
  private readonly decoder = new TextDecoder('utf-8', { fatal: true })
  /** What waits to be sent, as it counts. */
  waitingBytes = 0
  private waiting: Waiting<Out>[] = []
  private isFull = false
  private isClosed = false
  /** Bytes that are no whole message yet. */
  private held: Uint8Array[] = []
  private heldBytes = 0
  /** Bytes there must be before anything can be delivered. */
  private neededBytes = HEAD_BYTES

  /** Takes the connection over: its three callbacks are set here. */
  constructor(spec: MessageChannelSpec<In>) {
    this.spec = spec
    const { connection } = spec
    connection.onBytes = (bytes) => this.onBytes(bytes)
    connection.onDrain = () => this.flush()
    connection.onClose = (why) => this.end(why)
  }

  get isOpen(): boolean {
    return !this.isClosed
  }

  /** After the end: nothing happens. */
  send(message: Out): void {
    if (this.isClosed) return
    const frame = frameOf(message)
    this.wait(frame, frame.length)
  }

  /** In order with all others, each made as there is room for it. */
  sendEach({ messages, sizeBytes }: Pieces<Out>): void {
    if (this.isClosed) return
    const countedBytes = Math.min(Math.max(sizeBytes, EACH_BYTES_MIN), EACH_BYTES_MAX)
    this.wait(messages[Symbol.iterator](), countedBytes)
  }

  close(): void {
    if (this.isClosed) return
    this.shut()
    this.spec.connection.close()
    this.spec.onClose(undefined)
  }

  private wait(what: Uint8Array | Iterator<Out>, sizeBytes: number): void {
    this.waiting.push({ what, sizeBytes })
    this.waitingBytes += sizeBytes
    if (this.waitingBytes > QUEUE_BYTES_MAX) {
      this.fail(new UnavailableError('LINK_LOST', 'the other side does not read its messages'))
      return
    }
    this.flush(false)
  }

  private flush(isDrained = true): void {
    if (isDrained) this.isFull = false
    while (!this.isFull && !this.isClosed) {
      const next = this.nextFrame()
      if (next === undefined) return
      this.isFull = !this.spec.connection.write(next)
    }
  }

  private nextFrame(): Uint8Array | undefined {
    for (;;) {
      const [first] = this.waiting
      if (first === undefined) return undefined
      const { what, sizeBytes } = first
      const isFrame = what instanceof Uint8Array
      const found = isFrame ? undefined : what.next()
      if (found?.done === false) return frameOf(found.value)
      this.waiting.shift()
      this.waitingBytes -= sizeBytes
      if (isFrame) return what
    }
  }

  private onBytes(bytes: Uint8Array): void {
    if (this.isClosed) return
    // They are only lent to us.
    this.held.push(bytes.slice())
    this.heldBytes += bytes.length
    if (this.heldBytes < this.neededBytes) return
    const all = joined(this.held, this.heldBytes)
    let at = 0
    this.neededBytes = HEAD_BYTES
    while (all.length - at >= HEAD_BYTES && !this.isClosed) {
      const length = new DataView(all.buffer, at).getUint32(0)
      if (length > (this.spec.messageBytesMax ?? MESSAGE_BYTES_MAX)) {
        this.fail(new FormatError('FRAME_MALFORMED', `a message of ${length} bytes is too long`))
        return
      }
      if (all.length - at - HEAD_BYTES < length) {
        this.neededBytes = HEAD_BYTES + length
        break
      }
      const body = all.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length)
      at += HEAD_BYTES + length
      this.deliver(body)
    }
    this.held = [all.subarray(at)]
    this.heldBytes = all.length - at
  }

  private deliver(body: Uint8Array): void {
    let message: In
    try {
      const found: unknown = JSON.parse(this.decoder.decode(body))
      // Without a check both ends are of the same build and the same node.
      message = this.spec.check === undefined ? (found as In) : this.spec.check(found)
    } catch (error) {
      this.fail(new FormatError('FRAME_MALFORMED', 'a message cannot be understood', {}, { cause: error }))
      return
    }
    this.spec.onMessage(message)
  }

  /** Nobody is sent anything any more: what waits is let go of. */
  private shut(): void {
    this.isClosed = true
    this.waiting = []
    this.waitingBytes = 0
  }

  private fail(why: Error): void {
    if (this.isClosed) return
    this.shut()
    this.spec.connection.close()
    this.spec.onClose(why)
  }

  private end(why: Error | undefined): void {
    if (this.isClosed) return
    this.shut()
    this.spec.onClose(why)
  }
}

function frameOf(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message))
  const frame = new Uint8Array(HEAD_BYTES + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame.set(body, HEAD_BYTES)
  return frame
}

function joined(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(sizeBytes)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
