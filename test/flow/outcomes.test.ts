// biome-ignore-all lint/suspicious/noThenProperty: the error policy has it, and a broken thenable is a case
/** Each thing user code can do wrong has a typed outcome and a counter, and disturbs nothing else. */
import { describe, expect, test } from 'vitest'
import type { ComponentConfig } from '../../src/config/topology-config.ts'
import {
  bolt,
  FailTuple,
  FatalTaskError,
  fields,
  plainSink,
  richBolt,
  spout,
  spoutFrom,
} from '../../src/index.ts'
import { complete, StagedRun } from './staged-run.ts'

const number = fields({ n: 'int' })

function* upTo(count: number) {
  for (let n = 0; n < count; n += 1) yield { n }
}

interface Wrong {
  readonly execute: (n: number, attempt: number) => unknown
  readonly onError: ComponentConfig['onError']
  readonly settings?: ComponentConfig
}

/** Ten items through a bolt that does something wrong at item 3; what the next one saw, in order. */
async function withWrong({ execute, onError, settings }: Wrong) {
  const passed: number[] = []
  const attempts = new Map<number, number>()
  const staged = new StagedRun({
    config: { maxReplays: 2 },
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(10)),
      )
      const wrong = bolt({
        input: number,
        output: number,
        onError: onError ?? 'fail',
        execute: (tuple, out) => {
          const { n } = tuple.values
          const attempt = (attempts.get(n) ?? 0) + 1
          attempts.set(n, attempt)
          out.emit({ n })
          return n === 3 ? (execute(n, attempt) as undefined) : undefined
        },
        ...settings,
      })
      const next = builder.setBolt('wrong', wrong).shuffleGrouping(source)
      const last = bolt({
        input: number,
        execute: (tuple) => {
          passed.push(tuple.values.n)
        },
      })
      builder.setBolt('last', last).shuffleGrouping(next)
    },
  })
  await staged.start()
  return { staged, passed, attempts }
}

const others = [0, 1, 2, 4, 5, 6, 7, 8, 9]
const throwing = () => {
  throw new TypeError('bad item')
}
const rejecting = () => Promise.reject(new TypeError('bad item'))

describe.each([
  ['throws', throwing],
  ['rejects its promise', rejecting],
  [
    'throws something that is no error',
    () => {
      // biome-ignore lint/style/useThrowOnlyError: user code may throw anything
      throw 'a text'
    },
  ],
  [
    'throws an object without a text',
    () => {
      throw Object.create(null)
    },
  ],
  ['returns a thenable whose then throws', () => ({ then: throwing })],
])('a bolt that %s', (_name, execute) => {
  test('fail: the item is replayed, then a dead letter; its emits never happened', async () => {
    const { staged, passed, attempts } = await withWrong({ execute, onError: 'fail' })
    await staged.finish()
    expect(passed).toEqual(others)
    expect(attempts.get(3)).toBe(3)
    expect(staged.figures('wrong')).toMatchObject({ threwCount: 3, failedCount: 3 })
    expect(staged.figures('source')).toMatchObject({ replayedCount: 2, deadLetteredCount: 1, ackedCount: 9 })
    expect(staged.codes()).toEqual({ EXECUTE_THREW: 3, REPLAYS_EXHAUSTED: 1 })
  })

  test('dead-letter: kept with its values, code and attempts, and acked', async () => {
    const { staged, passed } = await withWrong({ execute, onError: 'dead-letter' })
    await staged.finish()
    expect(passed).toEqual(others)
    expect(staged.figures('wrong')).toMatchObject({ deadLetteredCount: 1, failedCount: 0, ackedCount: 10 })
    const letters = staged.events.flatMap((event) => (event.kind === 'dead-letter' ? [event.letter] : []))
    expect(letters).toMatchObject([
      { component: 'wrong', stream: 'source:default', values: { n: 3 }, code: 'EXECUTE_THREW', attempts: 1 },
    ])
  })

  test('skip: acked and counted', async () => {
    const { staged, passed } = await withWrong({ execute, onError: 'skip' })
    await staged.finish()
    expect(passed).toEqual(others)
    expect(staged.figures('wrong')).toMatchObject({ skippedCount: 1, ackedCount: 10, deadLetteredCount: 0 })
  })

  test('stop-topology: everything stays, and the run says why', async () => {
    const { staged } = await withWrong({ execute, onError: 'stop-topology' })
    await expect(staged.finish()).rejects.toMatchObject({ code: 'EXECUTE_THREW' })
    expect(staged.run.stoppedBy).toMatchObject({ code: 'EXECUTE_THREW' })
  })

  test('restart-worker: it starts again', async () => {
    const { staged } = await withWrong({ execute, onError: 'restart-worker' })
    await staged.pass(10_000)
    expect(staged.events.some((event) => event.kind === 'worker-restarted')).toBe(true)
  })

  test('retries: called again with waits, and fine in the end', async () => {
    const again = (n: number, attempt: number) => (attempt < 4 ? execute() : n && undefined)
    const onError = { retries: 3, then: 'fail', backoff: { first: '100ms', factor: 2, max: '1s' } } as const
    const { staged, passed, attempts } = await withWrong({ execute: again, onError })
    await staged.finish()
    expect(passed).toEqual([...Array(10).keys()])
    expect(attempts.get(3)).toBe(4)
    expect(staged.figures('wrong')).toMatchObject({ retriedCount: 3, failedCount: 0, ackedCount: 10 })
    // Waits of 100, 200 and 400 ms, of which up to a half is chance.
    expect(staged.nowMs).toBeGreaterThan(350)
  })
})

