/**
 * Brings requests to an interface: who calls, what is asked, whether it may, whether it fits; then the
 * call; then its reply. Carriers (fastify-server.ts, plain-server.ts) only move bytes.
 *
 *   request ─▶ host, origin ─▶ who ─▶ route ─▶ may it? ─▶ type, size, JSON ─▶ schemas ─▶ interface ─▶ reply
 *                  400          401     404, 405    403       413, 415, 400         400      by its code
 *
 * Invariants
 *   D1  nothing of a request is looked at, but its address and its token, before it is known who calls
 *   D2  whatever arrives, there is a reply within `callMs`, with a status of problem.ts
 *   D3  a bug of ours is told to `onBug`, never to the caller
 */
import { z } from 'zod'
import { deferred } from '../base/deferred.ts'
import { UnavailableError, UsageError } from '../base/errors.ts'
import type { HttpReply, HttpRequest, Timers } from '../host/host.ts'
import { WAIT_MS_MAX } from './limits.ts'
import type { Caller } from './nimbus-api.ts'
import { openApiOf } from './openapi.ts'
import { bugReply, problemReply, replyToError } from './problem.ts'
import { parseBody, parseQuery, refuse } from './request-body.ts'
import { API_BASE, RouteFinder } from './route-finder.ts'
import type { Action, AnyRoute, RouteTable } from './routes/route.ts'
import { authenticate, type Tokens } from './tokens.ts'

export interface DispatcherParts<Api> {
  readonly api: Api
  readonly routes: RouteTable<Api>
  /** Of the description: `Typhoon Nimbus`. */
  readonly title: string
  readonly version: string
  /** undefined: all listeners are on loopback, and whoever is there may do everything. */
  readonly tokens: Tokens | undefined
  /** @throws UsageError NOT_ALLOWED */
  readonly permit: (caller: Caller, action: Action) => void
  /** For /readyz: names of what is not as it should be. */
  readonly notReady: () => readonly string[]
  readonly timers: Timers
  /** Longest wait for an answer. Default 60 s: longer than any call may wait by itself. */
  readonly callMs?: number
  readonly onBug: (error: unknown) => void
}

/** A request whose body may not have arrived yet. */
export type RequestHead = Omit<HttpRequest, 'body'>

interface Admitted<Api> {
  readonly route: AnyRoute<Api>
  readonly params: Readonly<Record<string, string>>
  readonly caller: Caller
  readonly query: string
}

const CALL_MS = 2 * WAIT_MS_MAX
const FIELDS_MAX = 10
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i

const headersOfAll: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

export class Dispatcher<Api> {
  private readonly parts: DispatcherParts<Api>
  private readonly finder: RouteFinder<Api>
  private description: Uint8Array | undefined

  constructor(parts: DispatcherParts<Api>) {
    this.parts = parts
    this.finder = new RouteFinder(this.routes)
  }

  /** For carriers that refuse long bodies by themselves. */
  get routes(): readonly AnyRoute<Api>[] {
    return Object.values<AnyRoute<Api>>(this.parts.routes)
  }

  /** Never rejects. */
  async dispatch(request: HttpRequest): Promise<HttpReply> {
    const reply = await this.answer(request).catch((error: unknown) => this.replyTo(error))
    return withHeaders(reply, headersOfAll)
  }

  /** A body that a carrier did not read to its end. */
  tooLarge(bytesMax: number): HttpReply {
    const message = `the body is longer than ${bytesMax} bytes`
    return withHeaders(problemReply(new UsageError('REQUEST_TOO_LARGE', message, { bytesMax })), headersOfAll)
  }

  /**
   * What is refused before a body is read; undefined: let it come. For carriers that can ask in between,
   * so that nobody's bodies take no memory.
   */
  refuseEarly(head: RequestHead): HttpReply | undefined {
    try {
      const admitted = this.admit(head)
      return 'status' in admitted && admitted.status >= 400 ? withHeaders(admitted, headersOfAll) : undefined
    } catch (error) {
      return withHeaders(this.replyTo(error), headersOfAll)
    }
  }

  private async answer(request: HttpRequest): Promise<HttpReply> {
    const admitted = this.admit(request)
    if ('status' in admitted) return admitted
    const { route, params, caller, query } = admitted
    const body = bodyOf(route, request)
    if (body instanceof WrongType) return problemReply(refuse(body.message), 415)
    const call = route.run(this.parts.api, caller, { params, query: parseQuery(query), body })
    return replyOf(route, await this.inTime(call))
  }

  private admit(request: RequestHead): Admitted<Api> | HttpReply {
    const [path = '', query = ''] = splitOnce(request.path, '?')
    if (path === '/livez') return textReply(200, 'ok')
    if (path === '/readyz') return this.readiness()
    this.refuseForeign(request)
    const caller = authenticate(this.parts.tokens, request.headers['authorization'])
    if (path === `${API_BASE}/openapi.json` && request.method === 'GET') return this.describe()
    const found = this.finder.find(request.method, path)
    if (found === undefined) return this.noSuchPath(path)
    if (found.route === undefined) {
      const message = `${request.method} is not a method of this path; ${found.allowed.join(', ')} is`
      return problemReply(refuse(message), 405, { allow: found.allowed.join(', ') })
    }
    this.parts.permit(caller, found.route.action)
    return { route: found.route, params: found.params, caller, query }
  }

