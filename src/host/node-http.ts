/**
 * `Http` over Node: connections are kept and used again, over TLS if certificates are given.
 *
 * Invariants
 *   H1  what is longer than allowed is refused by its announced length if it has one, else while read
 *   H2  a request ends once: with the reply, an error, its deadline or its signal; then nothing of it goes on
 *   H4  a request that may have arrived is not sent again here: whoever called knows whether it may be
 */
import * as plain from 'node:http'
import * as secure from 'node:https'
import type { AddressInfo } from 'node:net'
import { UnavailableError, UsageError } from '../base/errors.ts'
import type { Http, HttpLimits, HttpReply, HttpRequest, Stoppable } from './host.ts'
import { parseAddress } from './node-net.ts'

/** Contents of PEM files. */
export interface HttpTls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface NodeHttpSpec {
  /** Requests go over TLS, and the server's certificate is checked; `cert` and `key` show who calls. */
  readonly clientTls?: HttpTls | undefined
  /** Served over TLS. With `ca`: who calls must show a certificate signed by it. */
  readonly serverTls?: HttpTls | undefined
}

/** Connections that are kept to one address. */
const IDLE_MAX = 8
/** Kept for less than the server keeps them, so that it is this end that hangs up. */
const IDLE_MS = 20_000
const SERVER_IDLE_MS = 65_000
const HEADERS_MS = 10_000
/** A whole request must be here in this time. The same in net-http.ts. */
const PATIENCE_MS = 60_000
const HEAD_BYTES_MAX = 64 * 1024
/** Requests that are answered get so long when serving stops. */
const STOP_MS = 1_000

export function createNodeHttp(spec: NodeHttpSpec = {}): Http {
  const options = { keepAlive: true, maxFreeSockets: IDLE_MAX, timeout: IDLE_MS }
  const agent =
    spec.clientTls === undefined
      ? new plain.Agent(options)
      : new secure.Agent({ ...options, ...spec.clientTls, minVersion: 'TLSv1.2' })
  const open = spec.clientTls === undefined ? plain.request : secure.request
  return {
    request: (address, request, limits) =>
      new Promise((resolve, reject) => {
        const call = new NodeCall(address, limits, resolve, reject)
        call.send(open, agent, request)
      }),
    serve: (address, answer, bodyBytesMax) => serve(spec.serverTls, address, answer, bodyBytesMax),
  }
}

class NodeCall {
  private readonly address: string
  private readonly limits: HttpLimits
  private readonly resolve: (reply: HttpReply) => void
  private readonly reject: (error: unknown) => void
  private isOver = false
  private isConnected = false

  constructor(
    address: string,
    limits: HttpLimits,
    resolve: (reply: HttpReply) => void,
    reject: (error: unknown) => void,
  ) {
    this.address = address
    this.limits = limits
    this.resolve = resolve
    this.reject = reject
  }

  send(open: typeof plain.request, agent: plain.Agent, request: HttpRequest): void {
    const { signal, timeoutMs } = this.limits
    if (signal?.aborted === true) {
      this.reject(signal.reason)
      return
    }
    const sent = this.open(open, agent, request)
    if (sent === undefined) return
    const end = (reply: HttpReply | undefined, error: unknown) => {
      if (this.isOver) return
      this.isOver = true
      clearTimeout(deadline)
      signal?.removeEventListener('abort', onAbort)
      if (reply !== undefined) {
        this.resolve(reply)
        return
      }
      this.reject(error)
      sent.destroy()
    }
    const onAbort = () => end(undefined, signal?.reason)
    const deadline = setTimeout(() => end(undefined, this.late(timeoutMs)), Math.min(timeoutMs, 2 ** 31 - 1))
    signal?.addEventListener('abort', onAbort, { once: true })
    sent.on('socket', (socket) => {
      if (!socket.connecting) this.isConnected = true
      else socket.once('connect', () => (this.isConnected = true))
    })
    sent.on('error', (error) => end(undefined, this.lost(reasonOf(error))))
    sent.on('response', (response) => {
      collect(response, this.limits.bodyBytesMax).then(
        (body) => end(this.replyOf(response, body), this.tooLong()),
        (error: unknown) => end(undefined, this.lost(reasonOf(error))),
      )
    })
    sent.end(request.body)
  }

  private open(
    open: typeof plain.request,
    agent: plain.Agent,
    request: HttpRequest,
  ): plain.ClientRequest | undefined {
    try {
      const { host, port } = parseAddress(this.address)
      // Node looks at addresses, headers and paths before it sends anything; it throws here.
      const headers = { ...request.headers, 'content-length': String(request.body.length) }
      return open({ host, port, agent, method: request.method, path: request.path, headers })
    } catch (error) {
      this.reject(this.lost(reasonOf(error)))
      return undefined
    }
  }

  private replyOf(response: plain.IncomingMessage, body: Uint8Array | 'too-large'): HttpReply | undefined {
    if (body === 'too-large') return undefined
    return { status: response.statusCode ?? 0, headers: headersOf(response), body }
  }

