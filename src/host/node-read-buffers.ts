/**
 * Buffers that sockets read into, used again by later connections: a busy link allocates nothing per read.
 *
 * Node offers that (`onread`) to sockets it makes for us, and not to those that a server accepts. An accepted
 * socket has done nothing yet when we get it, so its handle is moved into a socket of our own. Should a
 * version of Node have no such handle, `adopt` says so, and reading goes the usual way.
 *
 * Invariant: a buffer belongs to one connection at a time, and what it holds is valid during the call only.
 */
import { Socket, type SocketConstructorOpts } from 'node:net'
import { BUFFER_BYTES_MAX } from './node-connection.ts'

const READ_BYTES = 64 * 1024
/** Read buffers kept for later connections. */
const SPARE_MAX = 64
const POISON = 0xdb

export interface OnRead {
  readonly buffer: Uint8Array
  readonly callback: (count: number) => boolean
}

const spare: Uint8Array[] = []
let isPoisoning = false

/** Tests: what came back is overwritten, so that a late reader sees nonsense. */
export function poisonReadBuffers(isWanted: boolean): void {
  isPoisoning = isWanted
}

export function spareReadBufferCount(): number {
  return spare.length
}

/** A buffer, and what is to be done with the bytes in it. */
export function takeReadBuffer(onBytes: (bytes: Uint8Array) => void): OnRead {
  const buffer = spare.pop() ?? new Uint8Array(READ_BYTES)
  return {
    buffer,
    callback: (count) => {
      onBytes(buffer.subarray(0, count))
      if (isPoisoning) buffer.fill(POISON, 0, count)
      return true
    },
  }
}

export function giveReadBuffer({ buffer }: OnRead): void {
  if (isPoisoning) buffer.fill(POISON)
  if (spare.length < SPARE_MAX) spare.push(buffer)
}

/** Missing in the types. */
interface AdoptingOptions extends SocketConstructorOpts {
  readonly handle: object
  readonly highWaterMark: number
}

/** The same connection, read into our buffer. Its server must have been told `pauseOnConnect`. */
export function adopt(accepted: Socket, onread: OnRead): Socket | undefined {
  const handle: unknown = Reflect.get(accepted, '_handle')
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) return undefined
  Reflect.set(accepted, '_handle', null)
  const options: AdoptingOptions = { handle, onread, highWaterMark: BUFFER_BYTES_MAX }
  return new Socket(options)
}
