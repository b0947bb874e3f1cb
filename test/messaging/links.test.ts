// Goal: what is sent between two workers arrives once and in order, whatever happens to connections, or its
// loss is told at both ends. Method: real links over the net of a virtual world, streams cut at random,
// faults in between.
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { EngineTuple } from '../../src/flow/executor/tuple.ts'
import { AckKind, type AckMessage } from '../../src/flow/transfer/link.ts'
import { expected, type OfficeOptions, rootOf, streams, TestWorker, twoWorkers } from './office-world.ts'

const base = {
  transferFrameMaxBytes: 1_000,
  transferCreditMaxBytes: 4_000,
  batchFlushIntervalMs: 1,
  tupleMaxBytes: 10_000,
}
const pair = [1, 2].map((worker) => ({ worker, address: `w${worker}:1` }))
const message: AckMessage = {
  kind: AckKind.FAIL,
  task: 201,
  idLow: -1,
  idHigh: 2,
  low: 0,
  high: 0,
  spoutTask: 0,
  reason: 'timeout',
  component: 'split',
  message: 'too late',
}

describe('a link', () => {
  test('brings tuples in order, with values, roots and time', async () => {
    const { world, a, b } = twoWorkers(1)
    for (let n = 0; n < 500; n += 1) a.send(201 + (n % 3), n, 'text')
    const [stream] = streams
    if (stream === undefined) throw new Error('there is a stream')
    const tuple = new EngineTuple({ n: -1, text: 'é' }, stream, 101, 201, 1_234, rootOf(1, -2, 205), 3, 4)
    tuple.more = [{ root: rootOf(5, 6, 207), low: 7, high: 8 }]
    a.linkFor(201).send(tuple)
    await world.run({ untilMs: 100 })
    for (const task of [201, 202, 203]) {
      const own = b.arrived.filter((each) => each.startsWith(`${task}:`) && !each.endsWith('-1'))
      const sent = Array.from({ length: 500 }, (_, n) => n).filter((n) => 201 + (n % 3) === task)
      expect(own).toEqual(sent.map((n) => `${task}:${n}`))
    }
    const last = b.tuples.at(-1)
    expect(last?.values).toEqual({ n: -1, text: 'é' })
    expect([last?.sourceTask, last?.time, last?.edgeLow, last?.edgeHigh]).toEqual([101, 1_234, 3, 4])
    expect([last?.root?.idLow, last?.root?.idHigh, last?.root?.ackerTask]).toEqual([1, -2, 205])
    expect(last?.more?.map((each) => [each.root.idLow, each.low, each.high])).toEqual([[5, 7, 8]])
    expect(a.office.isQuiet).toBe(true)
    expect(b.losses).toEqual([])
  })

  test('brings messages about trees as they were', async () => {
    const { world, a, b } = twoWorkers(2)
    const link = a.linkFor(201)
    link.sendEdges(AckKind.INIT, 205, 1, 2, { low: 3, high: 4 }, 101)
    link.sendEdges(AckKind.ACK, 205, 1, 2, { low: 5, high: -6 }, 0)
    for (const kind of [AckKind.FAIL, AckKind.FAILED, AckKind.RESET, AckKind.DONE, AckKind.FORGET]) {
      link.sendMessage({ ...message, kind })
    }
    await world.run({ untilMs: 100 })
    expect(b.acks.map((each) => each.kind)).toEqual([0, 1, 2, 5, 3, 4, 6])
    expect(b.acks[0]).toMatchObject({ task: 205, idLow: 1, idHigh: 2, low: 3, high: 4, spoutTask: 101 })
    expect(b.acks[1]).toMatchObject({ low: 5, high: -6 })
    expect(b.acks[2]).toMatchObject({ idLow: -1, reason: 'timeout', component: 'split', message: 'too late' })
    expect(b.acks[4]).toMatchObject({ reason: undefined, component: undefined, message: undefined })
  })

  test('refuses what cannot be encoded with nothing of it sent', async () => {
    const { world, a, b } = twoWorkers(3)
    a.send(201, 0)
    expect(() => a.send(201, 0.5)).toThrow(expect.objectContaining({ code: 'VALUE_OUT_OF_RANGE' }))
    expect(() => a.send(201, 1, 'x'.repeat(20_000))).toThrow(
      expect.objectContaining({ code: 'TUPLE_TOO_LARGE' }),
    )
    a.send(201, 1)
    await world.run({ untilMs: 100 })
    expect(b.arrived).toEqual(expected(201, 2))
    expect(a.linkFor(201).loadOf(201)).toBe(0)
  })

  test('sends at once when idle, and holds small frames back for a while when busy', async () => {
    const { world, a, b } = twoWorkers(4)
    a.linkFor(201)
    await world.run({ untilMs: 50 })
    a.isBusy = true
    a.send(201, 0)
    await world.run({ untilMs: 50.5 })
    expect(b.arrived).toEqual([])
    a.send(201, 1, 'x'.repeat(1_000))
    await world.run({ untilMs: 50.6 })
    expect(b.arrived).toEqual(expected(201, 2))
    a.send(201, 2)
    world.timers.after(2, () => a.flush())
    await world.run({ untilMs: 60 })
    expect(b.arrived.length).toBe(3)
    a.isBusy = false
    a.send(201, 3)
    await world.run({ untilMs: 60.1 })
    expect(b.arrived).toEqual(expected(201, 4))
  })

  test('drops messages about trees when a test wants it', async () => {
    const { world, a, b } = twoWorkers(5)
    a.office.dropAcks(0.5, new SeededRandom(1))
    for (let i = 0; i < 200; i += 1) a.linkFor(201).sendMessage(message)
    a.office.dropAcks(0, new SeededRandom(1))
    a.linkFor(201).sendMessage(message)
    await world.run({ untilMs: 100 })
    expect(b.acks.length).toBeGreaterThan(60)
    expect(b.acks.length).toBeLessThan(140)
  })
})

