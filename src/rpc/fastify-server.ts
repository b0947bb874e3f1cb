/**
 * The API of Nimbus in production: fastify carries, the dispatcher answers.
 *
 * What fastify is for here: who may not call is refused before the body is read, each route has its own
 * limit, slow and idle callers are cut off, connections end in good order.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { UnavailableError } from '../base/errors.ts'
import type { HttpReply, HttpRequest, Stoppable } from '../host/host.ts'
import type { Dispatcher, RequestHead } from './dispatcher.ts'
import { BODY_BYTES_MAX } from './limits.ts'
import { API_BASE } from './route-finder.ts'

export interface FastifyServerSpec {
  readonly host: string
  /** 0: any free one, see `address`. */
  readonly port: number
  /** Contents of PEM files. With `ca`: who calls must show a certificate signed by it. */
  readonly tls?: { readonly ca?: string | undefined; readonly cert: string; readonly key: string } | undefined
}

const CONNECTIONS_MAX = 2_000
const CONNECTION_IDLE_MS = 65_000
const REQUEST_MS = 60_000
const HEADERS_MS = 10_000
const HEADER_BYTES_MAX = 16 * 1024

/** @throws UnavailableError PORT_IN_USE */
export async function serveFastify<Api>(
  dispatcher: Dispatcher<Api>,
  spec: FastifyServerSpec,
): Promise<Stoppable & { readonly address: string }> {
  const server = makeServer(dispatcher, spec)
  server.server.headersTimeout = HEADERS_MS
  server.server.maxConnections = CONNECTIONS_MAX
  // Whatever it is, it comes as bytes: the dispatcher says what it must be.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  server.addHook('onRequest', async (request, reply) => {
    const refusal = dispatcher.refuseEarly(headOf(request))
    if (refusal === undefined) return undefined
    return await send(reply.header('connection', 'close'), refusal)
  })
  const answer = async (request: FastifyRequest, reply: FastifyReply) =>
    await send(reply, await dispatcher.dispatch({ ...headOf(request), body: bodyOf(request) }))
  for (const route of dispatcher.routes) {
    const url = API_BASE + route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    server.route({ method: route.method, url, bodyLimit: route.bodyBytesMax, handler: answer })
  }
  server.setNotFoundHandler(answer)
  server.setErrorHandler(async (error: { readonly statusCode?: number }, request, reply) => {
    // Of fastify itself: the dispatcher never throws.
    const limit = request.routeOptions.bodyLimit ?? BODY_BYTES_MAX
    const isLong = error.statusCode === 413
    return await send(
      reply,
      isLong ? dispatcher.tooLarge(limit) : await dispatcher.dispatch(malformed(request)),
    )
  })
  return await listen(server, spec)
}

function makeServer<Api>(dispatcher: Dispatcher<Api>, spec: FastifyServerSpec): FastifyInstance {
  const options = {
    bodyLimit: BODY_BYTES_MAX,
    connectionTimeout: 0,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: CONNECTION_IDLE_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 2_000 },
    // Paths that are not encoded as URLs are: the dispatcher has the words for it.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void dispatcher.dispatch(malformed(request)).then((answer) => send(reply, answer))
    },
  }
  const { tls } = spec
  if (tls === undefined) return fastify({ ...options, http: { maxHeaderSize: HEADER_BYTES_MAX } })
  const asks = tls.ca !== undefined
  const https = {
    cert: tls.cert,
    key: tls.key,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    requestCert: asks,
    rejectUnauthorized: asks,
    minVersion: 'TLSv1.2' as const,
    maxHeaderSize: HEADER_BYTES_MAX,
  }
  return fastify({ ...options, https }) as unknown as FastifyInstance
}

async function listen(
  server: FastifyInstance,
  spec: FastifyServerSpec,
): Promise<Stoppable & { readonly address: string }> {
  try {
    await server.listen({ host: spec.host, port: spec.port })
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const address = `${spec.host}:${spec.port}`
    const what = reason === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${reason}`
    const details = { address, reason }
    throw new UnavailableError('PORT_IN_USE', `address ${address} ${what}`, details, { cause: error })
  }
  const bound = server.server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : spec.port
  return { address: `${spec.host}:${port}`, stop: () => void server.close() }
}

async function send(reply: FastifyReply, { status, headers, body }: HttpReply): Promise<FastifyReply> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  await reply
    .code(status)
    .headers(headers)
    .send(body.length === 0 ? undefined : bytes)
  return reply
}

/** For an error of the carrier: the dispatcher refuses what has no body of the right type. */
function malformed(request: FastifyRequest): HttpRequest {
  return { ...headOf(request), body: new Uint8Array() }
}

function headOf(request: FastifyRequest): RequestHead {
  const headers: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  // Methods that no route has end as 405 in the dispatcher.
  return { method: request.method as HttpRequest['method'], path: request.raw.url ?? '/', headers }
}

function bodyOf(request: FastifyRequest): Uint8Array {
  const { body } = request
  return body instanceof Uint8Array ? body : new Uint8Array()
}
