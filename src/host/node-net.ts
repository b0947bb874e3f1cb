/**
 * The host's network over TCP. An address is `host:port`, `[v6 address]:port` or `:port` for loopback.
 *
 * The side that dials reads into a buffer of its own that is used again and again, so a busy link allocates
 * nothing per read; buffers of ended connections serve later ones. The side that listens cannot be told to,
 * in Node.
 *
 * Invariants
 *   N1  `onClose` is called exactly once, nothing else after it
 *   N2  an address that names no machine means this one, by loopback only
 */
import { createServer, connect as dial, Socket } from 'node:net'
import { UnavailableError, UsageError } from '../base/errors.ts'
import type { Connection, Net, Stoppable } from './host.ts'

/** A dial that nobody answers in this time has failed. The same in memory-net.ts. */
const DIAL_TIMEOUT_MS = 10_000
const READ_BYTES = 64 * 1024
/** Undelivered bytes above which `write` answers false. The same in memory-net.ts. */
const BUFFER_BYTES_MAX = 256 * 1024
const KEEP_ALIVE_MS = 30_000
/** Read buffers kept for later connections. */
const SPARE_BUFFERS_MAX = 64

const spareBuffers: Uint8Array[] = []

export const nodeNet: Net = {
  listen(address, onConnection): Promise<Stoppable> {
    const server = createServer({ noDelay: true, highWaterMark: BUFFER_BYTES_MAX }, (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
      const connection = new TcpConnection(peerOf(socket), socket)
      socket.on('data', (bytes) => connection.onBytes(bytes))
      onConnection(connection)
    })
    return new Promise((resolve, reject) => {
      const onError = (error: Error) => reject(listenError(address, error))
      server.once('error', onError)
      server.listen(parseAddress(address), () => {
        server.off('error', onError)
        // Errors of accepting (no file descriptors left) end nothing: the next one may succeed.
        server.on('error', () => undefined)
        resolve({ stop: () => server.close() })
      })
    })
  },

  connect(address, onOpen): Connection {
    const buffer = spareBuffers.pop() ?? new Uint8Array(READ_BYTES)
    const onread = {
      buffer,
      callback: (count: number): boolean => {
        connection.onBytes(buffer.subarray(0, count))
        return true
      },
    }
    const socket = openSocket(address, onread)
    const connection = new TcpConnection(address, socket)
    connection.watchDial(onOpen, () => {
      if (spareBuffers.length < SPARE_BUFFERS_MAX) spareBuffers.push(buffer)
    })
    return connection
  },
}

class TcpConnection implements Connection {
  readonly peer: string
  onBytes: (bytes: Uint8Array) => void = ignore
  onDrain: () => void = ignore
  onClose: (why: Error | undefined) => void = ignore
  private readonly socket: Socket
  private why: Error | undefined
  private isOpen = true

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

  /** For the side that dials. `onOver` comes when nothing reads any more. */
  watchDial(onOpen: () => void, onOver: () => void): void {
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
    socket.once('connect', () => {
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
    if (!this.isOpen || this.socket.destroyed || !this.socket.writable) return true
    return this.socket.write(bytes)
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.onBytes = ignore
    this.onDrain = ignore
    this.socket.destroy()
  }
}

interface OnRead {
  readonly buffer: Uint8Array
  readonly callback: (count: number) => boolean
}

/** A wrong address is told like any other failed dial. */
function openSocket(address: string, onread: OnRead): Socket {
  let target: HostAndPort
  try {
    target = parseAddress(address)
  } catch {
    return new Socket().destroy(Object.assign(new Error('wrong address'), { code: 'EINVAL' }))
  }
  const options = {
    ...target,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    // Missing in the types; the stream under the socket takes it.
    highWaterMark: BUFFER_BYTES_MAX,
    onread,
  }
  return dial(options)
}

interface HostAndPort {
  readonly host: string
  readonly port: number
}

/** @throws UsageError CONFIG_INVALID_VALUE */
export function parseAddress(address: string): HostAndPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new UsageError('CONFIG_INVALID_VALUE', `address ${address} is not host:port`, { address })
  }
  return { host: match[1] || match[2] || '127.0.0.1', port }
}

function listenError(address: string, error: Error): UnavailableError {
  const reason = reasonOf(error)
  const message = reason === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${reason}`
  const details = { address, reason }
  return new UnavailableError('PORT_IN_USE', `address ${address} ${message}`, details, { cause: error })
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
}

function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

function ignore(): void {
  // Stands until the owner sets its own.
}