describe('credit', () => {
  test('is never overdrawn by more than a tuple, and holds back only who feeds the slow one', async () => {
    const { world, a, b } = twoWorkers(11, {}, { capacity: 16 })
    let sent = 0
    let waits = 0
    const feeder = {
      onGateOpened(): void {
        for (let turn = 0; turn < 1_000 && sent < 2_000; turn += 1) {
          const gate = a.send(201, sent, 'x'.repeat(90))
          sent += 1
          expect(a.linkFor(201).loadOf(201)).toBeLessThanOrEqual(1 + 110 / 4_000)
          expect(a.linkFor(201).loadOf(201)).toBeGreaterThanOrEqual(0)
          if (gate === undefined) continue
          waits += 1
          gate.addWaiter(this)
          return
        }
      },
    }
    feeder.onGateOpened()
    await world.run({ untilMs: 500 })
    // Nobody drains the inbox of task 201: the feeder stands. Others go on.
    const stood = sent
    expect(stood).toBeLessThan(150)
    expect(a.send(202, 0)).toBe(undefined)
    await world.run({ untilMs: 600 })
    expect(sent).toBe(stood)
    expect(b.arrived.at(-1)).toBe('202:0')
    const drain = world.host('w2').timers.every(1, () => {
      for (let i = 0; i < 8; i += 1) b.inboxes.get(201)?.shift()
    })
    await world.run({ untilMs: 3_000 })
    drain.stop()
    expect(sent).toBe(2_000)
    expect(waits).toBeGreaterThan(10)
    expect(b.arrived.filter((each) => each.startsWith('201'))).toEqual(expected(201, 2_000))
    expect(a.linkFor(201).loadOf(201)).toBe(0)
  })

  test('is whole again after every reset, whatever was lost of it', async () => {
    const { world, a, b } = twoWorkers(12)
    world.net.setAll({ delayMs: [1, 5] })
    for (let round = 0; round < 30; round += 1) {
      for (let i = 0; i < 10; i += 1) a.send(201, round * 10 + i, 'x'.repeat(100))
      await world.run({ untilMs: world.nowMs + 3 })
      world.net.reset('w1', 'w2')
    }
    await world.run({ untilMs: world.nowMs + 5_000 })
    expect(b.arrived).toEqual(expected(201, 300))
    expect(a.linkFor(201).loadOf(201)).toBe(0)
  })
})