test('FailTuple fails the tuple on purpose: explicit, and no error is shown', async () => {
  const { staged } = await withWrong({
    execute: () => {
      throw new FailTuple('not mine')
    },
    onError: 'fail',
  })
  await staged.finish()
  expect(staged.codes()).toEqual({ REPLAYS_EXHAUSTED: 1 })
  expect(staged.figures('wrong')).toMatchObject({ failedCount: 3 })
})

test('FatalTaskError restarts the worker whatever the policy says, and is not retried', async () => {
  const { staged, attempts } = await withWrong({
    execute: (_n, attempt) => {
      if (attempt === 1) throw new FatalTaskError('lost my mind')
      return undefined
    },
    onError: { retries: 5, then: 'skip' },
  })
  await staged.finish()
  // Replayed before the worker ends, and read again by the one after it.
  expect(attempts.get(3)).toBe(3)
  expect(staged.figures('wrong').retriedCount).toBe(0)
  expect(staged.events.filter((event) => event.kind === 'worker-lost').length).toBe(1)
})

test('a full dead letter store makes dead-letter act as fail', async () => {
  const staged = await new StagedRun({
    config: { deadLetterMax: '1KiB', maxReplays: 10 },
    build(builder) {
      const text = fields({ text: 'string' })
      const items = ['x'.repeat(2_000)].map((each) => ({ text: each }))
      const source = builder.setSpout(
        'source',
        spoutFrom(text, () => items),
      )
      const bad = bolt({ input: text, onError: 'dead-letter', execute: throwing })
      builder.setBolt('bad', bad).shuffleGrouping(source)
    },
  }).start()
  await staged.pass(1_000)
  expect(staged.figures('bad').failedCount).toBeGreaterThan(1)
  expect(staged.figures('bad').deadLetteredCount).toBe(0)
  expect(staged.figures('source').pendingCount).toBe(1)
})

test('an emit after the call returned is refused and shown, and the call keeps its effect', async () => {
  const { staged, passed } = await withWrong({
    execute: () => undefined,
    onError: 'fail',
  })
  await staged.finish()
  expect(passed).toEqual([...Array(10).keys()])
  const late: number[] = []
  const other = await complete({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(1)),
      )
      const forgetful = bolt({
        input: number,
        output: number,
        execute: (tuple, out) => {
          out.emit({ n: 1 })
          void Promise.resolve().then(() => {
            out.emit({ n: tuple.values.n + 100 })
          })
        },
      })
      const next = builder.setBolt('forgetful', forgetful).shuffleGrouping(source)
      const last = bolt({ input: number, execute: (tuple) => void late.push(tuple.values.n) })
      builder.setBolt('last', last).shuffleGrouping(next)
    },
  })
  expect(late).toEqual([1])
  expect(other.codes()).toEqual({ EMIT_AFTER_ACK: 1 })
})

test('a bolt that never acks: the tree times out within 100 ms of its time, then dead letter', async () => {
  const failures: Array<readonly [number, string]> = []
  const staged = new StagedRun({
    config: { messageTimeout: '5s' },
    build(builder) {
      const source = spout({
        output: number,
        nextTuple(out) {
          if (failures.length === 0 && out.pendingCount === 0) out.emit({ n: 1 }, { messageId: 'm' })
        },
        fail: (_id, _prepared, failure) => void failures.push([staged.nowMs, failure.reason]),
      })
      builder
        .setBolt('deaf', richBolt({ input: number, execute: () => undefined }))
        .shuffleGrouping(builder.setSpout('source', source))
    },
  })
  await staged.start()
  const startMs = staged.nowMs
  await staged.pass(4_900)
  expect(failures).toEqual([])
  await staged.pass(300)
  expect(failures.map(([, reason]) => reason)).toEqual(['timeout'])
  expect(Math.abs((failures[0]?.[0] ?? 0) - startMs - 5_000)).toBeLessThan(100)
  expect(staged.figures('source').expiredCount).toBe(1)

  const engine = await complete({
    config: { messageTimeout: '2s', maxReplays: 1 },
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(3)),
      )
      builder.setBolt('deaf', richBolt({ input: number, execute: () => undefined })).shuffleGrouping(source)
    },
  })
  expect(engine.figures('source')).toMatchObject({ expiredCount: 6, replayedCount: 3, deadLetteredCount: 3 })
})

