/** Sources: room, replays, readers that fail, partitions. */
import { describe, expect, test } from 'vitest'
import { bolt, fields, replayableSpout, richBolt, spout, spoutFrom } from '../../src/index.ts'
import { complete, StagedRun } from './staged-run.ts'

const number = fields({ n: 'int' })

function* upTo(count: number) {
  for (let n = 0; n < count; n += 1) yield { n }
}

const ignore = bolt({ input: number, execute: () => undefined })

describe('room', () => {
  test('no more tuples are in flight than may be, and the source goes on as they are acked', async () => {
    const held: Array<() => void> = []
    let most = 0
    const staged = await new StagedRun({
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(number, () => upTo(200)),
          { maxSpoutPending: 7 },
        )
        const hold = richBolt({
          input: number,
          execute: (tuple, out) => {
            held.push(() => out.ack(tuple))
            most = Math.max(most, held.length)
          },
        })
        builder.setBolt('hold', hold).shuffleGrouping(source)
      },
    }).start()
    for (let round = 0; round < 200; round += 1) {
      await staged.pass(10)
      held.shift()?.()
    }
    await staged.pass(100)
    expect(most).toBe(7)
    expect(staged.figures('source').ackedCount).toBe(200)
  })

  test.each([1, 3, 10])(
    'with all %i places taken by items that failed, they are replayed all the same',
    async (max) => {
      const attempts = new Map<number, number>()
      const staged = await complete({
        build(builder) {
          const source = builder.setSpout(
            'source',
            spoutFrom(number, () => upTo(30)),
            { maxSpoutPending: max },
          )
          const failing = bolt({
            input: number,
            onError: 'fail',
            execute: (tuple) => {
              const attempt = (attempts.get(tuple.values.n) ?? 0) + 1
              attempts.set(tuple.values.n, attempt)
              if (attempt < 4) throw new TypeError('not yet')
            },
          })
          builder.setBolt('failing', failing).shuffleGrouping(source)
        },
      })
      expect([...attempts.values()]).toEqual(new Array<number>(30).fill(4))
      expect(staged.figures('source')).toMatchObject({ ackedCount: 30, replayedCount: 90, pendingCount: 0 })
    },
  )

  test('a spout that emits many at once is asked again only when there is room', async () => {
    let calls = 0
    const staged = await new StagedRun({
      build(builder) {
        const source = spout({
          output: number,
          nextTuple(out) {
            calls += 1
            for (let n = 0; n < 50; n += 1) out.emit({ n }, { messageId: `${calls}/${n}` })
          },
        })
        const deaf = richBolt({ input: number, execute: () => undefined })
        builder
          .setBolt('deaf', deaf)
          .shuffleGrouping(builder.setSpout('source', source, { maxSpoutPending: 60 }))
      },
    }).start()
    await staged.pass(1_000)
    expect(calls).toBe(2)
    expect(staged.figures('source').pendingCount).toBe(100)
  })
})