  private lost(reason: string): UnavailableError {
    const outcome = this.isConnected ? 'unknown' : 'none'
    const details = { address: this.address, reason, outcome }
    return new UnavailableError('CONNECT_FAILED', `no answer from ${this.address}: ${reason}`, details)
  }

  private late(timeoutMs: number): UnavailableError {
    const outcome = this.isConnected ? 'unknown' : 'none'
    const details = { address: this.address, timeoutMs, outcome }
    const message = `no answer from ${this.address} within ${timeoutMs} ms`
    return new UnavailableError('OPERATION_TIMED_OUT', message, details)
  }

  private tooLong(): UsageError {
    const { bodyBytesMax } = this.limits
    const message = `the reply of ${this.address} is longer than ${bodyBytesMax} bytes`
    return new UsageError('REQUEST_TOO_LARGE', message, { address: this.address, bytesMax: bodyBytesMax })
  }
}

/** The whole body, unless it is longer than allowed. */
async function collect(message: plain.IncomingMessage, bytesMax: number): Promise<Uint8Array | 'too-large'> {
  if (Number(message.headers['content-length'] ?? 0) > bytesMax) return 'too-large'
  const parts: Buffer[] = []
  let haveBytes = 0
  return await new Promise((resolve, reject) => {
    message.on('data', (part: Buffer) => {
      haveBytes += part.length
      if (haveBytes > bytesMax) {
        message.pause()
        resolve('too-large')
        return
      }
      parts.push(part)
    })
    message.on('end', () => resolve(bytesOf(parts)))
    message.on('error', reject)
    message.on('close', () => reject(new Error('ended in the middle')))
  })
}

function bytesOf(parts: readonly Buffer[]): Uint8Array {
  const whole = Buffer.concat(parts)
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.length)
}

function serve(
  tls: HttpTls | undefined,
  address: string,
  answer: (request: HttpRequest) => Promise<HttpReply>,
  bodyBytesMax: number,
): Promise<Stoppable & { readonly address: string }> {
  const limits = {
    requestTimeout: PATIENCE_MS,
    headersTimeout: HEADERS_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
    keepAliveTimeout: SERVER_IDLE_MS,
  }
  const onRequest = (message: plain.IncomingMessage, response: plain.ServerResponse) =>
    void respond(message, response, answer, bodyBytesMax)
  const server =
    tls === undefined
      ? plain.createServer(limits, onRequest)
      : secure.createServer({ ...limits, ...serverTls(tls) }, onRequest)
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(listenError(address, error))
    server.once('error', onError)
    const { host, port } = parseAddress(address)
    server.listen({ host, port }, () => {
      server.off('error', onError)
      // Errors of accepting (no file descriptors left) end nothing: the next one may succeed.
      server.on('error', () => undefined)
      resolve({ address: boundAddress(address, server.address()), stop: () => stopServer(server) })
    })
  })
}

/** With `ca`, callers are asked for a certificate and refused without one. */
export function serverTls(tls: HttpTls): secure.ServerOptions {
  const asks = tls.ca !== undefined
  return { ...tls, requestCert: asks, rejectUnauthorized: asks, minVersion: 'TLSv1.2' }
}

async function respond(
  message: plain.IncomingMessage,
  response: plain.ServerResponse,
  answer: (request: HttpRequest) => Promise<HttpReply>,
  bodyBytesMax: number,
): Promise<void> {
  const write = (reply: HttpReply, headers: Readonly<Record<string, string>> = {}) => {
    response.writeHead(reply.status, { ...reply.headers, ...headers })
    response.end(reply.body)
  }
  const empty = (status: number): HttpReply => ({ status, headers: {}, body: new Uint8Array() })
  try {
    const body = await collect(message, bodyBytesMax)
    const method = methods.find((known) => known === message.method)
    // What was not read stands between this request and the next one, so there is no next one.
    if (body === 'too-large') write(empty(413), { connection: 'close' })
    else if (method === undefined) write(empty(405))
    else write(await answer({ method, path: message.url ?? '/', headers: headersOf(message), body }))
  } catch (error) {
    // The caller hung up, or the answer itself failed, which answerers do not: they turn errors into replies.
    if (!response.headersSent) write(empty(500), { 'x-reason': reasonOf(error).replace(/[^ -~]/g, '?') })
    else response.destroy()
  }
}

const methods: readonly HttpRequest['method'][] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

function headersOf(message: plain.IncomingMessage): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

function boundAddress(asked: string, bound: string | AddressInfo | null): string {
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return `${asked.slice(0, asked.lastIndexOf(':')) || '127.0.0.1'}:${port}`
}

function stopServer(server: plain.Server | secure.Server): void {
  server.close()
  server.closeIdleConnections()
  setTimeout(() => server.closeAllConnections(), STOP_MS).unref()
}

function listenError(address: string, error: Error): UnavailableError {
  const reason = reasonOf(error)
  const message = reason === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${reason}`
  const details = { address, reason }
  return new UnavailableError('PORT_IN_USE', `address ${address} ${message}`, details, { cause: error })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
