// biome-ignore-all lint/suspicious/noThenProperty: a broken thenable is a case
/** What must come to an end does: stops, drains, promises that never do, tasks of workers that are gone. */
import { expect, test } from 'vitest'
import {
  bolt,
  FatalTaskError,
  fields,
  plainSink,
  replayableSpout,
  richBolt,
  spout,
  spoutFrom,
  type TopologyBuilder,
} from '../../src/index.ts'
import { StagedRun } from './staged-run.ts'

const number = fields({ n: 'int' })
const numbers = (...all: number[]) => all.map((n) => ({ n }))
const never = () => new Promise<void>(() => undefined)

async function started(build: (builder: TopologyBuilder, staged: () => StagedRun) => void) {
  const staged: StagedRun = new StagedRun({
    config: { maxReplays: 2 },
    build: (builder) => build(builder, () => staged),
  })
  return await staged.start()
}

test.each([
  ['at once', true],
  ['later', false],
])('a retryIf that throws is reported, and the policy goes on; the call threw %s', async (_when, isSync) => {
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, () => numbers(1, 2, 3)),
    )
    const failing = bolt({
      input: number,
      chain: false,
      onError: {
        retries: 3,
        then: 'skip',
        retryIf: () => {
          throw new TypeError('retryIf broke')
        },
      },
      execute: (tuple) => {
        if (tuple.values.n !== 2) return undefined
        if (isSync) throw new Error('no')
        return Promise.reject(new Error('no'))
      },
    })
    builder.setBolt('failing', failing).shuffleGrouping(source)
  })
  await staged.finish()
  expect(staged.figures('failing').skippedCount).toBe(1)
  const shown = staged.events.flatMap((event) => (event.kind === 'error' ? [event.shown.error.message] : []))
  expect(shown).toContainEqual(expect.stringContaining('retryIf broke'))
})

test('a thenable whose `then` cannot even be read counts as a call that threw', async () => {
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, () => numbers(1)),
    )
    const broken = {
      get then(): never {
        throw new Error('no then')
      },
    }
    const failing = bolt({ input: number, chain: false, onError: 'skip', execute: () => broken as never })
    builder.setBolt('failing', failing).shuffleGrouping(source)
  })
  await staged.finish()
  expect(staged.events.filter(({ kind }) => kind === 'worker-lost')).toEqual([])
  expect(staged.figures('failing').skippedCount).toBe(1)
})

test('an error whose message cannot be read is an error like others', async () => {
  class Unreadable extends Error {
    override get message(): string {
      throw new Error('no message')
    }
  }
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, () => numbers(1)),
    )
    const failing = bolt({
      input: number,
      onError: 'skip',
      execute: () => Promise.reject(new Unreadable()),
    })
    builder.setBolt('failing', failing).shuffleGrouping(source)
  })
  await staged.finish()
  expect(staged.figures('failing').skippedCount).toBe(1)
})

test('the source of a worker that is gone cannot stop the topology', async () => {
  let openedCount = 0
  let hasDied = false
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, async function* (context) {
        openedCount += 1
        yield { n: openedCount }
        if (openedCount > 1) return
        await new Promise((_resolve, reject) => {
          context.signal.addEventListener('abort', () => reject(new Error('aborted')))
        })
      }),
    )
    const dying = bolt({
      input: number,
      execute: () => {
        if (hasDied) return
        hasDied = true
        throw new FatalTaskError('once')
      },
    })
    builder.setBolt('dying', dying).shuffleGrouping(source)
  })
  await staged.finish()
  expect(openedCount).toBe(2)
  expect(staged.codes()['SOURCE_ENDED_WITH_ERROR']).toBeUndefined()
})

test('a source that waits for an item does not keep a run from stopping', async () => {
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, async function* () {
        yield { n: 1 }
        await never()
      }),
    )
    builder.setBolt('last', bolt({ input: number, execute: () => undefined })).shuffleGrouping(source)
  })
  await staged.pass(100)
  await staged.end()
  expect(staged.run.state).toBe('stopped')
})

test('a drain emits again what failed: it ends as soon as that is done', async () => {
  let failures = 4
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, async function* () {
        yield { n: 1 }
        await never()
      }),
    )
    const failing = bolt({
      input: number,
      onError: { retries: 0, then: 'fail' },
      execute: () => {
        failures -= 1
        if (failures >= 2) throw new Error('not yet')
      },
    })
    builder.setBolt('failing', failing).shuffleGrouping(source)
  })
  await staged.pass(5)
  const isDry = await staged.stage.drive(staged.run.drain(20_000))
  expect(isDry).toBe(true)
  expect(staged.figures('source').ackedCount).toBe(1)
})

test('an emit that fails in one bolt and cannot be sent to another is given up once', async () => {
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, () => numbers(1, 2, 3)),
    )
    const failing = bolt({
      input: number,
      execute: ({ values }) => {
        if (values.n === 2) throw new Error('no')
      },
    })
    builder.setBolt('failing', failing).shuffleGrouping(source)
    const last = builder.setBolt('last', bolt({ input: number, execute: () => undefined }))
    last.customGrouping(source, (tasks) => ({ n }) => {
      if (n === 2) throw new Error('to nobody')
      return tasks[0] ?? 0
    })
  })
  await staged.finish()
  expect(staged.figures('source').pendingCount).toBe(0)
  expect(staged.run.deadLetters.letters.map(({ values }) => values)).toEqual([{ n: 2 }])
})

