/** Requests as they should not be: changes of good ones, by a seed. */

import { SeededRandom } from '../../src/base/random.ts'
import type { HttpReply, HttpRequest } from '../../src/host/host.ts'
import { statusesOf } from '../../src/rpc/openapi.ts'
import { commonStatuses } from '../../src/rpc/problem.ts'
import type { RouteFinder } from '../../src/rpc/route-finder.ts'

const pollution = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'

export class Mutator {
  private readonly random: SeededRandom

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  next(): number {
    return this.random.next()
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)] as T
  }

  request(request: HttpRequest): HttpRequest {
    let mutated = request
    const times = 1 + Math.floor(this.next() * 3)
    for (let time = 0; time < times; time += 1) mutated = this.pick(mutations)(mutated, this)
    return mutated
  }

  /** A value for anywhere: of every kind, too large, or there to do harm. */
  value(): unknown {
    return this.pick<() => unknown>([
      () => null,
      () => true,
      () => -1,
      () => 1e308,
      () => 0.5,
      () => 2 ** 53,
      () => '',
      () => 'x'.repeat(400),
      () => '../../etc/passwd',
      () => 'a\u0000b',
      () => '<img src=x onerror=alert(1)>',
      () => '\r\nSet-Cookie: a=b',
      () => '$(reboot)',
      () => [],
      () => [[[[]]]],
      () => ({}),
      () => JSON.parse(pollution),
      () => ({ toString: 1, valueOf: null }),
      () => Array.from({ length: 2_000 }, (_, at) => at),
      () => JSON.parse('{"then":"x","toJSON":"y","length":-1}'),
    ])()
  }
}

type Mutation = (request: HttpRequest, by: Mutator) => HttpRequest

export const text = (body: Uint8Array) => new TextDecoder().decode(body)
export const bytes = (words: string) => new TextEncoder().encode(words)

/** Changes one place of a JSON value, wherever in it. */
function changed(value: unknown, by: Mutator, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > 6 || by.next() < 0.2) return by.value()
  if (Array.isArray(value)) {
    if (value.length === 0) return [by.value()]
    const at = Math.floor(by.next() * value.length)
    return value.map((each, index) => (index === at ? changed(each, by, depth + 1) : each))
  }
  const keys = Object.keys(value)
  const key = by.pick([...keys, 'extra', '__proto__'])
  if (by.next() < 0.2) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
  const entries = Object.entries(value).map(([name, each]) => [
    name,
    name === key ? changed(each, by, depth + 1) : each,
  ])
  return Object.fromEntries(keys.includes(key) ? entries : [...entries, [key, by.value()]])
}

const mutations: readonly Mutation[] = [
  (request, by) => {
    const body = text(request.body)
    if (!body.startsWith('{')) return { ...request, body: bytes(JSON.stringify(by.value())) }
    let value: unknown
    try {
      value = JSON.parse(body)
    } catch {
      return request
    }
    return { ...request, body: bytes(JSON.stringify(changed(value, by)) ?? '') }
  },
  (request, by) => ({ ...request, body: request.body.slice(0, Math.floor(by.next() * request.body.length)) }),
  (request, by) => {
    const body = request.body.slice()
    if (body.length > 0) body[Math.floor(by.next() * body.length)] = Math.floor(by.next() * 256)
    return { ...request, body }
  },
  (request) => ({ ...request, body: bytes(pollution) }),
  (request, by) => ({ ...request, body: bytes('['.repeat(Math.floor(by.next() * 5_000))) }),
  (request, by) => ({
    ...request,
    method: by.pick(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const),
  }),
  (request, by) => ({
    ...request,
    headers: {
      ...request.headers,
      'content-type': by.pick(['', 'text/html', 'application/json; charset=utf-16', 'application/json']),
    },
  }),
  (request, by) => {
    const at = Math.floor(by.next() * request.path.length)
    const odd = by.pick([
      '%',
      '%00',
      '%2e%2e%2f',
      '//',
      '\\',
      '?',
      '&',
      '=',
      '%ff',
      '{name}',
      ';',
      '#',
      'ü',
      ' ',
    ])
    return { ...request, path: request.path.slice(0, at) + odd + request.path.slice(at) }
  },
  (request, by) => {
    const query = by.pick([
      'wait=99999999999999999999',
      'after=',
      'lines=-1',
      'lines=1e3',
      'size=NaN',
      '__proto__=1',
      'path=/../x',
      'after=[1',
      'after=%7B%22a%22%3A1%7D',
    ])
    return { ...request, path: `${request.path}${request.path.includes('?') ? '&' : '?'}${query}` }
  },
  (request, by) => ({
    ...request,
    path: request.path.replace(/[^/]+$/, encodeURIComponent(JSON.stringify(by.value()) ?? '')),
  }),
  (request, by) => ({
    ...request,
    headers: {
      ...request.headers,
      [by.pick(['x-forwarded-user', 'x-http-method-override', 'origin', 'host', 'authorization', 'cookie'])]:
        by.pick(['admin', 'DELETE', 'null', '127.0.0.1', 'Bearer x', 'a=b']),
    },
  }),
]

/** What may be answered: as the route that it is for documents it, or, if it is for none, as any. */
export function documentedFor<Api>(
  finder: RouteFinder<Api>,
  { method, path }: HttpRequest,
): readonly number[] {
  try {
    const found = finder.find(method, path.split('?')[0] ?? '')
    if (found?.route !== undefined) return statusesOf(found.route)
  } catch {
    // Not encoded as a URL is.
  }
  return commonStatuses
}

/** What is wrong with a reply; undefined: nothing. */
export function troubleWith(reply: HttpReply, documented: readonly number[]): string | undefined {
  const { status, headers, body } = reply
  if (!documented.includes(status)) return `status ${status} is not documented`
  if (status >= 500) return `status ${status}`
  if (headers['x-content-type-options'] !== 'nosniff') return 'no nosniff'
  if (status < 400) return undefined
  if (headers['content-type'] !== 'application/problem+json') return `type ${headers['content-type']}`
  const problem = JSON.parse(text(body))
  for (const name of ['type', 'title', 'detail', 'code', 'family']) {
    if (typeof problem[name] !== 'string') return `problem without ${name}`
  }
  return problem.status === status ? undefined : 'problem of another status'
}
