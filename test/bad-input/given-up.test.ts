// What becomes of a tuple that is given up: skipped, a dead letter, or failed; and of sinks that fail.
import { bolt, defineTopology, type ErrorAction, fields, plainSink, spoutFrom } from 'typhoon'
import { describe, expect, test } from 'vitest'
import { Live } from '../storm/live.ts'
import { all, BAD, COUNT, type Execute, Item, others, plain, run, ways } from './one-bad-item.ts'

describe.each([1, 2])('what is given up, on %i workers', (workers) => {
  test.each(['skip', 'dead-letter', 'fail'] as const)(
    'maxFailures with %s: one more than allowed stops the topology with TOO_MANY_FAILURES',
    async (onError: ErrorAction) => {
      let calls = 0
      const failing = plain(
        () => {
          calls += 1
          throw new Error('always')
        },
        { onError },
      )
      const { topology } = run(failing, {}, { maxFailures: 5, maxSpoutPending: 2 })
      await using live = await Live.start(topology, { workers })
      expect(await live.ended()).toMatchObject({
        code: 'TOO_MANY_FAILURES',
        family: 'user-code',
        details: { component: '2', maxFailures: 5 },
        cause: { code: 'EXECUTE_THREW' },
      })
      await live.advance(10_000)
      expect(calls).toBeGreaterThanOrEqual(6)
      // What was in flight when it stopped may have come after.
      expect(calls).toBeLessThanOrEqual(8)
      expect(live.run.state).toBe('inactive')
      expect(live.errors['TOO_MANY_FAILURES']).toBe(1)
    },
  )

  test('a full dead letter store: the component falls back to fail, nothing is thrown away', async () => {
    const Text = fields({ id: 'int', text: 'string' })
    const seen: number[] = []
    let isBroken = true
    const source = spoutFrom(Text, () => all.map((id) => ({ id, text: 'x'.repeat(300_000) })), {
      maxReplays: 1_000,
    })
    const failing = bolt({
      input: Text,
      onError: 'dead-letter',
      execute({ values }) {
        if (isBroken) throw new Error('no')
        seen.push(values.id)
      },
    })
    const topology = defineTopology({
      name: 'full',
      config: { deadLetterMax: '1MiB' },
      build: (builder) => void builder.setBolt('2', failing).shuffleGrouping(builder.setSpout('1', source)),
    })
    await using live = await Live.start(topology, { workers })
    await live.advance(5_000)
    const kept = live.deadLetters.map(({ values }) => values['id'] as number)
    expect(kept).toHaveLength(3)
    expect(live.end).toBeUndefined()
    expect(live.figures('2')).toMatchObject({ deadLetteredCount: 3, ackedCount: 3 })
    expect(live.figures('2').failedCount).toBeGreaterThan(COUNT - 3)
    isBroken = false
    expect(await live.ended()).toBeNull()
    expect([...seen, ...kept].toSorted((a, b) => a - b)).toEqual(all)
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, pendingCount: 0 })
  })

  test('dead letters that a bolt reads come there once each, and are not stored as well', async () => {
    const letters: unknown[] = []
    const failing = plain(
      ({ values }, out) => {
        if (values.id === BAD) throw new Error('no')
        out.emit(values)
      },
      { onError: 'dead-letter' },
    )
    const source = spoutFrom(Item, () => all.map((id) => ({ id })))
    const topology = defineTopology({
      name: 'letters',
      build(builder) {
        const two = builder.setBolt('2', failing).shuffleGrouping(builder.setSpout('1', source))
        const reader = bolt({ execute: ({ values }) => void letters.push(values) })
        builder.setBolt('3', reader).shuffleGrouping(two.deadLetters)
      },
    })
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(letters).toMatchObject([
      { component: '2', stream: '1:default', values: { id: BAD }, code: 'EXECUTE_THREW', attempts: 1 },
    ])
    expect(live.deadLetters).toEqual([])
    expect(live.figures('1').ackedCount).toBe(COUNT)
  })

  test.each([{ guarantee: 'at-most-once' }, { ackerExecutors: 0 }] as const)(
    'without acks (%o) what fails is gone, counted and shown; the rest is processed',
    async (config) => {
      const { topology, ids } = run(plain(ways['a thrown error'] as Execute), {}, config)
      await using live = await Live.start(topology, { workers })
      expect(await live.ended()).toBeNull()
      expect(ids()).toEqual(others)
      expect(live.errors).toEqual({ EXECUTE_THREW: 1 })
      expect(live.figures('2')).toMatchObject({ threwCount: 1, failedCount: 1, ackedCount: COUNT - 1 })
      expect(live.figures('1')).toMatchObject({ emittedCount: COUNT, replayedCount: 0 })
    },
  )

  /** A sink that fails so many times, then writes. */
  function sinking(failures: number) {
    const written: number[] = []
    let left = failures
    const sink = plainSink<{ readonly id: number }>({
      batch: { countMax: COUNT },
      write: async (items) => {
        await Promise.resolve()
        if (left-- > 0) throw new Error('no connection')
        written.push(...items.map(({ id }) => id))
      },
    })
    const source = spoutFrom(Item, () => all.map((id) => ({ id })))
    const topology = defineTopology({
      name: 'sink',
      build: (builder) => void builder.setBolt('2', sink).shuffleGrouping(builder.setSpout('1', source)),
    })
    return { topology, written: () => written.toSorted((a, b) => a - b) }
  }

  test('a sink that fails twice: tried again, written once, nobody replays', async () => {
    const { topology, written } = sinking(2)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(written()).toEqual(all)
    expect(live.figures('2')).toMatchObject({
      threwCount: 2,
      retriedCount: 2,
      ackedCount: COUNT,
      failedCount: 0,
    })
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, replayedCount: 0 })
    expect(live.errors).toEqual({})
  })

  test('a sink that fails as often as it may: SINK_WRITE_FAILED, then replayed and written', async () => {
    const { topology, written } = sinking(3)
    await using live = await Live.start(topology, { workers })
    expect(await live.ended()).toBeNull()
    expect(written()).toEqual(all)
    const { threwCount, failedCount } = live.figures('2')
    expect(threwCount).toBe(3)
    expect(failedCount).toBeGreaterThan(0)
    expect(live.errors['SINK_WRITE_FAILED']).toBeGreaterThan(0)
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, replayedCount: failedCount })
  })
})
