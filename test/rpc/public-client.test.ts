// `typhoon/client` against a fake Nimbus behind the real API: the whole surface, and what it refuses.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { connect } from 'typhoon/client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FormatError, type StreamError, UnavailableError } from '../../src/base/errors.ts'
import type { Stoppable } from '../../src/host/host.ts'
import { ClusterTopology } from '../../src/rpc/client/cluster-topology.ts'
import { contextsText, parseContexts, targetOf } from '../../src/rpc/client/contexts.ts'
import { serveFastify } from '../../src/rpc/fastify-server.ts'
import { NimbusClient } from '../../src/rpc/nimbus-client.ts'
import { wordCount } from '../cli/topologies.ts'
import { host, makeApi } from './api-world.ts'
import type { FakeNimbus } from './fake-nimbus.ts'

let nimbus: FakeNimbus
let server: Stoppable & { readonly address: string }
let directory: string
beforeEach(async () => {
  const api = makeApi()
  nimbus = api.nimbus
  server = await serveFastify(api.dispatcher, { host: '127.0.0.1', port: 0 })
  directory = mkdtempSync(join(tmpdir(), 'typhoon-client-'))
})
afterEach(() => {
  server.stop()
  rmSync(directory, { recursive: true })
})

const named = () => nimbus.asked.map(([name]) => name).filter((name) => name !== 'leadership')

test('submits a module, waits until it runs, changes and ends it', async () => {
  const file = join(directory, 'word-count.ts')
  writeFileSync(file, wordCount)
  await using client = await connect({ nimbus: ['127.0.0.1:1', server.address], timeout: '10s' })
  const running = await client.submit(pathToFileURL(file), {
    config: { workers: 4 },
    idempotencyKey: 'release-42',
  })
  expect(running.name).toBe('word-count')
  const [, request] = nimbus.asked.find(([name]) => name === 'submit') ?? []
  expect(request).toMatchObject({ idempotencyKey: 'release-42', config: { workers: 4 }, args: null })
  await running.ready({ timeout: '5s' })
  expect((await running.status()).bottleneck?.component).toBe('count')
  await running.rebalance({ executors: { count: 8 } })
  await running.deactivate()
  await running.activate()
  expect((await running.errors())[0]?.code).toBe('EXECUTE_THREW')
  nimbus.operationSteps = 1
  const steps: string[] = []
  await running.kill({ drain: '5s', onProgress: ({ step }) => steps.push(step) })
  expect(steps).toEqual(['drain', 'removed'])
  expect(nimbus.asked.find(([name]) => name === 'kill')).toEqual(['kill', 'word-count', 5_000, running.id])
  // Leaving the scope of a client ends nothing that runs.
  await running[Symbol.asyncDispose]()
  expect(named().filter((name) => name === 'kill')).toHaveLength(1)
})

test('a client that is printed, or logged as JSON, shows no token and no insides', async () => {
  await using client = await connect({ nimbus: [server.address], token: 'canary-4711' })
  const running = await client.topology('word-count')
  const shown = [client, running].flatMap((each) => [
    inspect(each, { depth: 20 }),
    JSON.stringify(each),
    JSON.stringify({ ...each }),
  ])
  for (const text of shown) expect(text).not.toContain('canary-4711')
  expect(shown[0]).toBe('ClusterClient {}')
  expect(JSON.parse(shown[4] ?? '')).toEqual({ name: 'word-count', id: running.id })
})

test('what a module throws is told with its place, where the user has it', async () => {
  const folder = realpathSync(directory)
  mkdirSync(join(folder, 'sub'))
  const throws = "export const city = 1\nthrow new Error('no city')\n"
  writeFileSync(join(folder, 'throws.ts'), throws)
  writeFileSync(join(folder, 'sub', 'throws.ts'), throws)
  writeFileSync(join(folder, 'sub', 'imports.ts'), "export { city as default } from '../throws.ts'\n")
  await using client = await connect({ nimbus: [server.address] })
  const whereOf = async (name: string) => {
    const error: unknown = await client.submit(join(folder, 'sub', name)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'BUILD_THREW' })
    return (error as StreamError).details['where']
  }
  expect(await whereOf('throws.ts')).toBe(`${join(folder, 'sub', 'throws.ts')}:2:7`)
  expect(await whereOf('imports.ts')).toBe(`${join(folder, 'throws.ts')}:2:7`)
})

