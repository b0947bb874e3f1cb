// Goal: workers may come to a running topology and leave it, and what is told and believed stays true.
// Method: offices in a virtual world.
import { describe, expect, test } from 'vitest'
import { AckKind } from '../../src/flow/transfer/link.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { expected, TestWorker } from './office-world.ts'

const one = { worker: 1, address: 'w1:1' }
const two = { worker: 2, address: 'w2:1' }

function pair(world = new VirtualWorld({ seed: 1 })) {
  const a = new TestWorker(world, 1, 1, { peers: [one, two] })
  const b = new TestWorker(world, 2, 1, { peers: [one, two] })
  return { world, a, b }
}

async function runFor(world: VirtualWorld, ms: number): Promise<void> {
  await world.run({ untilMs: world.nowMs + ms })
}

describe('a peer that is added', () => {
  test('is linked both ways, and not before', async () => {
    const { world, a, b } = pair()
    const c = new TestWorker(world, 3, 1, { peers: [one, two, { worker: 3, address: 'w3:1' }] })
    c.send(101, 0)
    await runFor(world, 500)
    expect(a.codes).toContain('NOT_ALLOWED')
    expect(a.arrived).toEqual([])
    expect(() => a.linkFor(301)).toThrow(expect.objectContaining({ code: 'TASK_UNKNOWN' }))
    for (const each of [a, b]) each.office.addPeer(3, 'w3:1')
    a.send(301, 0)
    b.send(301, 1)
    await runFor(world, 3_000)
    expect(a.arrived).toEqual(['101:0'])
    expect([...c.arrived].sort()).toEqual(['301:0', '301:1'])
    expect([a.losses, b.losses, c.losses]).toEqual([[], [], []])
  })

  test('twice is news of its address, and nothing else', async () => {
    const { world, a, b } = pair()
    a.send(201, 0)
    await runFor(world, 100)
    a.office.addPeer(2, 'w2:1')
    a.office.addPeer(1, 'w1:1')
    a.send(201, 1)
    await runFor(world, 100)
    expect(b.arrived).toEqual(expected(201, 2))
    expect(a.office.stats().map((each) => [each.worker, each.reconnectCount])).toEqual([[2, 0]])
  })

  test('is told of losses as all others are', async () => {
    const { world, a, b } = pair()
    a.send(201, 0)
    b.send(101, 0)
    await runFor(world, 100)
    const c = new TestWorker(world, 3, 1, { peers: [one, two, { worker: 3, address: 'w3:1' }] })
    for (const each of [a, b]) each.office.addPeer(3, 'w3:1')
    a.office.onPeerRestarted(2, 2)
    await runFor(world, 500)
    expect(c.losses).toMatchObject([{ worker: 2, reason: 'worker-lost' }])
  })
})

test('the end of a worker is told as one, however many tell of it; the next one is another', async () => {
  const world = new VirtualWorld({ seed: 1 })
  const peers = [1, 2, 3, 4, 5].map((worker) => ({ worker, address: `w${worker}:1` }))
  const makeLinked = (worker: number, incarnation: number) => {
    const made = new TestWorker(world, worker, incarnation, { peers })
    for (const peer of peers) if (peer.worker !== worker) made.send(peer.worker * 100 + 1, 0)
    return made
  }
  const others = [1, 3, 4, 5].map((worker) => makeLinked(worker, 1))
  makeLinked(2, 1)
  await runFor(world, 200)
  for (const incarnation of [2, 3]) {
    world.crash('w2')
    makeLinked(2, incarnation)
    await runFor(world, 5_000)
    for (const each of others) {
      const lost = each.losses.filter(({ reason }) => reason === 'worker-lost')
      expect(lost.map(({ worker }) => worker)).toEqual(Array(incarnation - 1).fill(2))
      // What passed the links of others to it may be lost, too: trees fail for that as well.
      expect(each.losses.length).toBeGreaterThan(lost.length)
    }
  }
})

