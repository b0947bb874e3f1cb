// Many clients of a leader that is silent, in virtual time: how much they ask of the standby meanwhile.
import { expect, test } from 'vitest'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { createNimbusCalls } from '../../src/rpc/nimbus-calls.ts'
import { NimbusClient } from '../../src/rpc/nimbus-client.ts'
import { servePlain } from '../../src/rpc/plain-server.ts'
import { makeApi } from './api-world.ts'
import { beat } from './sample-calls.ts'

const CLIENTS = 40
const SECONDS = 30

/** When the standby was asked who leads, in ms since the leader was stopped. */
async function askedOfStandby(): Promise<readonly number[]> {
  const world = new VirtualWorld({ seed: 1, startAtMs: 1_700_000_000_000 })
  const [left, right] = [makeApi(), makeApi()]
  left.nimbus.address = 'left:6627'
  right.nimbus.address = 'right:6627'
  right.nimbus.leader = 'left:6627'
  void servePlain(world.host('left'), 'left:6627', left.dispatcher)
  void servePlain(world.host('right'), 'right:6627', right.dispatcher)
  const clients = Array.from({ length: CLIENTS }, (_, at) => {
    return new NimbusClient({ host: world.host(`n${at}`), seeds: ['left:6627', 'right:6627'] })
  })
  let isOver = false
  // Goal: as supervisors do, all at the same moment.
  const beats = async (client: NimbusClient): Promise<void> => {
    const calls = createNimbusCalls(client)
    while (!isOver) {
      await calls.heartbeat(beat).catch(() => undefined)
      await new Promise<void>((resolve) => world.timers.after(1_000, resolve))
    }
  }
  for (const client of clients) void beats(client)
  const asked: number[] = []
  world.timers.after(10_500, () => {
    left.nimbus.isStopped = true
    const answer = right.nimbus.leadership
    right.nimbus.leadership = (caller) => {
      asked.push(world.nowMs)
      return answer(caller)
    }
  })
  world.timers.after(10_500 + SECONDS * 1_000, () => {
    isOver = true
  })
  await world.run({ while: () => !isOver })
  return asked.map((atMs) => atMs - world.nowMs + SECONDS * 1_000)
}

test('a standby is asked about once a second by each client while the leader is silent', async () => {
  const asked = await askedOfStandby()
  expect(asked.length).toBeGreaterThan((CLIENTS * SECONDS) / 4)
  expect(asked.length).toBeLessThan(CLIENTS * SECONDS * 1.2)
})

test('clients do not ask in step', async () => {
  const asked = await askedOfStandby()
  const perMoment = new Map<number, number>()
  for (const atMs of asked) {
    const moment = Math.floor(atMs / 50)
    perMoment.set(moment, (perMoment.get(moment) ?? 0) + 1)
  }
  expect(Math.max(...perMoment.values())).toBeLessThan(CLIENTS / 2)
})
