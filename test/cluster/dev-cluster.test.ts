// `typhoon dev-cluster` as a user starts it: the built command, coordination in memory, a worker process.
//
// Goal: a topology runs on it, a killed worker comes back, a second one says which port is taken, and when it
// ends nothing is left.
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryKill } from '../chaos/daemon.ts'
import { buildOnce, type Running, Sandbox } from '../cli/sandbox.ts'
import { until } from '../interop/zookeeper-world.ts'
import { freePorts } from '../servers/free-ports.ts'

const topology = `
import { defineTopology, fields } from 'typhoon'
import { textFileSink, textLines } from 'typhoon/files'

export default defineTopology({
  name: 'copy',
  build(builder) {
    const lines = builder.setSpout('lines', textLines(process.env.HOME + '/in.txt', { follow: true }))
    const sink = textFileSink(process.env.HOME + '/out.txt')
    builder.setBolt('copies', sink).globalGrouping(lines)
  },
})
`

const sandbox = new Sandbox()
let cluster: Running
let settings: readonly string[] = []
let address = ''

beforeAll(async () => {
  buildOnce()
  const [port, slot] = await freePorts(2)
  address = `127.0.0.1:${port}`
  settings = ['-c', `nimbus.port=${port}`, '-c', `supervisor.slots.ports=[${slot}]`, '--workers', '1']
  cluster = sandbox.start(['dev-cluster', ...settings])
  await cluster.says('a cluster is up at')
})
afterAll(async () => {
  cluster.signal('SIGTERM')
  await cluster.ended
  for (const pid of workers()) tryKill(pid, 'SIGKILL')
  sandbox.remove()
})

const asked = (...words: string[]) => sandbox.typhoon(...words, '--nimbus', address)

/** Worker processes of this cluster, spares too. */
function workers(): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const own = readFileSync(`/proc/${name}/environ`, 'utf8').includes(
        `=${sandbox.directory}/typhoon-local`,
      )
      return own ? [Number(name)] : []
    } catch {
      return []
    }
  })
}

const copied = (): readonly string[] => {
  const path = join(sandbox.directory, 'out.txt')
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
}

test('a topology runs, its worker is killed and comes back, nothing is lost', async () => {
  const place = JSON.stringify(sandbox.directory)
  sandbox.write('copy.ts', topology.replaceAll('process.env.HOME', place))
  sandbox.write('in.txt', 'one\ntwo\n')
  expect(await asked('submit', 'copy.ts', '--wait')).toMatchObject({ code: 0 })
  const described: unknown = JSON.parse((await asked('describe', 'copy', '-o', 'json')).stdout)
  const { workers: found } = described as { readonly workers: readonly { readonly pid: number }[] }
  expect(found).toHaveLength(1)
  tryKill(found[0]?.pid ?? 0, 'SIGKILL')
  appendFileSync(join(sandbox.directory, 'in.txt'), 'three\n')
  await until('the third line is copied', () => copied().includes('three'))
  expect(new Set(copied())).toEqual(new Set(['one', 'two', 'three']))
  expect((await asked('events')).stdout).toContain('worker-exited')
})

test('it says that there is no ZooKeeper', async () => {
  const { code, stdout } = await asked('cluster', 'status')
  expect([code, stdout]).toEqual([0, expect.stringContaining('ZooKeeper   none, records are in memory')])
})

test('a second one in the same directory says who has it', async () => {
  const { code, stderr, stdout } = await sandbox.typhoon('dev-cluster', ...settings)
  expect(code).toBe(5)
  expect(`${stdout}${stderr}`).toMatch(/DIRECTORY_IN_USE[^\n]*process \d+[\s\S]*fix {3}\S/)
})

test('a second one on the same ports says which, and what to do', async () => {
  const elsewhere = ['-c', 'storm.local.dir=other']
  const { code, stderr, stdout } = await sandbox.typhoon('dev-cluster', ...settings, ...elsewhere)
  expect(code).not.toBe(0)
  expect(`${stdout}${stderr}`).toMatch(/PORT_IN_USE[^\n]*:\d+[\s\S]*fix {3}\S/)
})

test('when it ends, nothing is left', async () => {
  expect(await asked('kill', 'copy')).toMatchObject({ code: 0 })
  cluster.signal('SIGTERM')
  expect((await cluster.ended).code).toBe(0)
  await until('no worker process is left', () => workers().length === 0)
})

test('the next one clears what this one had, and nothing else', async () => {
  const place = join(sandbox.directory, 'typhoon-local')
  const blobs = () =>
    ['nimbus', 'node-1'].flatMap((name) =>
      existsSync(join(place, name, 'blobs'))
        ? readdirSync(join(place, name, 'blobs'), { recursive: true, encoding: 'utf8' })
        : [],
    )
  expect(blobs().filter((name) => /[0-9a-f]{64}/.test(String(name)))).not.toEqual([])
  sandbox.write('typhoon-local/nimbus/nimbus.positions-0', 'of a topology called nimbus')
  sandbox.write('typhoon-local/copy/copy.positions-0', 'of a run')
  cluster = sandbox.start(['dev-cluster', ...settings])
  await cluster.says('a cluster is up at')
  expect(blobs().filter((name) => /[0-9a-f]{64}/.test(String(name)))).toEqual([])
  expect(existsSync(join(place, 'nimbus/nimbus.positions-0'))).toBe(true)
  expect(existsSync(join(place, 'copy/copy.positions-0'))).toBe(true)
})
