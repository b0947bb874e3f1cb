import { expect, test } from 'vitest'
import { SeededRandom } from '../../../base/random.ts'
import { parseServers, ServerRound } from './server-round.ts'

const round = (servers: readonly string[], seed: number) => {
  const random = new SeededRandom(seed)
  return new ServerRound({ servers, firstMs: 100, maxMs: 1_000, chance: () => random.next() })
}

test('addresses are host and port, the port may be left out', () => {
  expect(parseServers('a:1, b ,[::1]:3,[::1]')).toEqual(['a:1', 'b:2181', '[::1]:3', '[::1]:2181'])
  for (const wrong of ['', 'a,', ',', 'a:0', 'a:70000', 'a b:1', 'a:x', 'a:1/root', '::1:2181'])
    expect(() => parseServers(wrong)).toThrowError(/is not host:port/)
})

test('every client has an order of its own, in which no server is left out', () => {
  const firsts = new Map<string, number>()
  for (let seed = 0; seed < 300; seed += 1) {
    const own = round(['a', 'b', 'c'], seed)
    const order = [own.next(), own.next(), own.next()]
    expect([...order].sort()).toEqual(['a', 'b', 'c'])
    expect(own.next()).toBe(order[0])
    firsts.set(order[0] ?? '', (firsts.get(order[0] ?? '') ?? 0) + 1)
  }
  for (const count of firsts.values()) expect(count).toBeGreaterThan(60)
})

test('within a round it goes on at once; after each it waits, by chance, ever longer, up to a limit', () => {
  const largest: number[] = []
  for (let seed = 0; seed < 200; seed += 1) {
    const own = round(['a', 'b', 'c'], seed)
    for (let failedRounds = 0; failedRounds < 6; failedRounds += 1) {
      for (let server = 0; server < 2; server += 1) {
        own.next()
        expect(own.waitMs()).toBe(0)
      }
      own.next()
      largest[failedRounds] = Math.max(largest[failedRounds] ?? 0, own.waitMs())
    }
  }
  const limits = [100, 200, 400, 800, 1_000, 1_000]
  for (const [index, most] of largest.entries()) {
    const limit = limits[index] ?? 0
    expect(most).toBeLessThanOrEqual(limit)
    expect(most).toBeGreaterThan(limit * 0.9)
  }
})

test('when a connection is lost that served, it waits a little by chance, then takes the next server', () => {
  const waits = new Set<number>()
  for (let seed = 0; seed < 100; seed += 1) {
    const own = round(['a', 'b', 'c'], seed)
    own.next()
    own.waitMs()
    const served = own.next()
    own.serves()
    own.proved()
    const waitMs = own.waitMs()
    expect(waitMs).toBeLessThanOrEqual(100)
    waits.add(Math.round(waitMs))
    expect(own.next()).not.toBe(served)
  }
  expect(waits.size).toBeGreaterThan(30)
})

test('servers that serve and are lost again at once are dialled ever more slowly', () => {
  const own = round(['a'], 3)
  let largest = 0
  for (let i = 0; i < 30; i += 1) {
    own.next()
    own.serves()
    largest = Math.max(largest, own.waitMs())
  }
  expect(largest).toBeGreaterThan(500)
  own.proved()
  expect(own.waitMs()).toBeLessThanOrEqual(100)
})