test('each submit of a client has a key of its own: a second is not the first repeated', async () => {
  const file = join(directory, 'word-count.ts')
  writeFileSync(file, wordCount)
  await using client = await connect({ nimbus: [server.address], timeout: '10s' })
  for (let n = 0; n < 2; n += 1) await client.submit(file)
  const submits = nimbus.asked.filter(([name]) => name === 'submit')
  const keys = submits.map(([, request]) => (request as { idempotencyKey: string }).idempotencyKey)
  expect(keys).toHaveLength(2)
  expect(new Set(keys).size).toBe(2)
})

test('each rebalance has a key of its own, under which it is asked for again', async () => {
  await using client = await connect({ nimbus: [server.address], timeout: '10s' })
  const running = await client.topology('word-count')
  const unknown = new UnavailableError('COORDINATOR_UNAVAILABLE', 'away', { outcome: 'unknown' })
  nimbus.failures.push(unknown)
  await running.rebalance({ workers: 3 })
  await running.rebalance({ workers: 3 })
  const asked = nimbus.asked.filter(([name]) => name === 'rebalance').map(([, , request]) => request)
  const keys = asked.map((request) => (request as { idempotencyKey?: string }).idempotencyKey)
  expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0], expect.any(String)])
  expect(keys[2]).not.toBe(keys[0])
})

test('a kill that did its work and was not heard of is done; nobody else is told so', async () => {
  await using client = await connect({ nimbus: [server.address], timeout: '10s' })
  const running = await client.topology('word-count')
  const { kill } = nimbus
  nimbus.kill = async (...args) => {
    nimbus.isGone = true
    nimbus.kill = kill
    await Promise.resolve(args)
    throw new UnavailableError('COORDINATOR_UNAVAILABLE', 'away', { outcome: 'unknown' })
  }
  await running.kill({ drain: '0s' })
  await expect(running.kill({ drain: '0s' })).rejects.toMatchObject({ code: 'TOPOLOGY_NOT_FOUND' })
})

test('what is asked again does not reach another topology that has the name by now', async () => {
  await using client = await connect({ nimbus: [server.address], timeout: '10s' })
  const running = await client.topology('word-count')
  const unknown = new UnavailableError('COORDINATOR_UNAVAILABLE', 'away', { outcome: 'unknown' })
  nimbus.replacedBy = 'word-count-0000000900000001'
  nimbus.failures.push(unknown)
  await running.kill({ drain: '0s' })
  nimbus.failures.push(unknown)
  for (const call of [
    () => running.rebalance({ workers: 3 }),
    () => running.activate(),
    () => running.deactivate(),
  ])
    await expect(call()).rejects.toMatchObject({ code: 'TOPOLOGY_NOT_FOUND' })
  expect(nimbus.carriedOut).toEqual([])
})