describe('forms of an iterable source', () => {
  const forms: ReadonlyArray<readonly [string, () => Iterable<unknown> | AsyncIterable<unknown>]> = [
    ['a list', () => [...upTo(9)]],
    ['a generator', () => upTo(9)],
    ['lists of items', () => [[...upTo(4)], [], [...upTo(9)].slice(4)]],
    [
      'an asynchronous generator',
      async function* () {
        yield* upTo(9)
      },
    ],
    [
      'an asynchronous generator of lists',
      async function* () {
        yield [...upTo(9)]
      },
    ],
  ]
  test.each(forms)('%s', async (_name, open) => {
    const seen: number[] = []
    await complete({
      build(builder) {
        const source = builder.setSpout('source', spoutFrom(number, open as never))
        const last = bolt({ input: number, execute: (tuple) => void seen.push(tuple.values.n) })
        builder.setBolt('last', last).shuffleGrouping(source)
      },
    })
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  const broken: ReadonlyArray<readonly [string, () => unknown, string]> = [
    [
      'throws at once',
      function* () {
        yield { n: 0 }
        throw new TypeError('gone')
      },
      'SOURCE_ENDED_WITH_ERROR',
    ],
    [
      'rejects',
      async function* () {
        yield { n: 0 }
        throw new TypeError('gone')
      },
      'SOURCE_ENDED_WITH_ERROR',
    ],
    [
      'gives results that are none',
      () => ({ [Symbol.iterator]: () => ({ next: () => 5 }) }),
      'VALUE_INVALID',
    ],
    [
      'promises results that are none',
      () => ({ [Symbol.asyncIterator]: () => ({ next: async () => 5 }) }),
      'VALUE_INVALID',
    ],
  ]
  test.each(broken)('a source that %s stops the topology with its code', async (_name, open, code) => {
    const staged = await new StagedRun({
      build: (builder) => {
        builder
          .setBolt('last', ignore)
          .shuffleGrouping(builder.setSpout('source', spoutFrom(number, open as never)))
      },
    }).start()
    await expect(staged.finish()).rejects.toMatchObject({ code })
  })
})

/** Two partitions of 40 items in batches of 5; the positions are numbers. */
function partitioned(options: { readonly onRead?: (partition: string, after: number) => void } = {}) {
  return replayableSpout<{ n: number }, number>({
    output: number,
    partitions: () => ['a', 'b'],
    async *read(partition: string, after: number | undefined) {
      const first = (after ?? -1) + 1
      options.onRead?.(partition, first)
      for (let at = first; at < 40; at += 5) {
        yield Array.from({ length: Math.min(5, 40 - at) }, (_, i) => ({
          values: { n: at + i + (partition === 'a' ? 0 : 100) },
          position: at + i,
        }))
      }
    },
  } as never)
}

describe('a replayable source', () => {
  test.each([1, 2])('with %i tasks reads every item of every partition once', async (executors) => {
    const seen: number[] = []
    const reads: string[] = []
    const staged = await complete({
      build(builder) {
        const source = partitioned({ onRead: (partition) => void reads.push(partition) })
        const last = bolt({ input: number, execute: (tuple) => void seen.push(tuple.values.n) })
        builder.setBolt('last', last).shuffleGrouping(builder.setSpout('source', source, { executors }))
      },
    })
    expect(seen.sort((a, b) => a - b)).toEqual([
      ...Array(40).keys(),
      ...Array.from({ length: 40 }, (_, n) => n + 100),
    ])
    expect(reads.sort()).toEqual(['a', 'b'])
    const progress = staged.run.workers.flatMap((worker) => worker.progress())
    expect(
      progress.map(({ partition, position, isFinished }) => [partition, position, isFinished]).sort(),
    ).toEqual([
      ['a', 39, true],
      ['b', 39, true],
    ])
  })

  test('a reader that throws is opened again after the last item it gave, with growing waits', async () => {
    const opened: Array<readonly [number, number]> = []
    const seen: number[] = []
    const staged = new StagedRun({
      build(builder) {
        const source = replayableSpout<{ n: number }, number>({
          output: number,
          partitions: () => ['a'],
          async *read(_partition: string, after: number | undefined) {
            const first = (after ?? -1) + 1
            opened.push([first, staged.nowMs])
            yield { values: { n: first }, position: first }
            if (opened.length < 5) throw new TypeError('connection lost')
          },
        } as never)
        const last = bolt({ input: number, execute: (tuple) => void seen.push(tuple.values.n) })
        builder.setBolt('last', last).shuffleGrouping(builder.setSpout('source', source))
      },
    })
    await staged.start()
    await staged.finish()
    expect(opened.map(([first]) => first)).toEqual([0, 1, 2, 3, 4])
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(staged.codes()).toEqual({ SOURCE_ENDED_WITH_ERROR: 4 })
  })

  test('items that are none stop the topology with a typed error', async () => {
    const staged = await new StagedRun({
      build(builder) {
        const source = replayableSpout<{ n: number }, number>({
          output: number,
          partitions: () => ['a'],
          async *read() {
            yield [null, 5]
          },
        } as never)
        builder.setBolt('last', ignore).shuffleGrouping(builder.setSpout('source', source))
      },
    }).start()
    await expect(staged.finish()).rejects.toMatchObject({ code: 'VALUE_INVALID' })
  })

  test('the position stands still at an item that fails, and passes it with its dead letter', async () => {
    const staged = await new StagedRun({
      config: { maxReplays: 3 },
      build(builder) {
        const bad = bolt({
          input: number,
          onError: 'fail',
          execute: (tuple) => {
            if (tuple.values.n === 7) throw new TypeError('never')
          },
        })
        const source = builder.setSpout('source', partitioned())
        builder.setBolt('bad', bad).shuffleGrouping(source)
      },
    }).start()
    const at = () => staged.run.workers[0]?.progress().find(({ partition }) => partition === 'a')?.position
    await staged.pass(15)
    expect(at()).toBe(6)
    await staged.finish()
    expect(at()).toBe(39)
    expect(staged.figures('source')).toMatchObject({ deadLetteredCount: 1, failedCount: 4, replayedCount: 3 })
  })

  test('a partition that went and came back is read on', async () => {
    let names = ['a', 'b']
    const seen: string[] = []
    let held: () => void = () => undefined
    const staged = await new StagedRun({
      build(builder) {
        const text = fields({ text: 'string' })
        const source = replayableSpout<{ text: string }, number>({
          output: text,
          partitions: () => names,
          partitionRefresh: '1s',
          async *read(partition: string, after: number | undefined, signal: AbortSignal) {
            const at = (after ?? 0) + 1
            yield { values: { text: `${partition}${at}` }, position: at }
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
          },
        } as never)
        // Of `b` the first item is held, so that its reader is still there when the partition comes back.
        const last = richBolt({
          input: text,
          execute: (tuple, out) => {
            seen.push(tuple.values.text)
            if (tuple.values.text === 'b1') held = () => out.ack(tuple)
            else out.ack(tuple)
          },
        })
        builder.setBolt('last', last).shuffleGrouping(builder.setSpout('source', source))
      },
    }).start()
    await staged.pass(1_500)
    names = ['a']
    await staged.pass(3_000)
    names = ['a', 'b']
    await staged.pass(2_000)
    expect(seen.slice(0, 2).sort()).toEqual(['a1', 'b1'])
    // Not only when what was in flight is done.
    expect(seen.slice(2)).toEqual(['b2'])
    const at = () => staged.run.workers[0]?.progress().find(({ partition }) => partition === 'b')?.position
    expect(at()).toBe(undefined)
    held()
    await staged.pass(5_000)
    expect(at()).toBe(2)
    expect(seen.length).toBe(3)
    staged.run.kill()
  })

  test('a partition that comes or goes does not move the others to other tasks', async () => {
    let names = ['b', 'd', 'f', 'h', 'k-1', 'k-2', 'k-10']
    const opened: string[] = []
    const staged = await new StagedRun({
      build(builder) {
        const source = replayableSpout<{ n: number }, number>({
          output: number,
          partitions: () => names,
          partitionRefresh: '1s',
          async *read(partition: string, after: number | undefined, signal: AbortSignal) {
            opened.push(partition)
            yield { values: { n: 1 }, position: (after ?? 0) + 1 }
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
          },
        } as never)
        const handle = builder.setSpout('source', source, { executors: 3 })
        builder.setBolt('last', bolt({ input: number, execute: () => undefined })).shuffleGrouping(handle)
      },
    }).start()
    await staged.pass(1_500)
    const before = [...names]
    expect([...opened].sort()).toEqual([...before].sort())
    for (const more of ['a', 'c', 'k-3', 'e']) {
      names = [...names, more]
      await staged.pass(2_500)
    }
    names = names.filter((name) => name !== 'b' && name !== 'k-1')
    await staged.pass(2_500)
    expect([...opened].sort()).toEqual([...before, 'a', 'c', 'k-3', 'e'].sort())
    staged.run.kill()
  })
})

test('a worker that dies: what it had in flight is read again, what was done before is not', async () => {
  const counts = new Map<number, number>()
  const staged = await new StagedRun({
    config: { workers: 2 },
    build(builder) {
      const slow = bolt({
        input: number,
        execute: async (tuple) => {
          await new Promise<void>((resolve) => staged.stage.world.timers.after(20, resolve))
          counts.set(tuple.values.n, (counts.get(tuple.values.n) ?? 0) + 1)
        },
      })
      builder
        .setBolt('slow', slow, { executors: 2 })
        .shuffleGrouping(builder.setSpout('source', partitioned()))
    },
  }).start()
  await staged.pass(500)
  staged.run.killWorker(1)
  await staged.finish()
  expect(counts.size).toBe(80)
  const twice = [...counts.values()].filter((count) => count > 1).length
  expect(twice).toBeLessThan(60)
})
