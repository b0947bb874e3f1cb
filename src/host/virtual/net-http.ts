/**
 * Requests over a host's plain network: what a virtual host has for `Http`, where there is no Node below.
 *
 *   request ── dial ──▶ [frame] ──▶ answer ──▶ [frame] ──▶ the caller hangs up
 *
 * A connection carries one request: in memory a dial costs next to nothing, and nothing can get out of step.
 *
 * Frame:  u32 bytes of head │ u32 bytes of body │ u32 CRC-32 of both │ head, JSON in UTF-8 │ body
 *         (big endian; the head of a request is {method, path, headers}, of a reply {status, headers})
 *
 * Invariants
 *   H1  what is longer than allowed is refused by its announced length, before it is taken in
 *   H2  a request ends once: with reply, error, deadline or signal; then its connection is closed
 *   H3  damaged frames end the connection; they never reach an answerer
 */
import { UnavailableError, UsageError } from '../../base/errors.ts'
import { crc32 } from '../crc32.ts'
import type { Connection, Http, HttpLimits, HttpReply, HttpRequest, Net, Stoppable, Timers } from '../host.ts'

const PREFIX_BYTES = 12
const HEAD_BYTES_MAX = 64 * 1024
/** A request must be here in this time, and its caller gone again. The same in node-http.ts. */
const PATIENCE_MS = 60_000
/** Where free ports are looked for, and how many are tried: as the kernels do it. */
const FREE_PORTS_FROM = 49_152
const FREE_PORTS_TRIED = 1_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function createNetHttp(net: Net, timers: Timers): Http {
  return {
    request: (address, request, limits) => new Call(net, timers, address, request, limits).reply,
    serve: async (address, answer, bodyBytesMax) => {
      const open = new Set<Connection>()
      const accept = (connection: Connection) => {
        open.add(connection)
        receiveRequest(connection, timers, answer, bodyBytesMax)
        connection.onClose = () => open.delete(connection)
      }
      const listening = await listen(net, address, accept)
      const stop = () => {
        listening.stop()
        for (const connection of open) connection.close()
        open.clear()
      }
      return { address: listening.address, stop }
    },
  }
}

/** One request of a caller. */
class Call {
  readonly reply: Promise<HttpReply>
  private readonly address: string
  private settle: (reply: HttpReply | undefined, error: unknown) => void = () => undefined
  private isSent = false

  constructor(net: Net, timers: Timers, address: string, request: HttpRequest, limits: HttpLimits) {
    this.address = address
    this.reply = new Promise((resolve, reject) => {
      if (limits.signal?.aborted === true) {
        reject(limits.signal.reason)
        return
      }
      const connection = net.connect(address, () => {
        this.isSent = true
      })
      const onAbort = () => this.settle(undefined, limits.signal?.reason)
      const deadline = timers.after(limits.timeoutMs, () => this.settle(undefined, this.late(limits)))
      limits.signal?.addEventListener('abort', onAbort, { once: true })
      this.settle = (reply, error) => {
        this.settle = () => undefined
        deadline.stop()
        limits.signal?.removeEventListener('abort', onAbort)
        connection.close()
        if (reply === undefined) reject(error)
        else resolve(reply)
      }
      this.listen(connection, limits)
      connection.write(frameOf({ ...request, body: undefined }, request.body))
    })
  }

  private listen(connection: Connection, limits: HttpLimits): void {
    const reader = new FrameReader(limits.bodyBytesMax)
    connection.onBytes = (bytes) => {
      const found = reader.take(bytes)
      if (found === undefined) return
      if (found === 'too-large') {
        const message = `the reply of ${this.address} is longer than ${limits.bodyBytesMax} bytes`
        const details = { address: this.address, bytesMax: limits.bodyBytesMax }
        this.settle(undefined, new UsageError('REQUEST_TOO_LARGE', message, details))
        return
      }
      const reply = found === 'damaged' ? undefined : replyOf(found)
      this.settle(reply, this.lost('damaged reply'))
    }
    connection.onClose = (why) => {
      const reason = isRecord(why) && isRecord(why['details']) ? why['details']['reason'] : undefined
      this.settle(undefined, this.lost(typeof reason === 'string' ? reason : 'ended without a reply'))
    }
  }

  private lost(reason: string): UnavailableError {
    const outcome = this.isSent ? 'unknown' : 'none'
    const details = { address: this.address, reason, outcome }
    return new UnavailableError('CONNECT_FAILED', `no answer from ${this.address}: ${reason}`, details)
  }

  private late(limits: HttpLimits): UnavailableError {
    const message = `no answer from ${this.address} within ${limits.timeoutMs} ms`
    const outcome = this.isSent ? 'unknown' : 'none'
    const details = { address: this.address, timeoutMs: limits.timeoutMs, outcome }
    return new UnavailableError('OPERATION_TIMED_OUT', message, details)
  }
}

