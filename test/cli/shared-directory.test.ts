// Goal: no cluster in memory ever takes the blobs of a Nimbus whose board lasts. Method: daemons of both
// kinds in this process, over one directory and over real ports; the lasting board is one in memory that
// nobody calls so.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { memoryBoards } from '../../src/cli/daemons/coordination.ts'
import { startDevCluster } from '../../src/cli/daemons/dev-cluster-daemon.ts'
import { type Daemon, startNimbus } from '../../src/cli/daemons/nimbus-daemon.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { freePorts } from '../servers/free-ports.ts'

const host = createNodeHost()
const started: Daemon[] = []
let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'typhoon-shared-'))
})
afterEach(async () => {
  for (const daemon of started.splice(0).reverse()) await daemon.stop()
  await rm(directory, { recursive: true })
})

const specOf = (port: number) => {
  const config = { 'nimbus.port': port }
  return {
    host,
    config,
    protection: { tls: undefined, tokens: undefined, ownToken: undefined },
    makeBoard: memoryBoards(host, config),
    directory,
    version: '0',
    log: silentLogger,
  }
}
const lasting = async (port: number) => {
  const nimbus = await startNimbus(specOf(port))
  started.push(nimbus)
  return nimbus
}
const inMemory = async (port: number) => {
  const own = { isBoardInMemory: true, supervisorCount: 0, slotCount: 1, environment: {} }
  const cluster = await startDevCluster({ ...specOf(port), ...own })
  started.push(cluster)
  return cluster
}
const mark = () => existsSync(join(directory, 'nimbus', 'in-memory'))
const blobs = () => readdir(join(directory, 'nimbus', 'blobs'))
const writeBlob = async () => {
  await mkdir(join(directory, 'nimbus', 'blobs'), { recursive: true })
  await writeFile(join(directory, 'nimbus', 'blobs', 'bundle'), 'x')
}

test('a cluster in memory is refused beside a Nimbus whose board lasts, and touches nothing', async () => {
  const [first = 0, second = 0] = await freePorts(2)
  const nimbus = await lasting(first)
  await expect(inMemory(first)).rejects.toThrow()
  await writeBlob()
  await expect(inMemory(first)).rejects.toThrow()
  expect(await blobs()).toEqual(['bundle'])
  expect(mark()).toBe(false)
  const message = expect.stringMatching(/ is in use by a nimbus, process \d+$/)
  await expect(inMemory(second)).rejects.toMatchObject({ code: 'DIRECTORY_IN_USE', message })
  expect(await blobs()).toEqual(['bundle'])
  started.splice(0)
  await nimbus.stop()
  await inMemory(second)
  expect(await blobs()).toEqual(['bundle'])
  expect(mark()).toBe(false)
})

test('a Nimbus whose board lasts is refused beside a cluster in memory', async () => {
  const [first = 0, second = 0] = await freePorts(2)
  const cluster = await inMemory(first)
  expect(mark()).toBe(true)
  await expect(lasting(second)).rejects.toMatchObject({ code: 'DIRECTORY_IN_USE' })
  expect(mark()).toBe(true)
  started.splice(0)
  await cluster.stop()
  await lasting(second)
  expect(mark()).toBe(false)
})

test('two Nimbuses of one board that lasts may share a directory', async () => {
  for (const port of await freePorts(2)) await lasting(port)
  expect(started).toHaveLength(2)
})

test('a cluster in memory that does not start leaves no mark, and nobody has the directory', async () => {
  const [port = 0] = await freePorts(1)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
  await expect(inMemory(port)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  expect(mark()).toBe(false)
  await new Promise((resolve) => other.close(resolve))
  await lasting(port)
})
