// The client against fake Nimbuses, over the plain network in virtual time and over fastify on loopback.
import { afterEach, describe, expect, test } from 'vitest'
import { ConflictError, UnavailableError } from '../../src/base/errors.ts'
import type { Host, Stoppable } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { serveFastify } from '../../src/rpc/fastify-server.ts'
import { WAIT_MS_MAX } from '../../src/rpc/limits.ts'
import { createNimbusCalls } from '../../src/rpc/nimbus-calls.ts'
import { NimbusClient } from '../../src/rpc/nimbus-client.ts'
import { createPeers } from '../../src/rpc/nimbus-peers.ts'
import { servePlain } from '../../src/rpc/plain-server.ts'
import { makeApi, makeTokens, requestFor, tokenOf } from './api-world.ts'
import type { FakeNimbus } from './fake-nimbus.ts'
import { beat, digestA } from './sample-calls.ts'

const namesAsked = ({ asked }: FakeNimbus) =>
  asked.map(([name]) => name).filter((name) => name !== 'leadership')

/** Runs a body in virtual time, in which nothing but the body ends it. */
async function within(world: VirtualWorld, body: () => Promise<void>): Promise<void> {
  let isOver = false
  const running = body().finally(() => {
    isOver = true
  })
  running.catch(() => undefined)
  const end = await world.run({ while: () => !isOver })
  if (end === 'idle' && !isOver) throw new Error('the test waits for something that never comes')
  await running
}

