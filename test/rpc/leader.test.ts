// The client against real Nimbuses, in virtual time: whom it takes for the leader, and how often it asks.
import { describe, expect, test } from 'vitest'
import type { Nimbus } from '../../src/nimbus/nimbus.ts'
import type { NimbusApi } from '../../src/rpc/nimbus-api.ts'
import { SimCluster } from '../../src/testing/cluster/sim-cluster.ts'

const SECOND_MS = 1_000

interface Begun {
  count: number
}

async function started(seed: number): Promise<{ cluster: SimCluster; leader: Nimbus; address: string }> {
  const cluster = SimCluster.simulated({ seed, nimbuses: 3, nodes: 1 })
  await cluster.start()
  await cluster.advance(5 * SECOND_MS)
  const { leader, leaderName } = cluster
  if (leader === undefined) throw new Error('nobody leads')
  return { cluster, leader, address: `${leaderName}:6627` }
}

/** A call takes so long from now on, and is counted. */
function slow<K extends keyof NimbusApi>(
  cluster: SimCluster,
  { api }: Nimbus,
  name: K,
  takesMs: number,
): Begun {
  const begun = { count: 0 }
  const real = api[name] as (...args: readonly unknown[]) => Promise<unknown>
  const calls = api as { -readonly [N in keyof NimbusApi]: unknown }
  calls[name] = async (...args: readonly unknown[]) => {
    begun.count += 1
    await new Promise<void>((resolve) => cluster.world.timers.after(takesMs, resolve))
    return await real(...args)
  }
  return begun
}

describe.each([1, 2, 3, 4, 5])('seed %i', (seed) => {
  test('no standby is taken for the leader, whoever answers first', async () => {
    const { cluster, address } = await started(seed)
    for (let client = 0; client < 5; client += 1) {
      expect(await cluster.drive(cluster.newClient().leader())).toBe(address)
    }
    const request = { method: 'GET', path: '/api/v2/topologies' } as const
    const reply = await cluster.drive(cluster.newClient().raw(request))
    expect([reply.status, reply.address]).toEqual([200, address])
    cluster.close()
  })

  test.each([4, 40])('a call of %i s to a living leader is begun once', async (seconds) => {
    const { cluster, leader } = await started(seed)
    const begun = slow(cluster, leader, 'topologies', seconds * SECOND_MS)
    const fromMs = cluster.world.nowMs
    const options = { timeoutMs: 100 * SECOND_MS }
    expect(await cluster.drive(cluster.client.call('topologies', [], options))).toEqual([])
    expect(begun.count).toBe(1)
    expect(cluster.world.nowMs - fromMs).toBeLessThan((seconds + 1) * SECOND_MS)
    cluster.close()
  })

  test('a long poll and an upload that take their time are asked once', async () => {
    const { cluster, leader } = await started(seed)
    const { next } = await cluster.drive(cluster.client.call('events', [undefined, 0]))
    const polls = slow(cluster, leader, 'events', 0)
    const poll = cluster.client.call('events', [next, 20 * SECOND_MS])
    expect((await cluster.drive(poll)).events).toEqual([])
    const uploads = slow(cluster, leader, 'writeBlob', 8 * SECOND_MS)
    const bytes = Uint8Array.of(1, 2, 3)
    const digest = Buffer.from(cluster.world.host('x').digest('sha256', bytes)).toString('hex')
    await cluster.drive(cluster.client.call('writeBlob', [digest, bytes]))
    expect([polls.count, uploads.count]).toEqual([1, 1])
    cluster.close()
  })

  test('while nobody leads, standbys say what they can', async () => {
    const { cluster } = await started(seed)
    for (const nimbus of cluster.nimbuses.values()) {
      Object.defineProperty(nimbus, 'isLeader', { get: () => false })
    }
    const client = cluster.newClient()
    const options = { timeoutMs: 2 * SECOND_MS }
    expect(await cluster.drive(client.call('cluster', [], options))).toMatchObject({ topologies: 0 })
    expect(await cluster.drive(client.call('boardList', ['/'], options))).toContain('nimbuses')
    const { status } = await cluster.drive(client.raw({ method: 'GET', path: '/api/v2/cluster' }))
    expect(status).toBe(200)
    const call = client.call('topologies', [], options).catch((error: unknown) => error)
    expect(await cluster.drive(call)).toMatchObject({ code: 'NIMBUS_NOT_LEADER' })
    cluster.close()
  })
})
