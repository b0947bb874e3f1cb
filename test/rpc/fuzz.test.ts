// Every route of the descriptions that Nimbus and supervisors give, with wrong types, sizes, names and
// encodings: 20,000 cases from printed seeds. Whatever comes, the reply has a status that its own route
// documents, is never a 5xx, and is, if it is a refusal, a problem as in RFC 9457; and nothing of us is
// changed.
import { expect, test } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import type { HttpReply, HttpRequest } from '../../src/host/host.ts'
import { Dispatcher } from '../../src/rpc/dispatcher.ts'
import type { NimbusApi } from '../../src/rpc/nimbus-api.ts'
import { statusesOf } from '../../src/rpc/openapi.ts'
import { commonStatuses } from '../../src/rpc/problem.ts'
import { requestOf } from '../../src/rpc/route-call.ts'
import { RouteFinder } from '../../src/rpc/route-finder.ts'
import { nimbusRoutes } from '../../src/rpc/routes/nimbus-routes.ts'
import type { Route } from '../../src/rpc/routes/route.ts'
import { supervisorRoutes } from '../../src/rpc/routes/supervisor-routes.ts'
import type { LogQuestion, SupervisorApi } from '../../src/rpc/supervisor-api.ts'
import { host, makeApi, makeTokens, tokenOf } from './api-world.ts'
import { sampleCalls } from './sample-calls.ts'

type Loose = Route<NimbusApi, readonly unknown[], unknown>
const names = Object.keys(nimbusRoutes) as (keyof NimbusApi)[]
const routeNamed = (name: keyof NimbusApi): Loose => nimbusRoutes[name] as unknown as Loose

const CASES_PER_ROUTE = 670
const pollution = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'

class Mutator {
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

const text = (body: Uint8Array) => new TextDecoder().decode(body)
const bytes = (words: string) => new TextEncoder().encode(words)

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
function documentedFor<Api>(finder: RouteFinder<Api>, { method, path }: HttpRequest): readonly number[] {
  try {
    const found = finder.find(method, path.split('?')[0] ?? '')
    if (found?.route !== undefined) return statusesOf(found.route)
  } catch {
    // Not encoded as a URL is.
  }
  return commonStatuses
}

/** What is wrong with a reply; undefined: nothing. */
function troubleWith(reply: HttpReply, documented: readonly number[]): string | undefined {
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

test('20,000 mutated requests', async () => {
  const { dispatcher, nimbus, bugs } = makeApi()
  const finder = new RouteFinder(dispatcher.routes)
  const counts = new Map<number, number>()
  for (const [index, name] of names.entries()) {
    const by = new Mutator(index + 1)
    const good = requestOf(routeNamed(name), sampleCalls[name], undefined)
    for (let round = 0; round < CASES_PER_ROUTE; round += 1) {
      const request = by.request(good)
      const reply = await dispatcher.dispatch(request)
      const trouble = troubleWith(reply, documentedFor(finder, request))
      if (trouble !== undefined || bugs.length > 0) {
        const shown = { method: request.method, path: request.path, body: text(request.body).slice(0, 300) }
        expect.fail(`${name}, case ${round}: ${trouble ?? String(bugs[0])}: ${JSON.stringify(shown)}`)
      }
      counts.set(reply.status, (counts.get(reply.status) ?? 0) + 1)
    }
    nimbus.asked.length = 0
    nimbus.stored.clear()
  }
  expect([...counts.values()].reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(20_000)
  // Each way to be refused was taken, and some got through.
  for (const status of [200, 400, 404, 405, 415]) expect(counts.get(status) ?? 0).toBeGreaterThan(0)
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  expect(Object.hasOwn(Object, 'polluted')).toBe(false)
})

test('they are all there are: every operation of the description', async () => {
  const { dispatcher } = makeApi()
  const path = '/api/v2/openapi.json'
  const reply = await dispatcher.dispatch({ method: 'GET', path, headers: {}, body: new Uint8Array(0) })
  const { paths } = JSON.parse(text(reply.body)) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>
  }
  const described = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  )
  expect(described.toSorted()).toEqual(names.toSorted())
})

test('a supervisor answers the same way', async () => {
  const question = { topologyId: 'words-1', worker: 1, port: 6700, after: 'ab=17', linesMax: 50 }
  const bugs: unknown[] = []
  const asked: LogQuestion[] = []
  const dispatcher = new Dispatcher<SupervisorApi>({
    api: {
      readLog: async (_caller, each) => {
        asked.push(each)
        return { lines: ['a line'], next: '0' }
      },
    },
    routes: supervisorRoutes,
    title: 'Typhoon supervisor',
    version: '0.1.0',
    tokens: undefined,
    permit: () => undefined,
    notReady: () => [],
    timers: host.timers,
    onBug: (error) => bugs.push(error),
  })
  const finder = new RouteFinder(dispatcher.routes)
  const by = new Mutator(2_000)
  const good = requestOf(
    supervisorRoutes.readLog as unknown as Route<SupervisorApi, readonly unknown[], unknown>,
    [question],
    undefined,
  )
  for (let round = 0; round < CASES_PER_ROUTE; round += 1) {
    const request = by.request(good)
    const trouble = troubleWith(await dispatcher.dispatch(request), documentedFor(finder, request))
    expect([round, request.path, trouble]).toEqual([round, request.path, undefined])
  }
  expect(bugs).toEqual([])
  expect(asked.length).toBeGreaterThan(0)
  for (const { port, linesMax } of asked) expect([port, linesMax].every(Number.isSafeInteger)).toBe(true)
})

test('without a token none of them reaches Nimbus', async () => {
  const { dispatcher, nimbus } = makeApi(makeTokens('alice:admin'))
  for (const [index, name] of names.entries()) {
    const by = new Mutator(1_000 + index)
    const good = requestOf(routeNamed(name), sampleCalls[name], `${tokenOf('alice')}x`)
    for (let round = 0; round < 50; round += 1) {
      const { status } = await dispatcher.dispatch(by.request(good))
      expect([401, 403]).toContain(status)
    }
  }
  expect(nimbus.asked).toEqual([])
})

test('replies never repeat what was sent in a refused field', async () => {
  const { dispatcher } = makeApi()
  const secret = 'canary-4711'
  const body = bytes(JSON.stringify({ name: 5, config: { password: secret }, args: secret, bundle: secret }))
  const headers = { 'content-type': 'application/json' }
  const reply = await dispatcher.dispatch({ method: 'POST', path: '/api/v2/topologies', headers, body })
  expect(reply.status).toBe(400)
  expect(text(reply.body)).not.toContain(secret)
})
