// Real processes under a real supervisor's parts: launched with a clean environment, brought together with
// their seat over a loopback port, adopted by another launcher, killed. The program is a small one of a few
// lines.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { SEAT_PROTOCOL } from '../../src/cluster/seat-messages.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { nodeProcesses } from '../../src/host/node-processes.ts'
import type { LaunchedEnd, LaunchedWorker } from '../../src/supervisor/launcher.ts'
import { MachineLauncher } from '../../src/supervisor/machine-launcher.ts'
import { SeatDesk } from '../../src/supervisor/seat/seat-desk.ts'
import { SparePool } from '../../src/supervisor/seat/spare-pool.ts'

const host: Host = createNodeHost()
let directory = ''
const launched = new Set<LaunchedWorker>()

const PROGRAM = `
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
const { address } = JSON.parse(readFileSync(process.env.TYPHOON_SEAT_CONTROL, 'utf8'))
const [, port] = address.split(':')
const bornAt = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[19]
const socket = connect(Number(port), '127.0.0.1', () => {
  const secret = process.env.TYPHOON_SEAT_SECRET
  const text = JSON.stringify({ kind: 'hello', protocol: ${SEAT_PROTOCOL}, secret, pid: process.pid, bornAt })
  const frame = Buffer.alloc(4 + Buffer.byteLength(text))
  frame.writeUInt32BE(Buffer.byteLength(text))
  frame.write(text, 4)
  socket.write(frame)
})
socket.on('data', (bytes) => console.log('heard ' + bytes.subarray(4).toString()))
socket.on('close', () => process.exit(0))
console.log(JSON.stringify({ environment: Object.keys(process.env).sort(), options: process.execArgv }))
`

beforeAll(async () => {
  directory = await host.files.makeTemporaryDirectory('machine-launcher-')
  await write('program.mjs', PROGRAM)
})

afterAll(async () => {
  for (const worker of launched) worker.kill('SIGKILL')
  await host.files.remove(directory)
})

const path = (...parts: readonly string[]) => host.files.resolve(directory, ...parts)

async function write(name: string, text: string): Promise<void> {
  const file = await host.files.open(path(name), 'create')
  await file.write(new TextEncoder().encode(text), 0)
  await file.close()
}

async function textOf(name: string): Promise<string> {
  const file = await host.files.open(path(name), 'read')
  const bytes = new Uint8Array(100_000)
  const count = await file.read(bytes, 0)
  await file.close()
  return new TextDecoder().decode(bytes.subarray(0, count))
}

/** Looks again until it is so; the test's own limit ends it. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => void host.timers.after(5, resolve))
}

function makeLauncher(): MachineLauncher {
  return new MachineLauncher({
    processes: nodeProcesses,
    timers: host.timers,
    log: silentLogger,
    modulePath: path('program.mjs'),
    environment: { PATH: '/usr/bin:/bin' },
  })
}

describe('real processes', () => {
  test('a spare says hello, gets a seat, prints into the slot, and its end is seen', async () => {
    const controlPath = path('control.json')
    const desk = new SeatDesk({ host, log: silentLogger, listenHost: '127.0.0.1', controlPath })
    await desk.open()
    const profile = {
      heapBytes: 64 * 2 ** 20,
      nodeOptions: ['--stack-trace-limit=7'],
      environment: { MODE: 'x' },
    }
    const pool = new SparePool({
      host,
      log: silentLogger,
      desk,
      launcher: makeLauncher(),
      count: 1,
      controlPath,
      directory: path('spares'),
      isShortOfMemory: () => false,
      usual: profile,
    })
    pool.want([])
    const owner = { onChange: () => undefined, onMessage: () => undefined, judge: () => 'adopt' as const }
    let seat = pool.take(profile, owner)
    await until(() => {
      seat ??= pool.take(profile, owner)
      return seat !== undefined
    })
    expect(pool.take({ ...profile, heapBytes: 1 }, owner)).toBeUndefined()
    await host.files.rename(seat?.outputPath ?? '', path('output.log'))
    seat?.send({ kind: 'run', run: 'active' })
    await until(async () => (await textOf('output.log')).includes('heard {"kind":"run","run":"active"}'))
    const [first = ''] = (await textOf('output.log')).split('\n')
    expect(JSON.parse(first)).toEqual({
      environment: ['MODE', 'PATH', 'TYPHOON_SEAT_CONTROL', 'TYPHOON_SEAT_SECRET'],
      options: ['--max-old-space-size=64', '--stack-trace-limit=7'],
    })
    seat?.kill('SIGKILL')
    await until(() => seat?.end !== undefined)
    expect(seat?.end).toEqual({ code: undefined, signal: 'SIGKILL' })
    pool.stop()
    desk.close()
  })

  test('a process outlives who launched it, is adopted by its birth, and its end is noticed', async () => {
    await write('wait.mjs', 'setInterval(() => {}, 1000)')
    const spec = { processes: nodeProcesses, timers: host.timers, log: silentLogger, environment: {} }
    const first = new MachineLauncher({ ...spec, modulePath: path('wait.mjs') })
    const worker = await first.launch({
      heapBytes: 64 * 2 ** 20,
      nodeOptions: [],
      environment: {},
      secret: 's',
      controlPath: path('control.json'),
      directory,
      outputPath: path('wait.log'),
    })
    launched.add(worker)
    const second = new MachineLauncher({ ...spec, modulePath: path('wait.mjs') })
    expect(await second.adopt(worker.pid, `${Number(worker.bornAt) + 1}`)).toBeUndefined()
    const adopted = await second.adopt(worker.pid, worker.bornAt)
    const end = new Promise<LaunchedEnd | undefined>((resolve) => adopted?.onExit(resolve))
    adopted?.kill('SIGKILL')
    expect(await end).toEqual({ code: undefined, signal: undefined })
    expect(await second.adopt(worker.pid, worker.bornAt)).toBeUndefined()
  })
})
