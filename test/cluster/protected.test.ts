// A cluster that others could reach: every listener on 0.0.0.0, so with keys, certificates and tokens. All
// that talks to each other does so over TLS here: client, Nimbus, supervisors, workers.
//
// Goal: what runs on loopback runs so as well, also after a worker was killed; and who has no token, or does
// not speak TLS, learns nothing. No other machine is asked for anything.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { numberOf, wordsOf } from '../chaos/workload.ts'
import { buildOnce, type Ended, type Running, Sandbox } from '../cli/sandbox.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { freePorts } from '../servers/free-ports.ts'

const TOPOLOGY = fileURLToPath(new URL('../chaos/topology.ts', import.meta.url))
const LIMIT_MS = 120_000
const LINES = Array.from({ length: 50 }, (_, line) => ['call', 'me', `ish${'m'.repeat(line)}ael`].join(' '))
const LINE_COUNT = 2_000
const WORDS = new Set(
  Array.from({ length: LINE_COUNT }, (_, line) =>
    wordsOf(LINES[line % LINES.length] ?? '').map((_word, place) => numberOf(line, place)),
  ).flat(),
)

const sandbox = new Sandbox()
let port = 0
let cluster: Running
let ca = ''

beforeAll(async () => {
  buildOnce()
  const keys = makeCertificates(join(sandbox.directory, 'keys'))
  ca = keys.ca
  sandbox.write('alice.token', 'alice-may-submit')
  sandbox.write('eve.token', 'eve-may-not')
  sandbox.write('own.token', 'one-of-the-daemons')
  const digest = (token: string) => createHash('sha256').update(token).digest('hex')
  const tokens = [`alice:admin:${digest('alice-may-submit')}`, `node:daemon:${digest('one-of-the-daemons')}`]
  sandbox.write('tokens', `${tokens.join('\n')}\n`)
  const [first = 0, ...slots] = await freePorts(5)
  port = first
  const settings = {
    'bind.address': '0.0.0.0',
    'storm.local.hostname': 'localhost',
    'nimbus.port': port,
    'supervisor.slots.ports': slots.slice(0, 1),
    'security.tls.cert.file': keys.serverCertificate,
    'security.tls.key.file': keys.serverKey,
    'security.tls.ca.file': ca,
    'security.tokens.file': 'tokens',
    'security.token.file': 'own.token',
  }
  const sets = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${JSON.stringify(value)}`])
  cluster = sandbox.start(['dev-cluster', '--supervisors', '2', '--workers', '2', ...sets])
  await cluster.says('a cluster is up')
  const nimbus = `localhost:${port}`
  for (const name of ['alice', 'eve', 'nobody']) {
    const token = name === 'nobody' ? [] : ['--token-file', join(sandbox.directory, `${name}.token`)]
    const made = await user('context', 'set', name, '--nimbus', nimbus, '--tls-ca', ca, ...token)
    expect(made).toMatchObject({ code: 0 })
  }
}, LIMIT_MS)

afterAll(async () => {
  cluster?.signal('SIGTERM')
  await cluster?.ended
  sandbox.remove()
})

function user(...args: readonly string[]): Promise<Ended> {
  return sandbox.start(args, { XDG_CONFIG_HOME: join(sandbox.directory, 'home') }).ended
}

const alice = (...args: readonly string[]) => user(args[0] ?? '', '--context', 'alice', ...args.slice(1))

interface WorkerRow {
  readonly worker: number
  readonly pid?: number
  readonly phase: string
  readonly incarnation: number
}

async function workers(): Promise<readonly WorkerRow[]> {
  const { code, stdout, stderr } = await alice('describe', 'words', '--json')
  expect(`${code} ${stderr}`).toBe('0 ')
  return JSON.parse(stdout).workers
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const untilMs = Date.now() + 60_000; Date.now() < untilMs; await passed(100)) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error(`${what} did not come`)
}

test(
  'a topology over two nodes loses nothing when a worker is killed, and goes when it is killed',
  async () => {
    const directory = join(sandbox.directory, 'seen')
    mkdirSync(directory)
    const text = sandbox.write('text', LINES.join('\n'))
    const args = { text, directory, startMs: Date.now(), linesPerSecond: 200, lines: LINE_COUNT }
    const words = Object.entries(args).flatMap(([key, value]) => [`--${key}`, String(value)])
    const submitted = await alice('submit', TOPOLOGY, '--name', 'words', '--wait', '-y', '--', ...words)
    expect(submitted).toMatchObject({ code: 0 })
    const before = await workers()
    expect(before.map(({ phase }) => phase)).toEqual(['running', 'running', 'running'])
    const pids = before.flatMap(({ pid }) => pid ?? [])
    expect(new Set(pids).size).toBe(3)
    process.kill(pids[1] ?? 0, 'SIGKILL')
    const after = await until('another worker', async () => {
      const rows = await workers()
      const isBack = rows.every(({ phase }) => phase === 'running') && rows[1]?.pid !== pids[1]
      return isBack ? rows : undefined
    })
    expect(after.map(({ pid }) => pid).filter((pid) => pids.includes(pid ?? 0))).toEqual([pids[0], pids[2]])
    const seen = () => {
      const files = readdirSync(directory).filter((name) => name.startsWith('seen-'))
      const lines = files.flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
      return new Set(lines.filter((line) => line !== '').map((line) => Number(line.split(' ')[0])))
    }
    await until('every word', async () => (seen().size >= WORDS.size ? true : undefined))
    expect(seen()).toEqual(WORDS)
    expect(await alice('kill', 'words', '-y', '-w', '5s')).toMatchObject({ code: 0 })
    await until('an empty list', async () => {
      const { topologies } = JSON.parse((await alice('list', '--json')).stdout)
      return topologies.length === 0 ? true : undefined
    })
  },
  LIMIT_MS,
)

test(
  'who has no token, a wrong one, or speaks no TLS, learns nothing',
  async () => {
    for (const name of ['eve', 'nobody'])
      expect(await user('list', '--context', name)).toMatchObject({ code: 4, stdout: '' })
    const plain = await new Promise<string>((resolve) => {
      const asked = request({ host: 'localhost', port, path: '/api/v2/topologies' }, (reply) => {
        resolve(`status ${reply.statusCode}`)
        reply.resume()
      })
      asked.on('error', () => resolve('no answer')).end()
      // It waits for a handshake that does not come.
      asked.setTimeout(2_000, () => asked.destroy(new Error('too late')))
    })
    expect(plain).toBe('no answer')
  },
  LIMIT_MS,
)