  /**
   * Browsers send what other sites' pages tell them to. Without tokens a request that names another host than
   * this one comes from a page whose name was made to point here; with a foreign origin it comes from
   * elsewhere.
   */
  private refuseForeign({ headers }: RequestHead): void {
    const { host, origin } = headers
    if (this.parts.tokens === undefined && host !== undefined && !LOCAL_HOST.test(host)) {
      throw refuse('the host of the request is not this machine; without tokens only loopback is served')
    }
    if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) {
      throw new UsageError('NOT_ALLOWED', 'the request comes from a page of another origin')
    }
  }

  private readiness(): HttpReply {
    const missing = this.parts.notReady()
    return missing.length === 0 ? textReply(200, 'ok') : textReply(503, `not ready: ${missing.join(', ')}`)
  }

  private describe(): HttpReply {
    const { title, version } = this.parts
    this.description ??= new TextEncoder().encode(JSON.stringify(openApiOf(title, version, this.routes)))
    return { status: 200, headers: { 'content-type': 'application/json' }, body: this.description }
  }

  private noSuchPath(path: string): HttpReply {
    const close = this.finder.nearest(path)
    const hint = close === undefined ? `see ${API_BASE}/openapi.json` : `did you mean ${close}?`
    return problemReply(refuse(`there is no such path; ${hint}`), 404)
  }

  private async inTime<T>(call: Promise<T>): Promise<T> {
    const timeoutMs = this.parts.callMs ?? CALL_MS
    const late = deferred<never>()
    const timer = this.parts.timers.after(timeoutMs, () => {
      const message = `no answer within ${timeoutMs} ms; it may still come to an end`
      late.reject(new UnavailableError('OPERATION_TIMED_OUT', message, { timeoutMs, outcome: 'unknown' }))
    })
    try {
      return await Promise.race([call, late.promise])
    } finally {
      timer.stop()
      // Whichever lost, nobody waits for it any more.
      call.catch(() => undefined)
      late.promise.catch(() => undefined)
    }
  }

  private replyTo(error: unknown): HttpReply {
    if (error instanceof z.ZodError) return problemReply(misfit(error))
    const reply = replyToError(error)
    if (reply === undefined) {
      this.parts.onBug(error)
      return bugReply()
    }
    return reply.status === 401 ? withHeaders(reply, { 'www-authenticate': 'Bearer' }) : reply
  }
}

/** A body of a type that the route does not take. */
class WrongType {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

function bodyOf<Api>(route: AnyRoute<Api>, { headers, body }: HttpRequest): unknown {
  if (body.length > route.bodyBytesMax) {
    const message = `the body has ${body.length} bytes, at most ${route.bodyBytesMax} are taken`
    throw new UsageError('REQUEST_TOO_LARGE', message, { bytesMax: route.bodyBytesMax })
  }
  if (route.takes === 'nothing') {
    if (body.length > 0) throw refuse('this call takes no body')
    return undefined
  }
  const type = (headers['content-type'] ?? '').split(';', 1).join().trim().toLowerCase()
  const wanted = route.takes === 'json' ? 'application/json' : 'application/octet-stream'
  if (type !== wanted) return new WrongType(`the body is to be ${wanted}`)
  // Bytes of a carrier are its own; whoever stores a blob keeps them longer than the call.
  return route.takes === 'bytes' ? body : parseBody(body, route.action)
}

function replyOf<Api>(route: AnyRoute<Api>, value: unknown): HttpReply {
  const { status, gives } = route
  if (gives === 'nothing') return { status, headers: {}, body: new Uint8Array() }
  if (gives === 'bytes' && value instanceof Uint8Array) {
    return { status, headers: { 'content-type': 'application/octet-stream' }, body: value }
  }
  const body = new TextEncoder().encode(JSON.stringify(value))
  return { status, headers: { 'content-type': 'application/json' }, body }
}

/** What does not fit, field by field; the values themselves are not repeated. */
function misfit({ issues }: z.ZodError): UsageError {
  const lines = issues.slice(0, FIELDS_MAX).map(({ path, message }) => {
    return `${path.map(String).join('.').slice(0, 200) || 'request'}: ${message.slice(0, 200)}`
  })
  if (issues.length > FIELDS_MAX) lines.push(`and ${issues.length - FIELDS_MAX} more`)
  return new UsageError('REQUEST_INVALID', `the request does not fit: ${lines.join('; ')}`)
}

function textReply(status: number, text: string): HttpReply {
  return { status, headers: { 'content-type': 'text/plain' }, body: new TextEncoder().encode(`${text}\n`) }
}

function withHeaders(reply: HttpReply, headers: Readonly<Record<string, string>>): HttpReply {
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
