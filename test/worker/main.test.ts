/** Real worker processes over real sockets: the few things that only they can show. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exitReasonOf } from '../../src/cluster/exit-codes.ts'
import { layoutDigest } from '../../src/cluster/layout.ts'
import { MessageChannel } from '../../src/cluster/message-channel.ts'
import { SeatVariable } from '../../src/cluster/seat-environment.ts'
import type { SeatAssign, ToSupervisor, ToWorker } from '../../src/cluster/seat-messages.ts'
import type { Stoppable } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { expandParallelism } from '../../src/topology/expand.ts'
import { freePorts } from '../servers/free-ports.ts'

const mainPath = fileURLToPath(new URL('../../src/worker/main.ts', import.meta.url))
const host = createNodeHost()

/** A line of words every millisecond; `word` does as the fault asks. */
const bundle = (fault: string) => `
import { defineTopology, fields, spoutFrom, bolt, TopologyBuilder } from 'typhoon'
const line = fields({ text: 'string' })
const word = fields({ word: 'string' })
async function* lines() {
  for (let n = 0; ; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    yield { text: 'the whale the sea ' + n }
  }
}
let seen = 0
export default defineTopology({
  name: 'words',
  build(builder) {
    if (!(builder instanceof TopologyBuilder)) throw new Error('two copies of the package')
    const source = builder.setSpout('lines', spoutFrom(line, lines))
    const split = bolt({
      input: line, output: word,
      execute(tuple, out) { for (const each of tuple.values.text.split(' ')) out.emit({ word: each }) },
    })
    const count = bolt({
      input: word,
      execute() { seen += 1; if (seen === 200) { ${fault} } },
    })
    const splitOf = builder.setBolt('split', split).shuffleGrouping(source)
    builder.setBolt('count', count).fieldsGrouping(splitOf, 'word')
  },
})
`

const layout = layoutDigest(
  expandParallelism(['__acker', 'count', 'lines', 'split'].map((id) => [id, { executors: 1, tasks: 1 }])),
)

let directory = ''
/** Where the worker shall listen. */
let ownPort = 0
let listening: Stoppable | undefined
let children: ChildProcess[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'typhoon-test-worker-'))
})

afterEach(() => {
  listening?.stop()
  for (const child of children) child.kill('SIGKILL')
  children = []
  rmSync(directory, { recursive: true, force: true })
})

class Launched {
  readonly heard: ToSupervisor[] = []
  readonly child: ChildProcess
  channel: MessageChannel<ToSupervisor, ToWorker> | undefined = undefined
  grantsLeases = true
  output = ''
  private readonly looks = new Set<() => void>()
  readonly exit: Promise<{ code: number | undefined; signal: string | undefined }>

  constructor(child: ChildProcess) {
    this.child = child
    children.push(child)
    child.stderr?.on('data', (text) => {
      this.output += text
    })
    this.exit = new Promise((resolve) => {
      child.on('close', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }))
    })
  }

  onMessage(message: ToSupervisor): void {
    this.heard.push(message)
    if (message.kind === 'heartbeat' && this.grantsLeases) this.channel?.send({ kind: 'lease' })
    for (const look of [...this.looks]) look()
  }

  /** Resolves when such a message has come; rejects if the process ends without. */
  heardOf(isIt: (message: ToSupervisor) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!this.heard.some(isIt)) return
        this.looks.delete(look)
        resolve()
      }
      this.looks.add(look)
      look()
      this.exit.then((end) => reject(new Error(`it ended: ${JSON.stringify(end)} ${this.output}`)), reject)
    })
  }
}