describe('a peer that is removed', () => {
  test('is a loss told here and to all others; what still is sent to it is told again', async () => {
    const { world, a, b } = pair()
    const c = new TestWorker(world, 3, 1, { peers: [one, two, { worker: 3, address: 'w3:1' }] })
    a.office.addPeer(3, 'w3:1')
    a.send(201, 0)
    a.send(301, 0)
    c.send(101, 0)
    await runFor(world, 200)
    a.office.removePeer(2)
    await runFor(world, 200)
    expect(a.losses).toMatchObject([{ worker: 2, reason: 'worker-lost' }])
    expect(c.losses).toMatchObject([{ worker: 2, reason: 'worker-lost' }])
    expect(a.office.stats().map((each) => each.worker)).toEqual([3])
    const gate = a.send(201, 1)
    expect(gate).toBe(undefined)
    await runFor(world, 200)
    expect(a.losses.length).toBe(2)
    expect(a.office.isQuiet).toBe(true)
    expect(b.arrived).toEqual(['201:0'])
  })

  test('lets go who waits for its credit', async () => {
    const { world, a } = pair()
    let isOpen = false
    for (let n = 0; n < 100; n += 1) {
      const gate = a.send(201, n, 'x'.repeat(200))
      if (gate === undefined) continue
      gate.addWaiter({
        onGateOpened: () => {
          isOpen = true
        },
      })
      break
    }
    a.office.removePeer(2)
    expect(isOpen).toBe(true)
    // Nor does credit run out afterwards.
    let closed = 0
    for (let n = 0; n < 1_000; n += 1) if (a.send(201, n, 'x'.repeat(200)) !== undefined) closed += 1
    await runFor(world, 100)
    expect(a.linkFor(201).loadOf(201)).toBe(0)
    expect(closed).toBeLessThan(1_000)
    expect(a.losses.length).toBeGreaterThan(0)
  })

  test('is not believed any more: its dials are refused', async () => {
    const { world, a, b } = pair()
    b.send(101, 0)
    await runFor(world, 200)
    a.office.removePeer(2)
    b.send(101, 1)
    await runFor(world, 2_000)
    expect(a.arrived).toEqual(['101:0'])
    expect(a.codes).toContain('NOT_ALLOWED')
  })

  test('and added again goes on where it was, with its credit, and nothing silently lost', async () => {
    const { world, a, b } = pair()
    for (let n = 0; n < 20; n += 1) a.send(201, n, 'x'.repeat(100))
    b.send(101, 0)
    await runFor(world, 200)
    a.office.removePeer(2)
    a.links.clear()
    a.office.addPeer(2, 'w2:1')
    let waits = 0
    for (let n = 20; n < 200; n += 1) {
      if (a.send(201, n, 'x'.repeat(100)) !== undefined) waits += 1
      if (n % 10 === 0) await runFor(world, 50)
    }
    await runFor(world, 3_000)
    expect(b.arrived).toEqual(expected(201, 200))
    expect(waits).toBe(0)
    expect(a.linkFor(201).loadOf(201)).toBe(0)
    b.send(101, 1)
    await runFor(world, 2_000)
    expect(a.arrived).toEqual(['101:0', '101:1'])
  })

  test('and added again is believed from the incarnation on that was known', async () => {
    const { world, a } = pair()
    a.office.onPeerRestarted(2, 5)
    await runFor(world, 50)
    a.office.removePeer(2)
    a.office.addPeer(2, 'w2:1')
    // Worker 2 of this world is incarnation 1: an old one.
    a.links.clear()
    a.send(201, 0)
    await runFor(world, 500)
    expect(a.codes).toContain('FRAME_OLD_INCARNATION')
    expect(a.office.isQuiet).toBe(false)
  })
})

test('a submit of the same name is another topology: its id is', async () => {
  const world = new VirtualWorld({ seed: 1 })
  const a = new TestWorker(world, 1, 1, { peers: [one, two], topologyId: 'words-1-a3f' })
  const b = new TestWorker(world, 2, 1, { peers: [one, two], topologyId: 'words-2-b11' })
  a.send(201, 0)
  await runFor(world, 500)
  expect(b.arrived).toEqual([])
  expect(b.codes).toContain('NOT_ALLOWED')
})

test('acks do not wait behind tuples that a slow line holds up', async () => {
  const settings = {
    transferFrameMaxBytes: 8_000,
    transferCreditMaxBytes: 4_000_000,
    batchFlushIntervalMs: 1,
    tupleMaxBytes: 10_000,
  }
  const world = new VirtualWorld({ seed: 1 })
  const a = new TestWorker(world, 1, 1, { peers: [one, two], settings })
  const b = new TestWorker(world, 2, 1, { peers: [one, two], settings })
  world.net.set('w1', 'w2', { bytesPerMs: 1_000 })
  for (let n = 0; n < 1_500; n += 1) a.send(201, n, 'x'.repeat(1_000))
  await runFor(world, 100)
  const before = b.arrived.length
  expect(before).toBeGreaterThan(0)
  const link = a.linkFor(201)
  link.sendEdges(AckKind.ACK, 205, 1, 2, { low: 5, high: -6 }, 0)
  link.flush()
  let atAck = 0
  while (b.acks.length === 0) {
    atAck = b.arrived.length
    await runFor(world, 10)
  }
  // What was in the connection's buffer goes first, the rest does not.
  expect(atAck - before).toBeLessThan(600)
  await runFor(world, 3_000)
  expect(b.arrived).toEqual(expected(201, 1_500))
})