test('resetTimeout gives the full time again', async () => {
  const acked: number[] = []
  const staged = await new StagedRun({
    config: { messageTimeout: '2s', workers: 2, ackerExecutors: 1 },
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(4)),
      )
      const slow = richBolt({
        input: number,
        tickInterval: '1s',
        prepare: () => ({ held: [] as Array<{ reset: () => void; ack: () => void }>, ticks: 0 }),
        execute: (tuple, out, state) => {
          state.held.push({
            reset: () => out.resetTimeout(tuple),
            ack: () => {
              out.ack(tuple)
              acked.push(tuple.values.n)
            },
          })
        },
        onTick: (_out, state) => {
          state.ticks += 1
          for (const each of state.held) state.ticks < 7 ? each.reset() : each.ack()
          if (state.ticks >= 7) state.held = []
        },
      })
      builder.setBolt('slow', slow, { executors: 2 }).shuffleGrouping(source)
    },
  }).start()
  await staged.finish()
  expect(acked.sort()).toEqual([0, 1, 2, 3])
  expect(staged.figures('source')).toMatchObject({ expiredCount: 0, ackedCount: 4 })
})

test('a spout that throws is asked again after growing waits, and nothing else stops', async () => {
  let calls = 0
  const staged = await new StagedRun({
    build(builder) {
      const source = spout({
        output: number,
        nextTuple(out) {
          calls += 1
          if (calls % 2 === 1) throw new RangeError('no disk')
          out.emit({ n: calls })
        },
      })
      const throwsAlways = spout({ output: number, nextTuple: throwing })
      builder.setSpout('source', source)
      builder.setSpout('always', throwsAlways)
    },
  }).start()
  await staged.pass(60_000)
  expect(calls).toBeGreaterThan(1_000)
  const { threwCount } = staged.figures('always')
  expect(threwCount).toBeGreaterThan(8)
  expect(threwCount).toBeLessThan(30)
  expect(staged.run.errors.all().map((group) => group.code)).toEqual(['SPOUT_THREW', 'SPOUT_THREW'])
})

test('activate, deactivate, ack and fail of a spout that throw are shown, no more', async () => {
  const staged = await new StagedRun({
    build(builder) {
      let count = 0
      const source = spout({
        output: number,
        activate: throwing,
        deactivate: throwing,
        nextTuple(out) {
          if (count < 3) out.emit({ n: count }, { messageId: count })
          count += 1
        },
        ack: throwing,
      })
      builder.setSpout('source', source)
    },
  }).start()
  await staged.pass(1_000)
  staged.run.deactivate()
  expect(staged.figures('source')).toMatchObject({ threwCount: 5, pendingCount: 0 })
  await staged.end()
})

test('more failures than allowed in the window stop the topology', async () => {
  const staged = await new StagedRun({
    config: { maxFailures: 3, maxFailuresWindow: '10s' },
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(100)),
      )
      builder
        .setBolt('bad', bolt({ input: number, onError: 'skip', execute: throwing }))
        .shuffleGrouping(source)
    },
  }).start()
  await expect(staged.finish()).rejects.toMatchObject({ code: 'TOO_MANY_FAILURES' })
})

test('hooks that throw are shown and change nothing', async () => {
  const seen: number[] = []
  const staged = await complete({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(5)),
      )
      const sink = plainSink<{ n: number }>({ write: (items) => void seen.push(...items.map(({ n }) => n)) })
      const pass = bolt({
        input: number,
        output: number,
        execute: (tuple, out) => out.emit({ n: tuple.values.n }),
      })
      builder.setBolt('sink', sink).shuffleGrouping(builder.setBolt('pass', pass).shuffleGrouping(source))
      builder.addTaskHook(() => ({
        emit: throwing,
        execute: throwing,
        ack: throwing,
        spoutAck: throwing,
        cleanup: throwing,
      }))
    },
  })
  expect(staged.figures('source')).toMatchObject({ ackedCount: 5, failedCount: 0 })
  expect(staged.figures('pass')).toMatchObject({ ackedCount: 5, threwCount: 0 })
  await staged.end()
  expect(seen.sort()).toEqual([0, 1, 2, 3, 4])
})

test('only what was prepared is cleaned up when a start fails, and the error says who', async () => {
  const calls: string[] = []
  const named = (name: string, prepare: () => void) =>
    bolt({ input: number, prepare, execute: () => undefined, cleanup: () => void calls.push(name) })
  const staged = new StagedRun({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(1)),
      )
      builder
        .setBolt(
          'a',
          named('a', () => undefined),
        )
        .shuffleGrouping(source)
      builder.setBolt('b', named('b', throwing)).shuffleGrouping(source)
      builder
        .setBolt(
          'c',
          named('c', () => undefined),
        )
        .shuffleGrouping(source)
    },
  })
  await expect(staged.start()).rejects.toMatchObject({ code: 'PREPARE_THREW', details: { component: 'b' } })
  expect(calls).toEqual(['a'])
})