/** Reads a request, has it answered, and waits for the caller to hang up. */
function receiveRequest(
  connection: Connection,
  timers: Timers,
  answer: (request: HttpRequest) => Promise<HttpReply>,
  bodyBytesMax: number,
): void {
  const reader = new FrameReader(bodyBytesMax)
  const patience = timers.after(PATIENCE_MS, () => connection.close())
  const send = (reply: HttpReply) => {
    connection.write(frameOf({ status: reply.status, headers: reply.headers }, reply.body))
  }
  connection.onBytes = (bytes) => {
    const found = reader.take(bytes)
    if (found === undefined) return
    const request = typeof found === 'string' ? undefined : requestOf(found)
    connection.onBytes = () => undefined
    if (found === 'too-large') send(emptyReply(413))
    else if (request === undefined) connection.close()
    else answer(request).then(send, () => send(emptyReply(500)))
    if (request !== undefined) patience.stop()
  }
}

async function listen(
  net: Net,
  address: string,
  accept: (connection: Connection) => void,
): Promise<Stoppable & { readonly address: string }> {
  const host = address.slice(0, address.lastIndexOf(':'))
  if (address !== `${host}:0`) return { stop: (await net.listen(address, accept)).stop, address }
  for (let port = FREE_PORTS_FROM; port < FREE_PORTS_FROM + FREE_PORTS_TRIED; port += 1) {
    const free = `${host}:${port}`
    const listening = await net.listen(free, accept).catch(() => undefined)
    if (listening !== undefined) return { stop: listening.stop, address: free }
  }
  throw new UnavailableError('PORT_IN_USE', `no port of ${host} is free`, { address })
}

interface Frame {
  readonly head: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
}

function frameOf(head: object, body: Uint8Array): Uint8Array {
  const headBytes = encoder.encode(JSON.stringify(head))
  const bytes = new Uint8Array(PREFIX_BYTES + headBytes.length + body.length)
  bytes.set(headBytes, PREFIX_BYTES)
  bytes.set(body, PREFIX_BYTES + headBytes.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, headBytes.length)
  view.setUint32(4, body.length)
  view.setUint32(8, crc32(bytes.subarray(PREFIX_BYTES)))
  return bytes
}

/** Collects the bytes of one frame. What follows it is not looked at. */
class FrameReader {
  private readonly bodyBytesMax: number
  private readonly prefix = new Uint8Array(PREFIX_BYTES)
  private rest: Uint8Array | undefined
  private haveBytes = 0

  constructor(bodyBytesMax: number) {
    this.bodyBytesMax = bodyBytesMax
  }

  /** undefined: it is not whole yet. */
  take(bytes: Uint8Array): Frame | 'too-large' | 'damaged' | undefined {
    let from = 0
    if (this.rest === undefined) {
      from = Math.min(bytes.length, PREFIX_BYTES - this.haveBytes)
      this.prefix.set(bytes.subarray(0, from), this.haveBytes)
      this.haveBytes += from
      if (this.haveBytes < PREFIX_BYTES) return undefined
      const { headBytes, bodyBytes } = this.lengths()
      if (headBytes > HEAD_BYTES_MAX) return 'damaged'
      if (bodyBytes > this.bodyBytesMax) return 'too-large'
      this.rest = new Uint8Array(headBytes + bodyBytes)
      this.haveBytes = 0
    }
    const piece = bytes.subarray(from, from + this.rest.length - this.haveBytes)
    this.rest.set(piece, this.haveBytes)
    this.haveBytes += piece.length
    return this.haveBytes < this.rest.length ? undefined : this.frame(this.rest)
  }

  private frame(rest: Uint8Array): Frame | 'damaged' {
    const view = new DataView(this.prefix.buffer)
    if (crc32(rest) !== view.getUint32(8)) return 'damaged'
    const { headBytes } = this.lengths()
    const head = parseHead(rest.subarray(0, headBytes))
    return head === undefined ? 'damaged' : { head, body: rest.subarray(headBytes) }
  }

  private lengths(): { readonly headBytes: number; readonly bodyBytes: number } {
    const view = new DataView(this.prefix.buffer)
    return { headBytes: view.getUint32(0), bodyBytes: view.getUint32(4) }
  }
}

function parseHead(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const head: unknown = JSON.parse(decoder.decode(bytes))
    return isRecord(head) ? head : undefined
  } catch {
    // Whoever sent it does not speak this protocol: told as damage by the caller.
    return undefined
  }
}

const methods: readonly HttpRequest['method'][] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

function requestOf({ head, body }: Frame): HttpRequest | undefined {
  const method = methods.find((known) => known === head['method'])
  const path = head['path']
  if (method === undefined || typeof path !== 'string') return undefined
  return { method, path, headers: headersOf(head), body }
}

function replyOf({ head, body }: Frame): HttpReply | undefined {
  const status = head['status']
  return typeof status === 'number' ? { status, headers: headersOf(head), body } : undefined
}

function headersOf(head: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const given = isRecord(head['headers']) ? Object.entries(head['headers']) : []
  return Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), String(value)]))
}

function emptyReply(status: number): HttpReply {
  return { status, headers: {}, body: new Uint8Array() }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
