// Goal: whatever user code does wrong has a typed outcome, a counter and an end, and every other tuple of the
// run is processed. Method: whole topologies in virtual time, on one worker and on two.
import { bolt, defineTopology, FailTuple, FatalTaskError, richBolt, spout, spoutFrom } from 'typhoon'
import { describe, expect, test } from 'vitest'
import { Live } from '../storm/live.ts'
import { all, BAD, COUNT, Item, others, plain, run, ways } from './one-bad-item.ts'

const codes: Record<string, string> = {
  'an emit to a stream that is not declared': 'EMIT_NOT_DECLARED',
  'an emit without a field': 'EMIT_NOT_DECLARED',
  'a write to the values of a tuple': 'TUPLE_WRITTEN',
  'a write to values that were emitted already': 'TUPLE_WRITTEN',
}

describe.each([1, 2])('on %i workers', (workers) => {
  for (const [way, execute] of Object.entries(ways)) {
    const code = codes[way] ?? 'EXECUTE_THREW'

    test(`${way}, fail: replayed as often as allowed, then a dead letter of the source`, async () => {
      const { topology, ids } = run(plain(execute))
      await using live = await Live.start(topology, { workers })
      expect(await live.ended()).toBeNull()
      expect(ids()).toEqual(others)
      expect(live.errors).toEqual({ [code]: 3, REPLAYS_EXHAUSTED: 1 })
      expect(live.deadLetters).toMatchObject([
        { component: '1', code: 'REPLAYS_EXHAUSTED', attempts: 3, values: { id: BAD } },
      ])
      expect(live.figures('2')).toMatchObject({ threwCount: 3, failedCount: 3, ackedCount: COUNT - 1 })
      expect(live.figures('1')).toMatchObject({
        ackedCount: COUNT - 1,
        failedCount: 3,
        replayedCount: 2,
        deadLetteredCount: 1,
        pendingCount: 0,
      })
    })

    test(`${way}, dead-letter: kept with its error, acked`, async () => {
      const { topology, ids } = run(plain(execute, { onError: 'dead-letter' }))
      await using live = await Live.start(topology, { workers })
      expect(await live.ended()).toBeNull()
      expect(ids()).toEqual(others)
      expect(live.deadLetters).toMatchObject([
        { component: '2', stream: '1:default', code, attempts: 1, values: { id: BAD } },
      ])
      expect(live.figures('2')).toMatchObject({ threwCount: 1, deadLetteredCount: 1, ackedCount: COUNT })
      expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, failedCount: 0 })
    })

    test(`${way}, skip: acked and counted`, async () => {
      const { topology, ids } = run(plain(execute, { onError: 'skip' }))
      await using live = await Live.start(topology, { workers })
      expect(await live.ended()).toBeNull()
      expect(ids()).toEqual(others)
      expect(live.deadLetters).toEqual([])
      expect(live.errors).toEqual({ [code]: 1 })
      expect(live.figures('2')).toMatchObject({ threwCount: 1, skippedCount: 1, ackedCount: COUNT })
    })
  }

  test('FailTuple: fails on purpose, not shown as an error', async () => {
    let refusals = 0
    const refusing = plain(({ values }, out) => {
      if (values.id === BAD && refusals++ === 0) throw new FailTuple('not today')
      out.emit(values)
    })
    const { topology, ids } = run(refusing)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(ids()).toEqual(all)
    expect(live.errors).toEqual({})
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, failedCount: 1, replayedCount: 1 })
  })

  test('a promise that is not awaited: its emit is refused and told, its tuple was acked', async () => {
    const late = plain(({ values }, out) => {
      if (values.id === BAD) void Promise.resolve().then(() => out.emit(values))
      else out.emit(values)
    })
    const { topology, ids } = run(late)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(ids()).toEqual(others)
    expect(live.errors).toEqual({ EMIT_AFTER_ACK: 1 })
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, failedCount: 0 })
  })

  test('a call over its timeout: EXECUTE_TIMEOUT, its signal aborts, late emits are nothing', async () => {
    const aborted: unknown[] = []
    const slow = bolt({
      input: Item,
      output: Item,
      timeout: '100ms',
      concurrency: 8,
      onError: 'dead-letter',
      prepare: (context) => context,
      execute: async (tuple, out) => {
        const { id } = tuple.values
        if (id === BAD) {
          await new Promise<void>((resolve) => tuple.signal.addEventListener('abort', () => resolve()))
          aborted.push(id)
        }
        out.emit({ id })
      },
    })
    const { topology, ids } = run(slow)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(ids()).toEqual(others)
    expect(aborted).toEqual([BAD])
    expect(live.deadLetters).toMatchObject([{ component: '2', code: 'EXECUTE_TIMEOUT', values: { id: BAD } }])
    expect(live.figures('2')).toMatchObject({ threwCount: 1, deadLetteredCount: 1, ackedCount: COUNT })
  })

  test('retries: a call that works at its third attempt leaves nothing but counters', async () => {
    let tries = 0
    const shaky = plain(
      ({ values }, out) => {
        out.emit(values)
        if (values.id === BAD && tries++ < 2) throw new Error('not yet')
      },
      // biome-ignore lint/suspicious/noThenProperty: the policy's name
      { onError: { retries: 3, backoff: { first: '100ms' }, then: 'dead-letter' } },
    )
    const { topology, ids } = run(shaky)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(ids()).toEqual(all)
    expect(live.deadLetters).toEqual([])
    expect(live.figures('2')).toMatchObject({
      threwCount: 2,
      retriedCount: 2,
      ackedCount: COUNT,
      failedCount: 0,
    })
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, replayedCount: 0 })
  })

  test('a rich bolt that never acks: expires, is replayed, and given up with REPLAYS_EXHAUSTED', async () => {
    const forgetful = richBolt({
      input: Item,
      output: Item,
      execute(tuple, collector) {
        if (tuple.values.id === BAD) return
        collector.emit(tuple.values, { anchor: tuple })
        collector.ack(tuple)
      },
    })
    const { topology, ids } = run(forgetful, {}, { messageTimeout: '5s' })
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    // Three lives of five seconds: the replay after an expiry does not wait.
    expect(live.nowMs).toBeGreaterThanOrEqual(15_000)
    expect(live.nowMs).toBeLessThanOrEqual(15_400)
    expect(ids()).toEqual(others)
    expect(live.deadLetters).toMatchObject([
      { component: '1', code: 'REPLAYS_EXHAUSTED', attempts: 3, values: { id: BAD } },
    ])
    expect(live.deadLetters[0]?.message).toContain('no verdict within 5000 ms')
    expect(live.figures('1')).toMatchObject({
      expiredCount: 3,
      failedCount: 3,
      replayedCount: 2,
      pendingCount: 0,
    })
  })

  test('a rich bolt that acks twice, or fails what it acked: the first answer stands', async () => {
    const eager = richBolt({
      input: Item,
      output: Item,
      execute(tuple, collector) {
        collector.emit(tuple.values, { anchor: tuple })
        collector.ack(tuple)
        if (tuple.values.id === BAD) collector.ack(tuple)
        if (tuple.values.id === BAD + 1) collector.fail(tuple)
      },
    })
    const { topology, ids } = run(eager)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(ids()).toEqual(all)
    expect(live.errors).toEqual({ ACK_TWICE: 2 })
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, failedCount: 0 })
  })

  test('a tick that throws: told and counted, tuples go on', async () => {
    const ticking = bolt({
      input: Item,
      output: Item,
      tickInterval: '100ms',
      execute: ({ values }, out) => out.emit(values),
      onTick() {
        throw new Error('tick')
      },
    })
    const { topology, ids } = run(ticking)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    await live.advance(350)
    expect(ids()).toEqual(all)
    expect(live.figures('2')).toMatchObject({ tickCount: 3, threwCount: 3, ackedCount: COUNT })
    expect(live.errors).toEqual({ EXECUTE_THREW: 3 })
  })

  test('a spout that throws: SPOUT_THREW, asked again after growing waits, nothing lost', async () => {
    const acked: unknown[] = []
    const times: number[] = []
    const source = spout({
      output: Item,
      open: (context) => ({ next: 0, throws: 0, context }),
      nextTuple(out, self) {
        if (self.next === BAD && self.throws < 3) {
          self.throws += 1
          times.push(self.context.now())
          throw new Error('no connection')
        }
        if (self.next === COUNT) return
        out.emit({ id: self.next }, { messageId: self.next })
        self.next += 1
      },
      ack: (id) => {
        acked.push(id)
        if (id === 3) throw new Error('ack')
      },
    })
    const topology = defineTopology({
      name: 'spout',
      build(builder) {
        builder
          .setBolt(
            '2',
            plain(({ values }, out) => out.emit(values)),
          )
          .shuffleGrouping(builder.setSpout('1', source))
      },
    })
    await using live = await Live.start(topology, { workers })
    await live.until(() => acked.length === COUNT)
    expect(acked.toSorted((a, b) => Number(a) - Number(b))).toEqual(all)
    expect(live.errors).toEqual({ SPOUT_THREW: 4 })
    expect(live.figures('1')).toMatchObject({ threwCount: 4, ackedCount: COUNT, pendingCount: 0 })
    const [first = 0, second = 0, third = 0] = times
    expect(second - first).toBeGreaterThan(0)
    expect(third - second).toBeGreaterThan(second - first)
  })

  test('an iterable that throws: the topology stops, what it gave is processed', async () => {
    const seen: number[] = []
    const source = spoutFrom(Item, function* () {
      for (const id of all.slice(0, BAD)) yield { id }
      throw new Error('the end of the line')
    })
    const topology = defineTopology({
      name: 'iterable',
      build(builder) {
        const end = bolt({ input: Item, execute: ({ values }) => void seen.push(values.id) })
        builder.setBolt('2', end).shuffleGrouping(builder.setSpout('1', source))
      },
    })
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toMatchObject({
      code: 'SOURCE_ENDED_WITH_ERROR',
      family: 'user-code',
      cause: { message: 'the end of the line' },
    })
    await live.rest()
    expect(seen.toSorted((a, b) => a - b)).toEqual(all.slice(0, BAD))
    expect(live.figures('1')).toMatchObject({ ackedCount: BAD, threwCount: 1 })
  })

  test('prepare that throws: the topology does not start, what was prepared is cleaned up', async () => {
    const calls: string[] = []
    const good = bolt({
      input: Item,
      prepare: () => void calls.push('prepare'),
      execute() {},
      cleanup: () => void calls.push('cleanup'),
    })
    const bad = bolt({
      input: Item,
      prepare() {
        throw new Error('no database')
      },
      execute() {},
    })
    const topology = defineTopology({
      name: 'prepare',
      build(builder) {
        const one = builder.setSpout(
          '9',
          spoutFrom(Item, () => []),
        )
        builder.setBolt('1', good).shuffleGrouping(one)
        builder.setBolt('2', good).shuffleGrouping(one)
        builder.setBolt('3', bad).shuffleGrouping(one)
      },
    })
    const refused = await Live.start(topology, { workers }).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'PREPARE_THREW',
      details: { component: '3' },
      cause: { message: 'no database' },
    })
    if (workers === 1) expect(calls).toEqual(['prepare', 'prepare', 'cleanup', 'cleanup'])
  })

  test('restart-worker: the tree fails, a higher incarnation begins, everything is processed', async () => {
    const incarnations: number[] = []
    let isBroken = true
    const fragile = bolt({
      input: Item,
      output: Item,
      onError: 'restart-worker',
      prepare: (context) => void incarnations.push(context.incarnation),
      execute({ values }, out) {
        if (values.id === BAD && isBroken) {
          isBroken = false
          throw new Error('broken')
        }
        out.emit(values)
      },
    })
    await expectRestart(fragile, incarnations, 'EXECUTE_THREW')
  })

  test('FatalTaskError: the same, whatever the policy of the component is', async () => {
    const incarnations: number[] = []
    let isBroken = true
    const fragile = bolt({
      input: Item,
      output: Item,
      onError: 'skip',
      prepare: (context) => void incarnations.push(context.incarnation),
      execute({ values }, out) {
        if (values.id === BAD && isBroken) {
          isBroken = false
          throw new FatalTaskError('broken for good')
        }
        out.emit(values)
      },
    })
    await expectRestart(fragile, incarnations, 'FATAL_TASK')
  })

  async function expectRestart(fragile: unknown, incarnations: readonly number[], code: string) {
    const { topology, ids } = run(fragile)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect([...new Set(ids())]).toEqual(all)
    expect(incarnations).toEqual([1, 2])
    expect(live.errors[code]).toBe(1)
    const kinds = live.events.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'worker-lost')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'worker-restarted')).toHaveLength(1)
  }

  test('stop-topology: sources stop, the error ends the run, everything stays for a look', async () => {
    const stopping = plain(
      ({ values }, out) => {
        if (values.id === BAD) throw new Error('stop')
        out.emit(values)
      },
      { onError: 'stop-topology' },
    )
    const { topology, ids } = run(stopping, {}, { maxSpoutPending: 4 })
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toMatchObject({ code: 'EXECUTE_THREW', cause: { message: 'stop' } })
    await live.advance(10_000)
    expect(live.run.state).toBe('inactive')
    const { executedCount } = live.figures('2')
    expect(executedCount).toBeGreaterThan(BAD)
    expect(executedCount).toBeLessThan(COUNT)
    expect(ids()).toEqual(others.slice(0, executedCount - 1))
    expect(live.errors).toEqual({ EXECUTE_THREW: 1 })
    // What failed with it waits to be replayed, should somebody go on.
    expect(live.figures('1')).toMatchObject({ failedCount: 1, pendingCount: 1 })
  })
})