describe.each([1, 2, 3])('in virtual time, seed %i', (seed) => {
  const make = async () => {
    const world = new VirtualWorld({ seed, startAtMs: 1_700_000_000_000 })
    const left = makeApi()
    const right = makeApi()
    left.nimbus.address = 'left:6627'
    right.nimbus.address = 'right:6627'
    const host = world.host('client')
    const seeds = ['dead:6627', 'left:6627', 'right:6627']
    const client = new NimbusClient({ host, seeds, timeoutMs: 20_000 })
    const serve = async () => {
      await servePlain(world.host('left'), 'left:6627', left.dispatcher)
      await servePlain(world.host('right'), 'right:6627', right.dispatcher)
    }
    return { world, left: left.nimbus, right: right.nimbus, host, client, serve }
  }

  test('finds the leader behind a dead seed and a standby, and remembers it', async () => {
    const { world, left, right, client, serve } = await make()
    left.leader = 'right:6627'
    await within(world, async () => {
      await serve()
      // A dead machine that answers nothing at all: dials to it take their whole time.
      world.host('dead')
      world.net.cut('client', 'dead')
      const from = world.host('client').clock.monotonicMs()
      expect(await client.call('topologies', [])).toHaveLength(1)
      await client.call('topologies', [])
      expect(world.host('client').clock.monotonicMs() - from).toBeLessThan(500)
    })
    expect(namesAsked(right)).toEqual(['topologies', 'topologies'])
    expect(right.asked.filter(([name]) => name === 'leadership').length).toBeLessThanOrEqual(2)
  })

  test('follows the leadership when it changes, and waits while nobody leads', async () => {
    const { world, left, right, client, host, serve } = await make()
    right.leader = 'left:6627'
    await within(world, async () => {
      await serve()
      await client.call('activate', ['word-count'])
      left.leader = 'right:6627'
      right.leader = undefined
      await client.call('deactivate', ['word-count'])
      expect(namesAsked(right)).toEqual(['deactivate'])
      left.leader = null
      right.leader = null
      host.timers.after(1_500, () => {
        left.leader = undefined
      })
      await client.call('kill', ['word-count', 0])
    })
    expect(namesAsked(left)).toContain('kill')
  })

  test('goes elsewhere when the leader dies or says nothing', async () => {
    const { world, left, right, client, serve } = await make()
    right.leader = 'left:6627'
    await within(world, async () => {
      await serve()
      await client.call('topologies', [])
      right.leader = undefined
      world.net.cut('client', 'left')
      await client.call('topologies', [])
      expect(namesAsked(right)).toEqual(['topologies'])
      world.net.heal('client', 'left')
      world.crash('right')
      left.leader = undefined
      await client.call('topologies', [])
    })
    expect(namesAsked(left)).toContain('topologies')
  })

  // Goal: for a client a fail-over takes as long as the other needs to lead, and little more.
  test('a leader that is stopped: who knew it and who looks for one are with the next at once', async () => {
    const { world, left, right, client, host, serve } = await make()
    right.leader = 'left:6627'
    const seeds = ['left:6627', 'right:6627']
    const newcomer = new NimbusClient({ host, seeds })
    await within(world, async () => {
      await serve()
      await client.call('topologies', [])
      left.isStopped = true
      const fromMs = host.clock.monotonicMs()
      host.timers.after(3_700, () => {
        right.leader = undefined
      })
      const tookMs = async (each: NimbusClient) => {
        await each.call('kill', ['word-count', 0])
        return host.clock.monotonicMs() - fromMs
      }
      expect(Math.max(...(await Promise.all([tookMs(client), tookMs(newcomer)])))).toBeLessThan(5_000)
    })
    expect(namesAsked(right)).toEqual(['kill', 'kill'])
  })

  test('a submit under a key goes to the next leader; a call without one waits for its end', async () => {
    const { world, left, right, client, host, serve } = await make()
    right.leader = 'left:6627'
    const ref = { digest: digestA, sizeBytes: 3 }
    const named = { name: 'word-count', bundle: ref, outline: ref, args: null, config: {} }
    const request = { ...named, isInactive: false, idempotencyKey: 'k1' }
    const change = { workers: 3, executors: {}, tasks: {}, scheduler: undefined, drainMs: undefined }
    await within(world, async () => {
      await serve()
      await client.call('topologies', [])
      left.isStopped = true
      host.timers.after(500, () => {
        right.leader = undefined
      })
      const rebalance = client.call('rebalance', ['word-count', change], { timeoutMs: 8_000 })
      const end = expect(rebalance).rejects.toMatchObject({ details: { outcome: 'unknown' } })
      await client.call('submit', [request], { isRepeatable: true })
      await end
    })
    expect(namesAsked(left).sort()).toEqual(['rebalance', 'submit', 'topologies'])
    expect(right.asked.filter(([name]) => name === 'submit')).toEqual([['submit', request]])
    expect(namesAsked(right)).not.toContain('rebalance')
  })

  test('a leader that takes its time is left alone', async () => {
    const { world, left, right, client, host, serve } = await make()
    right.leader = 'left:6627'
    const later = left.events
    left.events = async (...args) => {
      await new Promise<void>((resolve) => host.timers.after(WAIT_MS_MAX, resolve))
      return await later(...args)
    }
    await within(world, async () => {
      await serve()
      await client.call('events', ['0', WAIT_MS_MAX], { timeoutMs: 3 * WAIT_MS_MAX })
    })
    expect(namesAsked(left)).toEqual(['events'])
    expect(namesAsked(right)).toEqual([])
    expect(left.asked.length).toBeLessThan(8)
  })

  test('a leader under the name that standbys give it is the one that is found under a seed', async () => {
    const { world, left, right, client, host, serve } = await make()
    const named = makeApi()
    named.nimbus.address = 'named:6627'
    left.leader = 'right:6627'
    for (const nimbus of [named.nimbus, left]) {
      const later = nimbus.topologies
      nimbus.topologies = async (...args) => {
        const reply = await later(...args)
        await new Promise<void>((resolve) => host.timers.after(12_000, resolve))
        return reply
      }
    }
    await within(world, async () => {
      await serve()
      await servePlain(world.host('named'), 'named:6627', named.dispatcher)
      await client.call('nodes', [])
      // It leads from now on, and is reached under both.
      left.leader = undefined
      left.address = 'named:6627'
      right.leader = 'named:6627'
      await client.call('topologies', [])
    })
    expect([namesAsked(named.nimbus), namesAsked(left)]).toEqual([['topologies'], []])
  })

  test.each(['hangs', 'is cut'])(
    'an address of the leader that %s is left for its other one',
    async (how) => {
      const { world, left, right, client, host, serve } = await make()
      // One and the same behind two addresses.
      right.address = 'left:6627'
      await within(world, async () => {
        await serve()
        right.leader = 'left:6627'
        await client.call('topologies', [])
        right.leader = undefined
        if (how === 'hangs') left.isStopped = true
        else world.net.cut('client', 'left')
        const fromMs = host.clock.monotonicMs()
        await client.call('nodes', [])
        await client.call('slots', [])
        expect(host.clock.monotonicMs() - fromMs).toBeLessThan(6_000)
      })
      expect(namesAsked(right)).toEqual(['nodes', 'slots'])
    },
  )

  test('does not repeat what may have been done, but for who has a key', async () => {
    const { world, left, right, client, serve } = await make()
    right.leader = 'left:6627'
    const request = { workers: 3, executors: {}, tasks: {}, scheduler: undefined, drainMs: undefined }
    const away = () => new UnavailableError('COORDINATOR_UNAVAILABLE', 'away', { outcome: 'unknown' })
    await within(world, async () => {
      await serve()
      await client.call('topologies', [])
      left.failures.push(away())
      await expect(client.call('rebalance', ['word-count', request])).rejects.toMatchObject({
        code: 'COORDINATOR_UNAVAILABLE',
      })
      left.failures.push(away())
      await client.call('kill', ['word-count', 0])
      left.failures.push(new ConflictError('TOPOLOGY_WRONG_STATE', 'is being killed'))
      await expect(client.call('activate', ['word-count'])).rejects.toMatchObject({ family: 'conflict' })
    })
    expect(namesAsked(left)).toEqual(['topologies', 'rebalance', 'kill', 'kill', 'activate'])
  })

  test('time that runs out while a leader is looked for: said is why it was looked for', async () => {
    const { world, left, right, client, serve } = await make()
    left.leader = null
    right.leader = null
    await within(world, async () => {
      await serve()
      world.host('client').timers.after(900, () => {
        for (const name of ['left', 'right']) world.net.cut('client', name)
      })
      const late = client.call('topologies', [], { timeoutMs: 3_000 })
      await expect(late).rejects.toMatchObject({ code: 'NIMBUS_NOT_LEADER' })
    })
  })

  test('nobody at all: NIMBUS_UNREACHABLE within the time of the call', async () => {
    const { world, client, host } = await make()
    await within(world, async () => {
      const from = host.clock.monotonicMs()
      const call = client.call('topologies', [], { timeoutMs: 3_000 })
      await expect(call).rejects.toMatchObject({ code: 'NIMBUS_UNREACHABLE' })
      expect(host.clock.monotonicMs() - from).toBeLessThanOrEqual(3_001)
      const stop = new AbortController()
      host.timers.after(200, () => stop.abort(new Error('enough')))
      await expect(client.call('topologies', [], { signal: stop.signal })).rejects.toThrow('enough')
    })
  })

  test('supervisors report and fetch; a Nimbus asks another', async () => {
    const { world, left, right, client, host, serve } = await make()
    right.leader = 'left:6627'
    const calls = createNimbusCalls(client)
    const peers = createPeers(host, undefined)
    await within(world, async () => {
      await serve()
      expect(await calls.heartbeat(beat)).toEqual({ epoch: 3, logLevels: [] })
      const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251)
      await calls.writeBlob(digestA, bytes)
      expect(await calls.readBlob(digestA, 250_000, 100_000)).toEqual(bytes.subarray(250_000))
      expect(await peers.readBlob('left:6627', digestA, 0, 3)).toEqual(bytes.subarray(0, 3))
      await expect(peers.readBlob('left:6627', 'b'.repeat(64), 0, 3)).rejects.toMatchObject({
        code: 'BLOB_MISSING',
      })
      await expect(peers.readBlob('nowhere:1', digestA, 0, 3)).rejects.toMatchObject({
        code: 'CONNECT_FAILED',
      })
      // Silence is known until it answers, or for some seconds; who refuses is not silent.
      expect(['left:6627', 'nowhere:1'].map((each) => peers.isSilent(each))).toEqual([false, false])
      world.net.cut('client', 'left')
      expect(await peers.ping('left:6627')).toBe('silent')
      expect(peers.isSilent('left:6627')).toBe(true)
      world.net.heal('client', 'left')
      expect(await peers.ping('left:6627')).toBe('answers')
      expect(peers.isSilent('left:6627')).toBe(false)
    })
    expect(left.asked.some(([name]) => name === 'heartbeat')).toBe(true)
  })
})

