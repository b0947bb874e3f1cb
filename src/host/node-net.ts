/**
 * The host's network over TCP and unix sockets. An address is `host:port`, `[v6 address]:port`, `:port` for
 * loopback, or `unix:path` for a socket in the file system.
 *
 * Invariants
 *   N1  an address that names no machine means this one, by loopback only
 *   N2  a socket file is taken over only if nobody answers there
 */
import { rmSync } from 'node:fs'
import { createServer, connect as dial, type Server, Socket } from 'node:net'
import { UnavailableError, UsageError } from '../base/errors.ts'
import type { Connection, Net, Stoppable } from './host.ts'
import { BUFFER_BYTES_MAX, KEEP_ALIVE_MS, NodeConnection, reasonOf } from './node-connection.ts'
import { adopt, giveReadBuffer, type OnRead, takeReadBuffer } from './node-read-buffers.ts'

const UNIX = 'unix:'

export const nodeNet: Net = {
  listen(address, onConnection): Promise<Stoppable> {
    const options = { noDelay: true, pauseOnConnect: true, highWaterMark: BUFFER_BYTES_MAX }
    const server = createServer(options, (socket) => accept(socket, onConnection))
    return listenAt(server, address)
  },

  connect(address, onOpen): Connection {
    const onread = takeReadBuffer((bytes) => connection.onBytes(bytes))
    const socket = openSocket(address, onread)
    const connection = new NodeConnection(address, socket)
    connection.watchDial('connect', onOpen, () => giveReadBuffer(onread))
    return connection
  },
}

function accept(accepted: Socket, onConnection: (connection: Connection) => void): void {
  // Ask before the handle moves: afterwards the accepted socket knows nothing.
  const peer = peerOf(accepted)
  const onread = takeReadBuffer((bytes) => connection.onBytes(bytes))
  const own = adopt(accepted, onread)
  const socket = own ?? accepted
  const connection = new NodeConnection(peer, socket)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  if (own === undefined) {
    socket.on('data', (bytes) => connection.onBytes(bytes))
    socket.resume()
  }
  socket.once('close', () => giveReadBuffer(onread))
  onConnection(connection)
}

/** Resolves when the server takes connections. Also for TLS. @throws UnavailableError PORT_IN_USE */
export async function listenAt(server: Server, address: string): Promise<Stoppable> {
  const target = parseTarget(address)
  try {
    await listenOnce(server, target)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const isStale = 'path' in target && reasonOf(error) === 'EADDRINUSE' && !(await isAnswered(target.path))
    if (!isStale) throw listenError(address, error)
    rmSync(target.path, { force: true })
    await listenOnce(server, target).catch((second: Error) => {
      throw listenError(address, second)
    })
  }
  // Errors of accepting (no file descriptors left) end nothing: the next one may succeed.
  server.on('error', () => undefined)
  return { stop: () => server.close() }
}

function listenOnce(server: Server, target: HostAndPort | SocketPath): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(target, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** False: the file is left of a process that is gone. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: Error) => resolve(reasonOf(error) !== 'ECONNREFUSED'))
  })
}

/** A wrong address is told like any other failed dial. */
function openSocket(address: string, onread: OnRead): Socket {
  const target = tryParseTarget(address)
  if (target === undefined) return refusedSocket()
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

export function refusedSocket(): Socket {
  return new Socket().destroy(Object.assign(new Error('wrong address'), { code: 'EINVAL' }))
}

export interface HostAndPort {
  readonly host: string
  readonly port: number
}

export interface SocketPath {
  readonly path: string
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

/** @throws UsageError CONFIG_INVALID_VALUE */
export function parseTarget(address: string): HostAndPort | SocketPath {
  if (address.startsWith(UNIX) && address.length > UNIX.length) return { path: address.slice(UNIX.length) }
  return parseAddress(address)
}

export function tryParseTarget(address: string): HostAndPort | SocketPath | undefined {
  try {
    return parseTarget(address)
  } catch {
    return undefined
  }
}

function listenError(address: string, error: Error): UnavailableError {
  const reason = reasonOf(error)
  const message = reason === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${reason}`
  const details = { address, reason }
  return new UnavailableError('PORT_IN_USE', `address ${address} ${message}`, details, { cause: error })
}

export function peerOf(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
}
