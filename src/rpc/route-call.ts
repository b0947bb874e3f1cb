/** A call as a request, and its reply as what the call gives: the caller's half of a route. */
import { z } from 'zod'
import { FormatError } from '../base/errors.ts'
import type { HttpReply, HttpRequest } from '../host/host.ts'
import { errorOf } from './problem.ts'
import { API_BASE } from './route-finder.ts'
import type { Route } from './routes/route.ts'

export function requestOf<Api, Args extends readonly unknown[], Reply>(
  route: Route<Api, Args, Reply>,
  args: Args,
  token: string | undefined,
): HttpRequest {
  const { params = {}, query = {}, body } = route.parts(...args)
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  )
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (route.takes === 'json') headers['content-type'] = 'application/json'
  if (route.takes === 'bytes') headers['content-type'] = 'application/octet-stream'
  return { method: route.method, path: API_BASE + path + queryText(query), headers, body: bytesOf(body) }
}

/** @throws StreamError as the other side told it; FormatError VERSION_MISMATCH it speaks another language */
export function replyOf<Api, Args extends readonly unknown[], Reply>(
  route: Route<Api, Args, Reply>,
  reply: HttpReply,
  address: string,
): Reply {
  if (reply.status < 200 || reply.status > 299) throw errorOf(reply, address)
  try {
    if (route.gives === 'nothing') return route.readReply(undefined)
    if (route.gives === 'bytes') return route.readReply(reply.body)
    return route.readReply(JSON.parse(new TextDecoder().decode(reply.body)))
  } catch (error) {
    const why =
      error instanceof z.ZodError ? error.issues.map((issue) => issue.path.join('.')).join(', ') : 'JSON'
    const message = `${address} answered ${route.name} in a form that this version does not know: ${why}`
    throw new FormatError('VERSION_MISMATCH', message, { address }, { cause: error })
  }
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function bytesOf(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array()
  return body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body))
}