describe('a reset', () => {
  test('loses and repeats nothing: frames that came are dropped when they come again', async () => {
    const { world, a, b } = twoWorkers(21)
    world.net.setAll({ delayMs: 5 })
    await world.run({ untilMs: 10 })
    a.linkFor(201)
    await world.run({ untilMs: 100 })
    // Arrives after 5 ms, is answered 10 ms later, and the answer would take 5 ms more: the reset is before.
    for (let n = 0; n < 20; n += 1) a.send(201, n, 'x'.repeat(100))
    await world.run({ untilMs: 108 })
    expect(b.arrived.length).toBe(20)
    world.net.reset('w1', 'w2')
    a.send(201, 20)
    await world.run({ untilMs: 1_000 })
    expect(b.arrived).toEqual(expected(201, 21))
    expect([...a.losses, ...b.losses]).toEqual([])
    expect(a.office.stats()[0]?.reconnectCount).toBe(1)
    expect(a.office.isQuiet).toBe(true)
  })

  test('during an outage sends wait, in order, and gates close', async () => {
    const { world, a, b } = twoWorkers(22)
    a.send(201, 0)
    await world.run({ untilMs: 50 })
    world.net.cut('w1', 'w2')
    let n = 1
    while (a.send(201, n, 'x'.repeat(100)) === undefined) n += 1
    await world.run({ untilMs: 20_000 })
    expect(b.arrived).toEqual(['201:0'])
    world.net.heal('w1', 'w2')
    await world.run({ untilMs: 60_000 })
    expect(b.arrived).toEqual(expected(201, n + 1))
    expect([...a.losses, ...b.losses]).toEqual([])
  })

  test('with frames that are kept no longer is told at both ends, and the rest goes on', async () => {
    const small: OfficeOptions = { settings: { ...base, replayMaxBytes: 3_000, answerDelayMs: 10_000 } }
    const { world, a, b } = twoWorkers(23, small)
    a.send(201, 0)
    await world.run({ untilMs: 50 })
    world.net.set('w1', 'w2', { delayMs: 1_000 })
    for (let n = 1; n < 50; n += 1) a.send(202, n, 'x'.repeat(150))
    await world.run({ untilMs: 60 })
    world.net.set('w1', 'w2', { delayMs: 0 })
    world.net.reset('w1', 'w2')
    await world.run({ untilMs: 5_000 })
    a.send(201, 99)
    await world.run({ untilMs: 30_000 })
    // By itself, before the other end says so.
    expect(a.losses[0]).toMatchObject({ worker: 2, reason: 'link-lost' })
    expect(a.losses[0]?.message).toContain('were lost with a connection')
    expect(b.losses.map((loss) => [loss.worker, loss.reason])).toContainEqual([1, 'link-lost'])
    const numbers = b.arrived.map((each) => Number(each.slice(4)))
    expect(numbers).toEqual([...numbers].sort((x, y) => x - y))
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.at(-1)).toBe(99)
    expect(numbers.length).toBeLessThan(50)
    expect(a.linkFor(201).loadOf(202)).toBe(0)
  })

  test('with too many frames waiting for a connection is told without one', async () => {
    const { world, a, b } = twoWorkers(24, { settings: { ...base, replayMaxBytes: 3_000 } })
    a.send(201, 0)
    await world.run({ untilMs: 50 })
    world.net.cut('w1', 'w2')
    await world.run({ untilMs: 8_000 })
    for (let n = 1; n < 60; n += 1) a.send(202, n, 'x'.repeat(150))
    expect(a.losses).toEqual([])
    await world.run({ untilMs: 8_001 })
    expect(a.losses[0]).toMatchObject({ worker: 2, reason: 'link-lost' })
    world.net.heal('w1', 'w2')
    await world.run({ untilMs: 60_000 })
    expect(b.losses[0]).toMatchObject({ worker: 1, reason: 'link-lost' })
    a.send(201, 99)
    await world.run({ untilMs: 61_000 })
    expect(b.arrived.at(-1)).toBe('201:99')
    expect(a.linkFor(201).loadOf(202)).toBe(0)
    expect(a.office.stats()[0]?.queuedBytes).toBe(0)
  })
})