async function launch(nodeOptions: readonly string[] = []): Promise<Launched> {
  const [port = 0, own = 0] = await freePorts(2)
  ownPort = own
  const control = join(directory, 'control.json')
  const child = spawn(process.execPath, [...nodeOptions, mainPath], {
    cwd: directory,
    env: { [SeatVariable.CONTROL_PATH]: control, [SeatVariable.SECRET]: 'hush', HOME: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const launched = new Launched(child)
  listening = await host.net.listen(`127.0.0.1:${port}`, (connection) => {
    launched.channel = new MessageChannel<ToSupervisor, ToWorker>({
      connection,
      onMessage: (message) => launched.onMessage(message),
      onClose: () => undefined,
    })
  })
  // Late, and whole: it is dialled until it is there.
  writeFileSync(control, JSON.stringify({ address: `127.0.0.1:${port}` }))
  await launched.heardOf(({ kind }) => kind === 'hello')
  return launched
}

function assign(fault: string, over: Partial<SeatAssign> = {}): SeatAssign {
  const bundlePath = join(directory, 'bundle')
  writeFileSync(bundlePath, bundle(fault))
  return {
    kind: 'assign',
    topologyId: 'words-1',
    topologyName: 'words',
    worker: 1,
    port: 0,
    incarnation: 16_384,
    layout: 1,
    layoutDigest: layout,
    node: 'n',
    bundlePath,
    args: null,
    config: {},
    parallelism: {},
    workers: undefined,
    placement: [1, 1, 1, 1],
    listen: `127.0.0.1:${ownPort}`,
    peers: [],
    token: 'token',
    run: 'active',
    positions: {},
    stateFiles: [],
    directory: join(directory, 'seat'),
    heartbeatMs: 100,
    leaseMs: 10_000,
    ...over,
  }
}

const isStarted = ({ kind }: ToSupervisor) => kind === 'started'
const hasWorked = (message: ToSupervisor) =>
  message.kind === 'heartbeat' && message.beat.components.some((each) => each.executedCount > 300)

test('a spare becomes a worker, works, and ends in good order at SIGTERM', async () => {
  const launched = await launch()
  expect(launched.heard[0]).toMatchObject({ kind: 'hello', secret: 'hush', pid: launched.child.pid })
  launched.channel?.send(assign(''))
  await launched.heardOf(hasWorked)
  const beat = launched.heard.findLast(({ kind }) => kind === 'heartbeat')
  expect(beat).toMatchObject({ beat: { run: 'active', isFinished: false } })
  if (beat?.kind === 'heartbeat') {
    expect(beat.beat.rssBytes).toBeGreaterThan(20e6)
    expect(beat.beat.heapLimitBytes).toBeGreaterThan(beat.beat.heapUsedBytes)
    expect(beat.beat.cpuMs).toBeGreaterThan(0)
  }
  launched.child.kill('SIGTERM')
  expect(await launched.exit).toEqual({ code: 0, signal: undefined })
  expect(launched.heard.at(-1)).toMatchObject({ kind: 'exiting', reason: 'shutdown' })
  const log = readFileSync(join(directory, 'seat', 'worker.log'), 'utf8')
    .trim()
    .split('\n')
  expect(JSON.parse(log.at(-1) ?? '')).toMatchObject({ level: 'info', msg: 'the worker process ends' })
  expect(log.join()).not.toContain('hush')
})

test('a promise of user code that nobody caught is told, and the worker goes on', async () => {
  const launched = await launch()
  launched.channel?.send(assign(`void Promise.reject(new Error('nobody waits for me'))`))
  await launched.heardOf((each) => each.kind === 'fault' && each.fault.message === 'nobody waits for me')
  const beats = launched.heard.filter(({ kind }) => kind === 'heartbeat').length
  await launched.heardOf(() => launched.heard.filter(({ kind }) => kind === 'heartbeat').length > beats + 3)
  expect(launched.child.exitCode).toBeNull()
})

test('what user code throws where nobody catches it is told, and a new process is asked for', async () => {
  const launched = await launch()
  launched.channel?.send(assign(`setTimeout(() => { throw new Error('out of the blue') }, 1)`))
  const exit = await launched.exit
  expect(exitReasonOf(exit)).toBe('restart-wanted')
  const fault = launched.heard.find(({ kind }) => kind === 'fault')
  expect(fault).toMatchObject({ fault: { message: 'out of the blue' } })
})

test('a heap that is full ends the process so that it can be told', async () => {
  const launched = await launch(['--max-old-space-size=48'])
  launched.channel?.send(assign('const all = []; for (;;) all.push(new Array(1000).fill(all.length))'))
  expect(exitReasonOf(await launched.exit, launched.output)).toBe('out-of-memory')
})

test('a loop that is blocked is silent, and ends by its lease when it goes on', async () => {
  const launched = await launch()
  launched.channel?.send(
    assign('const until = Date.now() + 2_000; while (Date.now() < until);', { leaseMs: 1_000 }),
  )
  expect(exitReasonOf(await launched.exit)).toBe('lease')
})

test('without its environment it says what is wrong and ends', async () => {
  const child = spawn(process.execPath, [mainPath], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] })
  const launched = new Launched(child)
  expect(await launched.exit).toEqual({ code: 2, signal: undefined })
  expect(launched.output).toContain('started by its supervisor')
  expect(existsSync(join(directory, 'seat'))).toBe(false)
})

test('the time from ASSIGN to STARTED is told', async () => {
  const launched = await launch()
  const fromMs = performance.now()
  launched.channel?.send(assign(''))
  await launched.heardOf(isStarted)
  process.stdout.write(`assign to started: ${Math.round(performance.now() - fromMs)} ms\n`)
})
