// Goal: what holds for links over the net in memory holds over real sockets, through resets, black holes,
// damage, slow lines and slow readers. Method: offices of several workers on loopback, a proxy that breaks
// what passes; buffers that went back are overwritten, so whoever reads late is found out.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { poisonReadBuffers } from '../../../src/host/node-read-buffers.ts'
import { FaultProxy } from '../../servers/fault-proxy.ts'
import { expected, type OfficeOptions, type TestWorker } from '../office-world.ts'
import { drainSoon, freshAddresses, until, Workers } from './real-offices.ts'

let workers = new Workers()

beforeAll(() => poisonReadBuffers(true))
afterAll(() => poisonReadBuffers(false))
beforeEach(() => {
  workers = new Workers()
})
afterEach(async () => await workers.close())

/** Worker 1 reaches worker 2 through a proxy; 2 reaches 1 directly. */
async function throughProxy(right: OfficeOptions = {}) {
  const [one = '', two = ''] = await freshAddresses(2)
  const proxy = await FaultProxy.start(two)
  workers.atEnd(() => proxy.stop())
  const peers = [
    { worker: 1, address: one },
    { worker: 2, address: proxy.address },
  ]
  const a = await workers.start(1, { peers })
  const b = await workers.start(2, { peers, listenAt: two, ...right })
  return { a, b, proxy }
}

function isQuiet(...all: readonly TestWorker[]): () => boolean {
  return () => all.every((each) => each.office.isQuiet)
}