test('what was uploaded to a leader that is gone is uploaded again, to the next', async () => {
  const file = join(directory, 'word-count.ts')
  writeFileSync(file, wordCount)
  await using client = await connect({ nimbus: [server.address], timeout: '10s' })
  const { submit, blobs } = nimbus
  // The next leader has none of them.
  nimbus.blobs = async () => []
  const missing = new FormatError('BUNDLE_INVALID', 'the outline is not here', { missing: 'outline' })
  let refusals = 2
  nimbus.submit = async (...args) => {
    refusals -= 1
    if (refusals >= 0) throw missing
    return await submit(...args)
  }
  await client.submit(file)
  const uploads = named().filter((name) => name === 'writeBlob')
  expect(uploads).toHaveLength(6)
  // There is an end to it; and what is there but wrong is not uploaded again.
  refusals = 100
  await expect(client.submit(file)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
  expect(refusals).toBe(96)
  nimbus.submit = async () => Promise.reject(new FormatError('BUNDLE_INVALID', 'another size', {}))
  const before = named().length
  await expect(client.submit(file)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
  expect(named().slice(before)).toEqual(['writeBlob', 'writeBlob'])
  nimbus.blobs = blobs
})

test('a preview says what would be, and does nothing', async () => {
  const file = join(directory, 'word-count.ts')
  writeFileSync(file, wordCount)
  const client = await connect({ nimbus: [server.address] })
  const seen = await client.preview(file, { name: 'other' })
  expect(seen).toMatchObject({ name: 'other', guarantee: 'at-least-once', slots: { needed: 4, free: 3 } })
  expect(seen.bundle.digest).toMatch(/^[0-9a-f]{64}$/)
  // The same module gives the same bundle, wherever it is.
  const elsewhere = mkdtempSync(join(tmpdir(), 'typhoon-client-'))
  writeFileSync(join(elsewhere, 'word-count.ts'), wordCount)
  const again = await client.preview(join(elsewhere, 'word-count.ts'))
  rmSync(elsewhere, { recursive: true })
  expect(again.bundle.digest).toBe(seen.bundle.digest)
  expect(named()).not.toContain('submit')
})

test('figures and events come until the reader has enough', async () => {
  const client = await connect({ nimbus: [server.address] })
  const running = await client.topology('word-count')
  const stop = new AbortController()
  let looks = 0
  for await (const { ackedPerSecond, samples } of running.metrics({ every: '10ms', signal: stop.signal })) {
    expect(ackedPerSecond).toBe(12_400)
    expect(samples[1]?.value).toMatchObject({
      buckets: [
        [0.1, 3],
        [Number.POSITIVE_INFINITY, 4],
      ],
    })
    looks += 1
    if (looks === 3) stop.abort()
  }
  expect(looks).toBe(3)
  const kinds: string[] = []
  for await (const { kind } of client.events({ after: '0-0' })) {
    kinds.push(kind)
    if (kinds.length === 2) break
  }
  expect(kinds).toEqual(['topology-submitted', 'worker-restarted'])
})

test('the cluster, its nodes, drain and undrain; nothing after close', async () => {
  const client = await connect({ nimbus: [server.address] })
  expect((await client.cluster()).leader).toBe('nimbus-1:6627')
  expect((await client.nodes()).map(({ state }) => state)).toEqual(['up', 'drained'])
  expect(await client.list()).toHaveLength(1)
  await client.drain('node-1')
  await client.undrain('node-1')
  await client.close()
  await expect(client.list()).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
})

test('what only a local cluster does is refused by name', async () => {
  const client = await connect({ nimbus: [server.address] })
  const running = await client.topology('word-count')
  expect(() => running.tap('split')).toThrow(expect.objectContaining({ code: 'NOT_SUPPORTED' }))
  await expect(running.trace()).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
  await expect(running.readState('count', 'seen', 'a')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
  await expect(client.topology('nothing')).rejects.toMatchObject({ code: 'TOPOLOGY_NOT_FOUND' })
  await expect(connect({ nimbus: ['127.0.0.1:1'], timeout: '300ms' })).rejects.toMatchObject({
    code: 'NIMBUS_UNREACHABLE',
  })
  await expect(connect({ context: 'nowhere' })).rejects.toMatchObject({ code: 'CONTEXT_UNKNOWN' })
})

test('on a production context a kill names the topology', async () => {
  const client = new NimbusClient({ host, seeds: [server.address] })
  const spec = { nimbus: client, host, name: 'word-count', id: 'x', isProduction: true }
  const running = new ClusterTopology(spec)
  await expect(running.kill()).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED' })
  expect(nimbus.asked).toEqual([])
  await running.kill({ confirm: 'word-count' })
  expect(named()).toEqual(['kill'])
})

test('contexts are read, written, and refused with the place', () => {
  const text = contextsText({
    default: 'prod',
    contexts: { prod: { nimbus: ['a', 'b:1'], production: true, tokenFile: '~/t', tls: { ca: 'ca.pem' } } },
  })
  const { contexts, default: chosen } = parseContexts(text, 'config.yaml')
  expect(chosen).toBe('prod')
  expect(targetOf('prod', contexts)).toEqual({
    context: 'prod',
    seeds: ['a:6627', 'b:1'],
    isProduction: true,
    tokenFile: '~/t',
    tls: { ca: 'ca.pem' },
  })
  expect(() => targetOf('prd', contexts)).toThrow(/did you mean 'prod'\?/)
  expect(() => targetOf('constructor', contexts)).toThrow(
    expect.objectContaining({ code: 'CONTEXT_UNKNOWN' }),
  )
  expect(() => parseContexts('contexts: {a: {nimbus: 5}}', 'c.yaml')).toThrow(/c\.yaml: contexts\.a\.nimbus/)
  expect(() => parseContexts('a: [', 'c.yaml')).toThrow(/c\.yaml is no YAML/)
})