test('signals that were read after their call are not kept', async () => {
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, () => numbers(...Array(100).keys())),
    )
    const late = richBolt({
      input: number,
      execute: (tuple, collector) => {
        void Promise.resolve().then(() => {
          void tuple.signal
          collector.ack(tuple)
          void tuple.signal
        })
      },
    })
    builder.setBolt('late', late).shuffleGrouping(source)
  })
  await staged.finish()
  await staged.pass(200)
  const kept = staged.run.workers.flatMap(({ boltTasks }) => boltTasks.map(({ calls }) => calls.signalCount))
  expect(kept).toEqual([0])
})

test('`timeout` is for ticks, too: one that never ends does not block its bolt for good', async () => {
  let seenCount = 0
  const staged = await started((builder, run) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, async function* () {
        for (const item of numbers(...Array(20).keys())) {
          await run().sleep(100)
          yield item
        }
      }),
    )
    const ticking = bolt({
      input: number,
      timeout: '100ms',
      tickInterval: '500ms',
      onTick: never,
      execute: () => {
        seenCount += 1
      },
    })
    builder.setBolt('ticking', ticking).shuffleGrouping(source)
  })
  await staged.finish(20_000)
  expect(seenCount).toBe(20)
})

test('a sink whose write never ends does not keep a run from stopping for ever', async () => {
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, () => numbers(1)),
    )
    const stuck = plainSink({ input: number, write: never })
    builder.setBolt('stuck', stuck).shuffleGrouping(source)
  })
  await staged.pass(200)
  await staged.end()
  expect(staged.run.state).toBe('stopped')
  expect(staged.codes()['OPERATION_TIMED_OUT']).toBe(1)
})

test('a dead letter of a source that its reader refuses goes to the store', async () => {
  let hasRefused = false
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spoutFrom(number, () => numbers(1, 2)),
    )
    const failing = bolt({
      input: number,
      execute: ({ values }) => {
        if (values.n === 2) throw new Error('no')
      },
    })
    builder.setBolt('failing', failing).shuffleGrouping(source)
    const reader = bolt({
      execute: () => {
        hasRefused = true
        throw new Error('away for a moment')
      },
    })
    builder.setBolt('reader', reader).globalGrouping(builder.deadLetters)
  })
  await staged.finish()
  expect(hasRefused).toBe(true)
  expect(staged.run.deadLetters.letters.map(({ code, values }) => [code, values])).toEqual([
    ['REPLAYS_EXHAUSTED', { n: 2 }],
  ])
})

test('a worker that cannot start has the others clean up', async () => {
  const calls: string[] = []
  const staged = new StagedRun({
    config: { workers: 2 },
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => numbers(1)),
      )
      const half = bolt({
        input: number,
        prepare: ({ worker }) => {
          if (worker.port === 2) throw new Error('no')
          calls.push('prepared')
        },
        cleanup: () => {
          calls.push('cleaned up')
        },
        execute: () => undefined,
      })
      builder.setBolt('half', half, 4).shuffleGrouping(source)
    },
  })
  await expect(staged.start()).rejects.toThrow('could not start')
  expect(calls.filter((call) => call === 'cleaned up').length).toBe(
    calls.filter((call) => call === 'prepared').length,
  )
})

test('a task that had read all its partitions reads one that is added', async () => {
  const read: string[] = []
  let partitions = ['a']
  const staged = await started((builder) => {
    const source = replayableSpout({
      output: number,
      partitionRefresh: '1s',
      partitions: () => Promise.resolve(partitions),
      async *read(partition, _position: number | undefined, signal) {
        read.push(partition)
        yield [{ values: { n: 1 }, position: 1 }]
        if (partition === 'a') await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    const handle = builder.setSpout('source', source, 2)
    builder.setBolt('last', bolt({ input: number, execute: () => undefined })).shuffleGrouping(handle)
  })
  await staged.pass(500)
  partitions = ['a', 'b']
  await staged.pass(2_000)
  expect(read).toEqual(['a', 'b'])
  expect(staged.figures('source').ackedCount).toBe(2)
  await staged.end()
})

test('what a task that is gone still emits is not kept', async () => {
  let emit: (n: number) => void = () => undefined
  let pending = () => 0
  const staged = await started((builder) => {
    const source = builder.setSpout(
      'source',
      spout({
        output: number,
        nextTuple(out) {
          emit = (n) => out.emit({ n }, { messageId: n })
          pending = () => out.pendingCount
        },
      }),
    )
    builder
      .setBolt('last', bolt({ input: number, chain: false, execute: () => undefined }))
      .shuffleGrouping(source)
  })
  await staged.pass(100)
  const worker = staged.run.workers[0]
  await staged.end()
  for (let n = 0; n < 1_000; n += 1) emit(n)
  expect(pending()).toBe(0)
  expect(worker?.bolts.map((each) => each.inbox.count)).toEqual([0])
})
