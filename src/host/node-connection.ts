/**
 * A connection of this machine's network: plain TCP, TLS or a unix socket, whoever made it.
 *
 * Writes of one turn leave together: they are held until the turn of the event loop ends, or until there are
 * enough of them to be worth a call of the system by themselves. Then the other side can begin while we go
 * on.
 *
 * Invariants
 *   C1  `onClose` is called exactly once, nothing else after it.
 *   C2  What was written before `close` is handed to the system before the connection ends.
 */
import type { Socket } from 'node:net'
import { UnavailableError } from '../base/errors.ts'
import type { Connection } from './host.ts'

/** A dial that nobody answers in this time has failed. The same in memory-net.ts. */
export const DIAL_TIMEOUT_MS = 10_000
/** Undelivered bytes above which `write` answers false. The same in memory-net.ts. */
export const BUFFER_BYTES_MAX = 256 * 1024
/**
 * Until a silent peer is asked by the system whether it is there. Links ask sooner, by echoes of their own.
 */
export const KEEP_ALIVE_MS = 30_000
/**
 * Bytes that are sent without waiting for the end of the turn. A choice: the size at which frames of links
 * leave; a call costs 6 µs and a copy of so many bytes 2.
 */
const GATHER_BYTES = 8 * 1024

export class NodeConnection implements Connection {
  readonly peer: string
  onBytes: (bytes: Uint8Array) => void = ignore
  onDrain: () => void = ignore
  onClose: (why: Error | undefined) => void = ignore
  private readonly socket: Socket
  private why: Error | undefined
  private isOpen = true
  private isGathering = false
  private gatheredBytes = 0

  constructor(peer: string, socket: Socket) {
    this.peer = peer
    this.socket = socket
    socket.on('drain', () => this.onDrain())
    socket.on('error', (error: Error) => {
      this.why ??= new UnavailableError(
        'LINK_LOST',
        `connection to ${peer} was lost: ${reasonOf(error)}`,
        { peer, reason: reasonOf(error) },
        { cause: error },
      )
    })
    socket.on('close', () => this.onClose(this.why))
  }

  /**
   * For the side that dials. `openEvent`: what the socket calls it when it can be used. `onOver` comes when
   * nothing reads any more.
   */
  watchDial(openEvent: 'connect' | 'secureConnect', onOpen: () => void, onOver: () => void): void {
    const { peer, socket } = this
    const failed = (reason: string) => {
      this.why = new UnavailableError('CONNECT_FAILED', `no connection to ${peer}: ${reason}`, {
        address: peer,
        reason,
      })
    }
    const onDialError = (error: Error) => failed(reasonOf(error))
    const deadline = setTimeout(() => {
      failed('ETIMEDOUT')
      socket.destroy()
    }, DIAL_TIMEOUT_MS)
    socket.prependListener('error', onDialError)
    socket.once(openEvent, () => {
      clearTimeout(deadline)
      socket.off('error', onDialError)
      if (this.isOpen) onOpen()
    })
    socket.once('close', () => {
      clearTimeout(deadline)
      onOver()
    })
  }

  write(bytes: Uint8Array): boolean {
    const { socket } = this
    if (!this.isOpen || socket.destroyed || !socket.writable) return true
    if (!this.isGathering) {
      if (bytes.length >= GATHER_BYTES) return socket.write(bytes)
      this.isGathering = true
      this.gatheredBytes = 0
      socket.cork()
      process.nextTick(endGathering, this)
    }
    this.gatheredBytes += bytes.length
    const hasRoom = socket.write(bytes)
    if (this.gatheredBytes >= GATHER_BYTES) this.sendGathered()
    return hasRoom
  }

  /** Lets go what waits for the end of the turn. */
  sendGathered(): void {
    if (!this.isGathering) return
    this.isGathering = false
    this.socket.uncork()
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.onBytes = ignore
    this.onDrain = ignore
    this.sendGathered()
    this.socket.destroy()
  }
}

/** One function for all connections: no closure a turn. */
function endGathering(connection: NodeConnection): void {
  connection.sendGathered()
}

export function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

function ignore(): void {
  // Stands until the owner sets its own.
}