/** Tuples in portions, with the loop's turns between them. */
async function sendMany(a: TestWorker, task: number, count: number, between: (n: number) => void = () => {}) {
  for (let n = 0; n < count; n += 1) {
    a.send(task, n, 'some text')
    if (n % 100 !== 99) continue
    between(n)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('over TCP', () => {
  test('three workers bring each other everything, in order', async () => {
    const addresses = await freshAddresses(3)
    const peers = addresses.map((address, index) => ({ worker: index + 1, address }))
    const all: TestWorker[] = []
    for (const { worker } of peers) all.push(await workers.start(worker, { peers }))
    const count = 5_000
    await Promise.all(
      all.flatMap((from, at) =>
        [101, 201, 301].filter((_, to) => to !== at).map((task) => sendMany(from, task, count)),
      ),
    )
    await until('everything acknowledged', isQuiet(...all))
    for (const [at, worker] of all.entries()) {
      const task = (at + 1) * 100 + 1
      // Two senders, each in its own order.
      expect([...worker.arrived].sort()).toEqual([...expected(task, count), ...expected(task, count)].sort())
      expect(worker.losses).toEqual([])
      expect(worker.errors).toEqual([])
      expect(worker.office.stats().every((each) => each.isSending && each.isReceiving)).toBe(true)
    }
  })

  test('resets in the middle lose nothing and repeat nothing', async () => {
    const { a, b, proxy } = await throughProxy()
    await sendMany(a, 201, 20_000, (n) => {
      if (n % 1_000 === 999) proxy.reset()
    })
    await until('everything acknowledged', isQuiet(a))
    expect(b.arrived).toEqual(expected(201, 20_000))
    expect([a.losses, b.losses, a.errors, b.errors]).toEqual([[], [], [], []])
    expect(proxy.connectionCount).toBeGreaterThan(1)
  })

  test('damage on the line is found, told at both ends, and what follows arrives', async () => {
    const { a, b, proxy } = await throughProxy()
    await sendMany(a, 201, 500)
    await until('all of it there', () => b.arrived.length === 500)
    proxy.flipNext('forward')
    a.send(201, 500, 'broken')
    await until('a loss told at the receiver', () => b.losses.length > 0)
    await until('a loss told at the sender', () => a.losses.length > 0 || a.office.isQuiet)
    a.send(201, 501, 'whole')
    await until('what follows', () => b.arrived.at(-1) === '201:501')
    expect(b.codes).toContain('FRAME_MALFORMED')
    expect(new Set(b.arrived).size).toBe(b.arrived.length)
  })
})

describe('a half-open link', () => {
  for (const direction of ['forward', 'back', 'both'] as const) {
    test(`with ${direction} gone is noticed, and healed without a loss`, async () => {
      const { a, b, proxy } = await throughProxy()
      await sendMany(a, 201, 1_000)
      await until('all of it there', () => b.arrived.length === 1_000)
      proxy.set(direction, { isBlackHole: true })
      await until('the sender gives the connection up', () => a.office.stats()[0]?.isSending === false)
      for (let n = 1_000; n < 1_100; n += 1) a.send(201, n)
      proxy.heal()
      await until('everything acknowledged', isQuiet(a))
      expect(b.arrived).toEqual(expected(201, 1_100))
      expect([a.losses, b.losses]).toEqual([[], []])
    })
  }

  test('is not seen in mere latency', async () => {
    const { a, b, proxy } = await throughProxy()
    proxy.set('both', { latencyMs: 50 })
    await sendMany(a, 201, 3_000)
    await until('everything acknowledged', isQuiet(a))
    expect(b.arrived).toEqual(expected(201, 3_000))
    expect(a.office.stats()[0]?.reconnectCount).toBe(0)
  })
})

describe('a slow reader', () => {
  test('holds back who feeds it, nobody else, and loses nothing', async () => {
    const { a, b } = await throughProxy({ capacity: 16 })
    let sent = 0
    const feeder = {
      onGateOpened(): void {
        while (sent < 20_000) {
          const gate = a.send(201, sent, 'x'.repeat(100))
          sent += 1
          if (gate === undefined) continue
          gate.addWaiter(this)
          return
        }
      },
    }
    feeder.onGateOpened()
    a.send(202, 0)
    await until('another task served', () => b.arrived.includes('202:0'))
    // Its credit, and what one tuple may exceed it by.
    expect(sent).toBeLessThan((256 * 1024) / 100 + 2)
    drainSoon(b, 1)
    await until('the rest', () => sent === 20_000 && a.office.isQuiet)
    expect(b.arrived.filter((each) => each.startsWith('201:'))).toEqual(expected(201, 20_000))
    expect([a.losses, b.losses]).toEqual([[], []])
    expect(a.office.stats()[0]?.reconnectCount).toBe(0)
  })

  test('on a slow line still hears echoes: nothing is given up', async () => {
    const { a, b, proxy } = await throughProxy()
    proxy.set('forward', { bytesPerSecond: 300_000 })
    for (let n = 0; n < 200; n += 1) a.send(201, n, 'x'.repeat(1_000))
    await until('everything acknowledged', isQuiet(a))
    expect(b.arrived).toEqual(expected(201, 200))
    expect(a.office.stats()[0]?.reconnectCount).toBe(0)
  })
})

describe('addresses', () => {
  test('of unix sockets serve as well, and are not taken from one that lives', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'typhoon-links-'))
    workers.atEnd(() => rmSync(folder, { recursive: true }))
    const peers = [1, 2].map((worker) => ({ worker, address: `unix:${join(folder, `w${worker}`)}` }))
    const a = await workers.start(1, { peers })
    const b = await workers.start(2, { peers })
    await sendMany(a, 201, 2_000)
    await until('everything acknowledged', isQuiet(a))
    expect(b.arrived).toEqual(expected(201, 2_000))
    await expect(workers.start(2, { peers })).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  })

  test('of a restarted worker are news: what follows goes there, what was lost is told', async () => {
    const [one = '', two = '', other = ''] = await freshAddresses(3)
    const peers = [
      { worker: 1, address: one },
      { worker: 2, address: two },
    ]
    const a = await workers.start(1, { peers })
    const old = await workers.start(2, { peers })
    await sendMany(a, 201, 100)
    await until('all of it there', () => old.arrived.length === 100)
    old.office.close()
    a.send(201, 100)
    const fresh = await workers.start(2, { peers, listenAt: other, incarnation: 2 })
    a.office.onPeerRestarted(2, 2, other)
    a.send(201, 101)
    await until('what was sent after the news', () => fresh.arrived.includes('201:101'))
    expect(fresh.arrived).toEqual(['201:101'])
    expect(a.losses.map(({ worker, reason }) => [worker, reason])).toEqual([[2, 'worker-lost']])
  })
})
