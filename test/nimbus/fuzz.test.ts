// Goal: a Nimbus that leads a cluster answers whatever it is asked with a status that the route documents,
// never with a 5xx, and leads on. Method: mutated requests of every route through its real interface, from
// printed seeds, in virtual time. (test/rpc/fuzz.test.ts does the same before a Nimbus that is none.)
import { expect, test } from 'vitest'
import { Dispatcher } from '../../src/rpc/dispatcher.ts'
import type { NimbusApi } from '../../src/rpc/nimbus-api.ts'
import { requestOf } from '../../src/rpc/route-call.ts'
import { RouteFinder } from '../../src/rpc/route-finder.ts'
import { nimbusRoutes } from '../../src/rpc/routes/nimbus-routes.ts'
import type { Route } from '../../src/rpc/routes/route.ts'
import { documentedFor, Mutator, text, troubleWith } from '../rpc/mutator.ts'
import { sampleCalls } from '../rpc/sample-calls.ts'
import { NimbusWorld } from './nimbus-world.ts'
import { words } from './outlines.ts'

const CASES_PER_ROUTE = 60
/** Last, for there is nothing to ask about afterwards. */
const ENDS: readonly (keyof NimbusApi)[] = ['kill']

test('mutated requests of every route', async () => {
  const world = new NimbusWorld()
  await world.startNimbus('n1')
  await world.untilLed()
  for (const node of ['node-1', 'b']) await world.startSupervisor(node)
  const id = await world.running(words('word-count', { workers: 2 }))
  const bugs: unknown[] = []
  const dispatcher = new Dispatcher<NimbusApi>({
    api: world.leader.nimbus.api,
    routes: nimbusRoutes,
    title: 'Typhoon Nimbus',
    version: '0.1.0',
    tokens: undefined,
    permit: () => undefined,
    notReady: () => [],
    timers: world.world.host('n1').timers,
    onBug: (error) => bugs.push(error),
  })
  const finder = new RouteFinder(dispatcher.routes)
  const all = Object.keys(nimbusRoutes) as (keyof NimbusApi)[]
  const names = [...all.filter((name) => !ENDS.includes(name)), ...ENDS]
  for (const [index, name] of names.entries()) {
    const by = new Mutator(3_000 + index)
    const route = nimbusRoutes[name] as unknown as Route<NimbusApi, readonly unknown[], unknown>
    const good = requestOf(route, sampleCalls[name], undefined)
    for (let round = 0; round < CASES_PER_ROUTE; round += 1) {
      const request = round === 0 ? good : by.request(good)
      const reply = await world.drive(dispatcher.dispatch(request))
      const trouble = troubleWith(reply, documentedFor(finder, request))
      if (trouble === undefined && bugs.length === 0) continue
      const shown = { method: request.method, path: request.path, body: text(request.body).slice(0, 300) }
      const said = text(reply.body).slice(0, 300)
      expect.fail(`${name}, case ${round}: ${trouble ?? String(bugs[0])}: ${JSON.stringify(shown)} ${said}`)
    }
    expect([name, world.hasLeader]).toEqual([name, true])
  }
  expect(world.leader.name).toBe('n1')
  expect(id).toMatch(/^word-count-/)
})