test('frames given up while a connection is slow cost no credit for ever', async () => {
  const settings = { ...base, transferCreditMaxBytes: 1_000_000, replayMaxBytes: 50_000 }
  const { world, a, b } = twoWorkers(25, { settings, peers: pair })
  a.send(201, 0)
  await world.run({ untilMs: 50 })
  world.net.set('w1', 'w2', { bytesPerMs: 200 })
  for (let n = 1; n < 800; n += 1) a.send(202, n, 'x'.repeat(500))
  await world.run({ untilMs: 10_000 })
  a.send(201, 999)
  await world.run({ untilMs: 11_000 })
  expect(a.losses[0]?.message).toContain('wait for worker 2')
  expect(b.losses[0]?.message).toContain('are missing')
  expect(a.office.stats()[0]?.reconnectCount).toBe(0)
  expect(b.arrived.at(-1)).toBe('201:999')
  expect(a.linkFor(201).loadOf(202)).toBe(0)
  expect(a.office.isQuiet).toBe(true)
})

describe('a loss', () => {
  test('by a corrupt byte closes the connection, is told to everybody, and the link goes on', async () => {
    const { world, a, b } = twoWorkers(31)
    const c = new TestWorker(world, 3, 1)
    c.linkFor(201)
    b.linkFor(301)
    b.linkFor(101)
    a.send(201, 0)
    await world.run({ untilMs: 50 })
    world.net.corruptNext('w1', 'w2')
    a.send(201, 1)
    await world.run({ untilMs: 5_000 })
    expect(b.codes).toContain('FRAME_MALFORMED')
    expect(b.losses[0]).toMatchObject({ worker: 1, reason: 'link-lost' })
    expect(a.losses[0]).toMatchObject({ worker: 2, reason: 'link-lost' })
    expect(c.losses[0]).toMatchObject({ worker: 1, reason: 'link-lost' })
    expect(c.losses.length).toBe(1)
    expect(a.office.stats()[0]?.reconnectCount).toBe(1)
    // The frame itself was not lost: it comes again.
    expect(b.arrived).toEqual(expected(201, 2))
  })

  test('of a worker that came back is told once at each peer; it gets nothing old', async () => {
    const { world, a, b } = twoWorkers(32)
    const c = new TestWorker(world, 3, 1)
    c.linkFor(201)
    c.linkFor(101)
    b.linkFor(101)
    a.linkFor(301)
    a.send(201, 0)
    await world.run({ untilMs: 50 })
    expect(b.arrived).toEqual(['201:0'])
    world.crash('w2')
    for (let n = 1; n < 10; n += 1) a.send(201, n)
    await world.run({ untilMs: 60 })
    const again = new TestWorker(world, 2, 2)
    again.linkFor(101)
    await world.run({ untilMs: 5_000 })
    expect(a.losses.filter((loss) => !loss.message.includes('says'))).toMatchObject([
      { worker: 2, reason: 'worker-lost' },
    ])
    expect(c.losses.filter((loss) => !loss.message.includes('says')).length).toBe(1)
    expect(again.losses).toEqual([])
    expect(again.arrived).toEqual([])
    a.send(201, 10)
    again.send(101, 0)
    await world.run({ untilMs: 6_000 })
    expect(again.arrived).toEqual(['201:10'])
    expect(a.arrived).toEqual(['101:0'])
    expect(a.office.isQuiet).toBe(true)
  })

  test('by news of a restart is told at once, and credit begins anew', async () => {
    const { world, a } = twoWorkers(33)
    a.send(201, 0)
    await world.run({ untilMs: 50 })
    world.crash('w2')
    while (a.send(201, 1, 'x'.repeat(100)) === undefined);
    expect(a.linkFor(201).loadOf(201)).toBeGreaterThanOrEqual(1)
    a.office.onPeerRestarted(2, 2, 'w2:1')
    expect(a.losses).toMatchObject([{ worker: 2, reason: 'worker-lost' }])
    expect(a.linkFor(201).loadOf(201)).toBe(0)
    const again = new TestWorker(world, 2, 2)
    await world.run({ untilMs: 5_000 })
    a.send(201, 2)
    await world.run({ untilMs: 6_000 })
    expect(again.arrived).toEqual(['201:2'])
    expect(a.losses.length).toBe(1)
  })
})