describe('on loopback, over fastify', () => {
  const opened: Stoppable[] = []
  afterEach(() => {
    for (const each of opened.splice(0)) each.stop()
  })
  const limits = { timeoutMs: 5_000, bodyBytesMax: 1_000_000 }

  const serve = async (host: Host, tokens?: ReturnType<typeof makeTokens>) => {
    const api = makeApi(tokens)
    const server = await serveFastify(api.dispatcher, { host: '127.0.0.1', port: 0 })
    opened.push(server)
    return { ...api, address: server.address, client: new NimbusClient({ host, seeds: [server.address] }) }
  }

  test('follows a standby to the leader, with tokens', async () => {
    const host = createNodeHost()
    const tokens = makeTokens('alice:operator')
    const left = await serve(host, tokens)
    const right = await serve(host, tokens)
    left.nimbus.leader = right.address
    const seeds = ['127.0.0.1:1', left.address]
    const client = new NimbusClient({ host, seeds, token: tokenOf('alice') })
    expect(await client.call('topology', ['word-count'])).toMatchObject({ name: 'word-count' })
    const nobody = new NimbusClient({ host, seeds, token: tokenOf('mallory') })
    await expect(nobody.call('topologies', [])).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
    await expect(client.call('deleteBlob', [digestA])).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })

  test('blobs of megabytes there and back; other bodies have their own limit', async () => {
    const host = createNodeHost()
    const { nimbus, client, address } = await serve(host)
    const bytes = Uint8Array.from({ length: 20_000_000 }, (_, at) => (at * 7) % 253)
    await client.call('writeBlob', [digestA, bytes])
    expect(Buffer.compare(nimbus.stored.get(digestA) ?? new Uint8Array(), bytes)).toBe(0)
    const piece = await client.call('readBlob', [digestA, 19_000_000, 2_000_000])
    expect(Buffer.compare(piece, bytes.subarray(19_000_000))).toBe(0)
    const long = requestFor('POST', '/api/v2/topologies', 'x'.repeat(2_000_000))
    const reply = await host.http.request(address, long, limits)
    expect([reply.status, reply.headers['content-type']]).toEqual([413, 'application/problem+json'])
  })

  test('who may not write is refused before the body is read', async () => {
    const host = createNodeHost()
    const { nimbus, address } = await serve(host, makeTokens('alice:reader'))
    for (const token of ['alice', 'mallory']) {
      const request = {
        method: 'PUT' as const,
        path: `/api/v2/blobs/${digestA}`,
        headers: { authorization: `Bearer ${tokenOf(token)}`, 'content-type': 'application/octet-stream' },
        body: new Uint8Array(100),
      }
      expect((await host.http.request(address, request, limits)).status).toBe(token === 'alice' ? 403 : 401)
    }
    expect(nimbus.asked).toEqual([])
  })

  test('health, description, unknown paths, encodings that are none', async () => {
    const host = createNodeHost()
    const { address } = await serve(host)
    const get = async (path: string) => {
      const reply = await host.http.request(address, requestFor('GET', path), limits)
      return [reply.status, reply.headers['content-type']]
    }
    expect(await get('/livez')).toEqual([200, 'text/plain'])
    expect(await get('/readyz')).toEqual([200, 'text/plain'])
    expect(await get('/api/v2/openapi.json')).toEqual([200, 'application/json'])
    expect(await get('/nothing')).toEqual([404, 'application/problem+json'])
    expect(await get('/api/v2/topologies/%ff%zz')).toEqual([400, 'application/problem+json'])
    expect(await get(`/api/v2/topologies/${'x'.repeat(5_000)}`)).toEqual([404, 'application/problem+json'])
    const deletion = await host.http.request(address, requestFor('DELETE', '/api/v2/cluster'), limits)
    expect([deletion.status, deletion.headers['allow']]).toEqual([405, 'GET'])
  })

  test('a port that is taken', async () => {
    const { address, dispatcher } = await serve(createNodeHost())
    const port = Number(address.split(':')[1])
    await expect(serveFastify(dispatcher, { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    })
  })
})
