/**
 * One connection to one server: bytes out, frames in, the end told once.
 *
 * Does not know: what is in the frames; whether another connection follows.
 *
 * Invariants
 *   L1  `onOver` is called once, unless the owner closed it himself; nothing is called after either
 *   L2  bytes that cannot be end the connection
 */
import { isStreamError } from '../../../base/errors.ts'
import type { Connection, Net } from '../../../host/host.ts'
import { FrameSplitter } from '../protocol/frame-splitter.ts'

export interface LineListener {
  onOpen(): void
  /** A frame in `[start, end)`, valid during the call. @throws FormatError FRAME_MALFORMED */
  onFrame(bytes: Uint8Array, start: number, end: number): void
  onOver(why: string): void
}

export class ServerLine {
  readonly server: string
  private readonly connection: Connection
  private readonly listener: LineListener
  private readonly splitter: FrameSplitter
  private isOver = false

  constructor(net: Net, server: string, listener: LineListener) {
    this.server = server
    this.listener = listener
    this.splitter = new FrameSplitter((bytes, start, end) => {
      listener.onFrame(bytes, start, end)
      return !this.isOver
    })
    const connection = net.connect(server, () => {
      if (!this.isOver) listener.onOpen()
    })
    this.connection = connection
    connection.onBytes = (bytes) => this.take(bytes)
    connection.onClose = (why) => this.over(why === undefined ? 'it closed the connection' : why.message)
  }

  /**
   * They belong to the connection from now on. Back-pressure of the socket is not looked at: what may be in
   * flight is bounded by the queue's window.
   */
  write(bytes: Uint8Array): void {
    if (!this.isOver) this.connection.write(bytes)
  }

  /** The owner has done with it: nothing is called any more. */
  close(): void {
    if (this.isOver) return
    this.isOver = true
    this.connection.close()
  }

  private take(bytes: Uint8Array): void {
    if (this.isOver) return
    try {
      this.splitter.push(bytes)
    } catch (error) {
      // Anything else is a bug of ours, or of a listener, and ends the process.
      if (!isStreamError(error) || error.family !== 'format') throw error
      this.connection.close()
      this.over(error.message)
    }
  }

  private over(why: string): void {
    if (this.isOver) return
    this.isOver = true
    this.listener.onOver(why)
  }
}