describe('who may connect', () => {
  const wrong: [string, OfficeOptions, string][] = [
    ['another token', { token: 'guess' }, 'NOT_AUTHENTICATED'],
    ['another topology', { topologyName: 'other' }, 'NOT_ALLOWED'],
    ['other schemas', { streams: streams.slice(0, 1) }, 'SCHEMA_MISMATCH'],
  ]
  for (const [what, options, code] of wrong) {
    test(`not who has ${what}`, async () => {
      const { world, a, b } = twoWorkers(41, options, {})
      a.send(201, 0)
      await world.run({ untilMs: 3_000 })
      expect(b.arrived).toEqual([])
      expect(b.codes).toContain(code)
      expect(a.codes).toEqual([code === 'SCHEMA_MISMATCH' ? code : 'LINK_LOST'])
      expect(a.losses).toEqual([])
    })
  }

  test('not an old incarnation, and its frames are not believed', async () => {
    const { world, a, b } = twoWorkers(42)
    b.office.onPeerRestarted(1, 5)
    a.send(201, 0)
    await world.run({ untilMs: 1_000 })
    expect(b.arrived).toEqual([])
    expect(b.codes).toContain('FRAME_OLD_INCARNATION')
    expect(a.codes).toEqual(['FRAME_OLD_INCARNATION'])
    // And an old one is not spoken to.
    a.office.onPeerRestarted(2, 7)
    b.send(101, 0)
    await world.run({ untilMs: 2_000 })
    expect(a.arrived).toEqual([])
  })

  test('and who has been replaced is told so, by its own dial and by news that come later', async () => {
    const told: Array<readonly [number, string]> = []
    const { world, a, b } = twoWorkers(45, { onOutdated: (newest, text) => told.push([newest, text]) })
    a.send(201, 0)
    await world.run({ untilMs: 1_000 })
    expect([b.arrived, told]).toEqual([['201:0'], []])
    // A frame for an older one of the receiver is no such news.
    b.office.onPeerRestarted(1, 5)
    await world.run({ untilMs: 1_500 })
    expect(told[0]).toEqual([5, 'worker 2 ends the link: incarnation 5 of worker 1 has come'])
    await world.run({ untilMs: 5_000 })
    expect(told.length).toBeGreaterThan(1)
    expect(new Set(told.map(([newest]) => newest))).toEqual(new Set([5]))
    expect(told.at(-1)?.[1]).toBe('worker 2 ends the link: worker 1 is incarnation 1, 5 is known')
  })

  test('but not who only means a receiver that is no more', async () => {
    const told: number[] = []
    const { world, a } = twoWorkers(46, { onOutdated: (newest) => told.push(newest) })
    a.office.onPeerRestarted(2, 7)
    a.send(201, 0)
    await world.run({ untilMs: 5_000 })
    expect(a.codes).toContain('FRAME_OLD_INCARNATION')
    expect(told).toEqual([])
  })

  test('and an old incarnation that answers is not spoken to', async () => {
    const { world, a, b } = twoWorkers(44)
    a.office.onPeerRestarted(2, 7)
    a.send(201, 0)
    await world.run({ untilMs: 1_000 })
    expect(a.codes).toEqual(['FRAME_OLD_INCARNATION'])
    expect([b.codes, b.arrived]).toEqual([[], []])
  })

  test('nobody who says nothing, or something else', async () => {
    const { world, b } = twoWorkers(43)
    const host = world.host('stranger')
    await world.run({ untilMs: 5 })
    const ends: string[] = []
    const silent = host.net.connect('w2:1', () => undefined)
    silent.onClose = () => ends.push('silent')
    const loud = host.net.connect(
      'w2:1',
      () => void loud.write(new TextEncoder().encode('GET / HTTP/1.1\r\n')),
    )
    loud.onClose = () => ends.push('loud')
    await world.run({ untilMs: 1_000 })
    expect(ends).toEqual(['loud'])
    await world.run({ untilMs: 6_000 })
    expect(ends).toEqual(['loud', 'silent'])
    expect(b.codes).toEqual(['FRAME_MALFORMED'])
    expect(b.losses).toEqual([])
  })
})

