// Every route of the descriptions that Nimbus and supervisors give, with wrong types, sizes, names and
// encodings: 20,000 cases from printed seeds. Whatever comes, the reply has a status that its own route
// documents, is never a 5xx, and is, if it is a refusal, a problem as in RFC 9457; and nothing of us is
// changed.
import { expect, test } from 'vitest'
import { Dispatcher } from '../../src/rpc/dispatcher.ts'
import type { NimbusApi } from '../../src/rpc/nimbus-api.ts'
import { requestOf } from '../../src/rpc/route-call.ts'
import { RouteFinder } from '../../src/rpc/route-finder.ts'
import { nimbusRoutes } from '../../src/rpc/routes/nimbus-routes.ts'
import type { Route } from '../../src/rpc/routes/route.ts'
import { supervisorRoutes } from '../../src/rpc/routes/supervisor-routes.ts'
import type { LogQuestion, SupervisorApi } from '../../src/rpc/supervisor-api.ts'
import { host, makeApi, makeTokens, tokenOf } from './api-world.ts'
import { bytes, documentedFor, Mutator, text, troubleWith } from './mutator.ts'
import { sampleCalls } from './sample-calls.ts'

type Loose = Route<NimbusApi, readonly unknown[], unknown>
const names = Object.keys(nimbusRoutes) as (keyof NimbusApi)[]
const routeNamed = (name: keyof NimbusApi): Loose => nimbusRoutes[name] as unknown as Loose

const CASES_PER_ROUTE = 670
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
