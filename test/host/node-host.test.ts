// The real host on this machine: loopback, a temporary directory, real time.
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { crc32 as zlibCrc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { crc32 } from '../../src/host/crc32.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { parseAddress } from '../../src/host/node-net.ts'
import { createNodeRandom } from '../../src/host/node-random.ts'
import { onEndRequested } from '../../src/host/node-signals.ts'
import { type HostUnderTest, hostContract } from '../contract/host.contract.ts'

async function freshAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : ''
}

hostContract('node host', async (): Promise<HostUnderTest> => {
  const temporary: string[] = []
  const plain = createNodeHost()
  const files = {
    ...plain.files,
    async makeTemporaryDirectory(prefix: string) {
      const path = await plain.files.makeTemporaryDirectory(prefix)
      temporary.push(path)
      return path
    },
  }
  return {
    host: { ...plain, files },
    freshAddress,
    within: (body) => body(),
    dispose: async () => {
      for (const path of temporary) await plain.files.remove(path)
    },
  }
})

test('addresses name a machine or mean loopback', () => {
  expect(parseAddress('node-3:6700')).toEqual({ host: 'node-3', port: 6700 })
  expect(parseAddress(':80')).toEqual({ host: '127.0.0.1', port: 80 })
  expect(parseAddress('[::1]:443')).toEqual({ host: '::1', port: 443 })
  for (const bad of ['', 'a', 'a:', 'a:70000', 'a:b', '::1:80', 'a:-1']) {
    expect(() => parseAddress(bad)).toThrow('is not host:port')
  }
})

test('a wrong address is a failed dial like any other', async () => {
  const host = createNodeHost()
  const why = await new Promise<unknown>((resolve) => {
    host.net.connect('nowhere', () => undefined).onClose = resolve
  })
  expect(why).toMatchObject({ code: 'CONNECT_FAILED', details: { address: 'nowhere', reason: 'EINVAL' } })
  await expect(host.net.listen('nowhere', () => undefined)).rejects.toMatchObject({ family: 'usage' })
})

test('the key stream goes on over its blocks, whatever the size of the pieces', () => {
  const key = new Uint8Array(16).fill(7)
  const whole = new Int32Array(50_000)
  createNodeRandom(key).fill(whole)
  const pieces: number[] = []
  const random = createNodeRandom(key)
  const sizes = new SeededRandom(1)
  while (pieces.length < whole.length) {
    const piece = new Int32Array(Math.min(whole.length - pieces.length, 1 + sizes.below(500)))
    random.fill(piece)
    pieces.push(...piece)
  }
  expect(Int32Array.from(pieces)).toEqual(whole)
  expect(createNodeHost().random.next()).not.toBe(createNodeHost().random.next())
})

test('the checksum of simulated hosts is that of zlib', () => {
  const random = new SeededRandom(9)
  for (let round = 0; round < 50; round += 1) {
    const bytes = Uint8Array.from({ length: random.below(2_000) }, () => random.below(256))
    expect(crc32(bytes)).toBe(zlibCrc32(bytes))
  }
})

test('a period that Node cannot keep is refused, a delay is waited for in parts', () => {
  const { timers } = createNodeHost()
  expect(() => timers.every(2 ** 31, () => undefined)).toThrow('period')
  expect(() => timers.every(0, () => undefined)).toThrow('period')
  expect(() => timers.after(Number.NaN, () => undefined)).toThrow('finite')
  let fired = false
  const timer = timers.after(2 ** 33, () => {
    fired = true
  })
  timer.stop()
  expect(fired).toBe(false)
})

test('the first signal asks for an orderly end, the next ones are impatient', () => {
  const heard: string[] = []
  const watch = onEndRequested(
    () => heard.push('first'),
    () => heard.push('again'),
  )
  process.emit('SIGTERM')
  process.emit('SIGINT')
  process.emit('SIGTERM')
  watch.stop()
  expect(heard).toEqual(['first', 'again', 'again'])
  expect(process.listenerCount('SIGTERM')).toBe(0)
})

/** For programs that run in a process of their own. */
const hostModule = JSON.stringify(new URL('../../src/host/node-host.ts', import.meta.url).href)

test('every line for the user is written, also in the turn in which the process ends', async () => {
  const program = `
    import { createNodeHost } from ${hostModule}
    const host = createNodeHost()
    host.print('first')
    setTimeout(() => {
      for (let i = 0; i < 5_000; i += 1) host.print('line ' + i)
      process.exit(0)
    }, 20)`
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program])
  const wanted = ['first', ...Array.from({ length: 5_000 }, (_, i) => `line ${i}`), '']
  expect(stdout.split('\n')).toEqual(wanted)
})

test('a stopped timer and an open watch do not keep a process alive', async () => {
  const program = `
    import { createNodeHost } from ${hostModule}
    const host = createNodeHost()
    host.timers.after(60_000, () => undefined).stop()
    host.timers.every(60_000, () => undefined).stop()
    host.files.watch('.', () => undefined)
    host.timers.after(30, () => host.print('over'))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  expect(stdout).toBe('over\n')
})