test('a link knows how busy the loop of its peer is, as long as the peer can say so', async () => {
  let busyShare: number | undefined
  const { world, a } = twoWorkers(53, { busyShare: () => busyShare })
  const link = a.linkFor(201)
  await world.run({ untilMs: 2_500 })
  expect(link.busyShare).toBe(undefined)
  busyShare = 0.75
  await world.run({ untilMs: 5_000 })
  expect(link.busyShare).toBe(0.75)
  world.net.cut('w1', 'w2')
  await world.run({ untilMs: 15_000 })
  expect(link.busyShare).toBe(undefined)
  world.net.heal('w1', 'w2')
  await world.run({ untilMs: 25_000 })
  expect(link.busyShare).toBe(0.75)
})

describe('a silent connection', () => {
  test('is kept by echoes while both directions live', async () => {
    const { world, a } = twoWorkers(51)
    world.net.setAll({ delayMs: 7 })
    a.send(201, 0)
    await world.run({ untilMs: 20_000 })
    expect(a.office.stats()[0]).toMatchObject({ isSending: true, reconnectCount: 0, rttMs: 14 })
  })

  for (const [from, to] of [
    ['w1', 'w2'],
    ['w2', 'w1'],
  ] as const) {
    test(`is given up when nothing passes from ${from} to ${to}, and made anew without loss`, async () => {
      const { world, a, b } = twoWorkers(52)
      a.send(201, 0)
      await world.run({ untilMs: 1_000 })
      world.net.set(from, to, { isCut: true })
      a.send(201, 1)
      await world.run({ untilMs: 4_600 })
      expect(a.office.stats()[0]?.isSending).toBe(false)
      world.net.set(from, to, { isCut: false })
      await world.run({ untilMs: 40_000 })
      expect(a.office.stats()[0]?.isSending).toBe(true)
      expect(b.arrived).toEqual(expected(201, 2))
      expect([...a.losses, ...b.losses]).toEqual([])
    })
  }

  test('of a worker that stood still for long is not held against its peer', async () => {
    const { world, a, b } = twoWorkers(53)
    a.send(201, 0)
    await world.run({ untilMs: 1_000 })
    world.pause('w1')
    await world.run({ untilMs: 9_000 })
    world.resume('w1')
    a.send(201, 1)
    await world.run({ untilMs: 20_000 })
    expect(b.arrived).toEqual(expected(201, 2))
    expect([...a.losses, ...b.losses]).toEqual([])
  })
})

test('after close nothing is sent, taken or called', async () => {
  const { world, a, b } = twoWorkers(61)
  a.send(201, 0)
  await world.run({ untilMs: 50 })
  b.office.close()
  a.send(201, 1)
  await world.run({ untilMs: 5_000 })
  expect(b.arrived).toEqual(['201:0'])
  expect(b.losses).toEqual([])
  a.office.close()
  expect(await world.run({})).toBe('idle')
})
