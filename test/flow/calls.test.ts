// biome-ignore-all lint/suspicious/noThenProperty: the error policy has it
/** Asynchronous calls, chains, gates and control calls of bolts. */
import { describe, expect, test } from 'vitest'
import type { ComponentConfig } from '../../src/config/topology-config.ts'
import { bolt, fields, richBolt, spoutFrom } from '../../src/index.ts'
import type { Tuple } from '../../src/topology/tuple.ts'
import { complete, StagedRun } from './staged-run.ts'

const keyed = fields({ n: 'int', key: 'string' })
const keys = ['a', 'b', 'c']

function* items(count: number) {
  for (let n = 0; n < count; n += 1) yield { n, key: keys[n % 3] ?? '' }
}

/** Calls take 30 ms, but every fourth 200 ms. */
async function asyncRun(settings: ComponentConfig, count = 24) {
  const began: number[] = []
  const passed: number[] = []
  let open = 0
  let most = 0
  const openOf = new Map<string, number>()
  let mostOfKey = 0
  const staged = new StagedRun({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(keyed, () => items(count)),
      )
      const slow = bolt({
        input: keyed,
        output: keyed,
        ...settings,
        execute: async (tuple, out) => {
          const { n, key } = tuple.values
          began.push(n)
          open += 1
          most = Math.max(most, open)
          openOf.set(key, (openOf.get(key) ?? 0) + 1)
          mostOfKey = Math.max(mostOfKey, openOf.get(key) ?? 0)
          await new Promise<void>((resolve) =>
            staged.stage.world.timers.after(n % 4 === 0 ? 200 : 30, resolve),
          )
          open -= 1
          openOf.set(key, (openOf.get(key) ?? 0) - 1)
          out.emit({ n, key })
        },
      })
      const next = builder.setBolt('slow', slow).fieldsGrouping(source, 'key')
      builder
        .setBolt('last', bolt({ input: keyed, execute: (tuple) => void passed.push(tuple.values.n) }))
        .shuffleGrouping(next)
    },
  })
  await staged.start()
  await staged.finish()
  return { staged, began, passed, most, mostOfKey }
}

const ordered = Array.from({ length: 24 }, (_, n) => n)

describe('order and concurrency', () => {
  test('one at a time, if nothing else is asked for', async () => {
    const { passed, most } = await asyncRun({ concurrency: 1 })
    expect(passed).toEqual(ordered)
    expect(most).toBe(1)
  })

  test('input: many run, and take effect in the order of their tuples', async () => {
    const { passed, most } = await asyncRun({ concurrency: 8, order: 'input' })
    expect(passed).toEqual(ordered)
    expect(most).toBe(8)
  })

  test('key: one of a key at a time, in its order', async () => {
    const { passed, most, mostOfKey } = await asyncRun({ concurrency: 8, order: 'key' })
    expect(mostOfKey).toBe(1)
    expect(most).toBe(3)
    for (const k of [0, 1, 2]) {
      expect(passed.filter((n) => n % 3 === k)).toEqual(ordered.filter((n) => n % 3 === k))
    }
    expect(passed).not.toEqual(ordered)
  })

  test('none: as they come, never more than the concurrency', async () => {
    const { passed, most } = await asyncRun({ concurrency: 5, order: 'none' })
    expect(most).toBe(5)
    expect(passed).not.toEqual(ordered)
    expect([...passed].sort((a, b) => a - b)).toEqual(ordered)
  })

  test('a long line of one key is worked off without a deep stack', async () => {
    let release: () => void = () => undefined
    const done: number[] = []
    const staged = await new StagedRun({
      build(builder) {
        const many = function* () {
          for (let n = 0; n < 9_000; n += 1) yield { n, key: 'hot' }
        }
        const source = builder.setSpout('source', spoutFrom(keyed, many), { maxSpoutPending: 10_000 })
        const first = bolt({
          input: keyed,
          concurrency: 10_000,
          order: 'key',
          execute: (tuple) => {
            done.push(tuple.values.n)
            if (tuple.values.n > 0) return undefined
            return new Promise<void>((resolve) => {
              release = resolve
            })
          },
        })
        builder.setBolt('first', first).fieldsGrouping(source, 'key')
      },
    }).start()
    await staged.pass(1_000)
    expect(done).toEqual([0])
    release()
    await staged.finish()
    expect(done.length).toBe(9_000)
    expect(done).toEqual([...done].sort((a, b) => a - b))
    expect(staged.codes()).toEqual({})
  })
})

describe('timeouts and signals', () => {
  test('a call over its time fails, its signal aborts, what it does later counts for nothing', async () => {
    const aborted: number[] = []
    const passed: number[] = []
    const attempts = new Map<number, number>()
    const staged = new StagedRun({
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(keyed, () => items(3)),
        )
        const slow = bolt({
          input: keyed,
          output: keyed,
          concurrency: 3,
          timeout: '100ms',
          onError: { retries: 1, then: 'fail', backoff: { first: '10ms' } },
          execute: async (
            tuple: Tuple<{ n: number; key: string }>,
            out: { emit: (values: object) => void },
          ) => {
            const { n, key } = tuple.values
            const attempt = (attempts.get(n) ?? 0) + 1
            attempts.set(n, attempt)
            tuple.signal.addEventListener('abort', () => void aborted.push(n))
            const waitMs = n === 1 && attempt < 3 ? 250 : 20
            await new Promise<void>((resolve) => staged.stage.world.timers.after(waitMs, resolve))
            out.emit({ n, key })
          },
        } as never)
        const next = builder.setBolt('slow', slow).shuffleGrouping(source)
        const last = bolt({ input: keyed, execute: (tuple) => void passed.push(tuple.values.n) })
        builder.setBolt('last', last).shuffleGrouping(next as never)
      },
    })
    await staged.start()
    await staged.finish()
    await staged.pass(1_000)
    expect(passed.sort()).toEqual([0, 1, 2])
    expect(attempts.get(1)).toBe(3)
    expect(aborted).toEqual([1, 1])
    expect(staged.figures('slow')).toMatchObject({ retriedCount: 1, failedCount: 1, threwCount: 2 })
    expect(staged.codes()).toMatchObject({ EXECUTE_TIMEOUT: 1 })
  })

  test('the signal of a call aborts when its tree has its verdict elsewhere', async () => {
    const aborted: number[] = []
    const staged = await new StagedRun({
      config: { messageTimeout: '1s', maxReplays: 0 },
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(keyed, () => items(1)),
        )
        const slow = bolt({
          input: keyed,
          execute: (tuple) =>
            new Promise<void>((resolve) => {
              tuple.signal.addEventListener('abort', () => {
                aborted.push(staged.nowMs)
                resolve()
              })
            }),
        })
        builder.setBolt('slow', slow).shuffleGrouping(source)
      },
    }).start()
    const startMs = staged.nowMs
    await staged.finish()
    expect(aborted.length).toBe(1)
    expect(Math.abs((aborted[0] ?? 0) - startMs - 1_000)).toBeLessThan(200)
  })
})

describe('order along an edge', () => {
  test.each([true, false])(
    'with chain %s and a bolt that is now fast, now slow, no tuple overtakes another',
    async (chain) => {
      const seen: number[] = []
      await complete({
        build(builder) {
          const source = builder.setSpout(
            'source',
            spoutFrom(keyed, () => items(300)),
          )
          const pass = bolt({
            input: keyed,
            output: keyed,
            chain,
            execute: (tuple, out) => out.emit(tuple.values),
          })
          const first = builder.setBolt('first', pass).shuffleGrouping(source)
          const moody = bolt({
            input: keyed,
            output: keyed,
            chain,
            execute: (tuple, out) => {
              if (tuple.values.n % 7 === 0) return Promise.resolve().then(() => out.emit(tuple.values))
              out.emit(tuple.values)
              return undefined
            },
          })
          const second = builder.setBolt('moody', moody).shuffleGrouping(first)
          builder
            .setBolt(
              'last',
              bolt({ input: keyed, chain, execute: (tuple) => void seen.push(tuple.values.n) }),
            )
            .shuffleGrouping(second)
        },
      })
      expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => n))
    },
  )
})

describe('backpressure', () => {
  test.each([1, 2])(
    'in %i workers a slow bolt holds the source; queues keep their bounds',
    async (workers) => {
      const staged = await new StagedRun({
        config: { workers, guarantee: 'at-most-once' },
        build(builder) {
          const endless = function* () {
            for (let n = 0; ; n += 1) yield { n, key: 'k' }
          }
          const source = builder.setSpout('source', spoutFrom(keyed, endless))
          const thrice = bolt({
            input: keyed,
            output: keyed,
            chain: false,
            execute: (tuple, out) => {
              for (let n = 0; n < 3; n += 1) out.emit(tuple.values)
            },
          })
          const many = builder
            .setBolt('thrice', thrice, { executorReceiveBufferSize: 64 })
            .shuffleGrouping(source)
          const stuck = bolt({
            input: keyed,
            chain: false,
            execute: () => new Promise<void>((resolve) => void staged.stage.world.timers.after(10, resolve)),
          })
          builder.setBolt('stuck', stuck, { executorReceiveBufferSize: 64 }).shuffleGrouping(many)
        },
      }).start()
      await staged.pass(2_000)
      const queued = () => staged.figures('thrice').queuedCount + staged.figures('stuck').queuedCount
      const before = { queued: queued(), emitted: staged.figures('source').emittedCount }
      if (workers === 1) expect(before.queued).toBeLessThan(140)
      expect(staged.figures('stuck').executedCount).toBeGreaterThan(150)
      expect(staged.figures('thrice').blockedMs).toBeGreaterThan(500)
      await staged.pass(4_000)
      // Between workers the bound is the link's credit, and it is used up: nothing grows any more.
      expect(queued()).toBeLessThanOrEqual(before.queued + 64)
      expect(staged.figures('source').emittedCount - before.emitted).toBeLessThan(500)
      staged.run.kill()
    },
  )

  test('ticks that emit wait at the gate like everything else', async () => {
    const staged = await new StagedRun({
      config: { guarantee: 'at-most-once' },
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(keyed, () => items(1)),
        )
        const ticking = bolt({
          input: keyed,
          output: keyed,
          tickInterval: '10ms',
          execute: () => undefined,
          onTick: (out) => {
            for (let n = 0; n < 40; n += 1) out.emit({ n, key: 'tick' })
          },
        })
        const many = builder.setBolt('ticking', ticking).shuffleGrouping(source)
        const stuck = bolt({
          input: keyed,
          chain: false,
          execute: () => new Promise<void>((resolve) => void staged.stage.world.timers.after(1_000, resolve)),
        })
        builder.setBolt('stuck', stuck, { executorReceiveBufferSize: 64 }).shuffleGrouping(many)
      },
    }).start()
    await staged.pass(5_000)
    expect(staged.figures('stuck').queuedCount).toBeLessThan(110)
    staged.run.kill()
  })

  test('a cycle with small inboxes does not stand still', async () => {
    const rounds = fields({ left: 'int' })
    let ended = 0
    const staged = await complete({
      build(builder) {
        const start = function* () {
          for (let n = 0; n < 500; n += 1) yield { left: 5 }
        }
        const source = builder.setSpout('source', spoutFrom(rounds, start))
        const spin = bolt({
          input: rounds,
          output: rounds,
          execute: (tuple, out) => {
            const { left } = tuple.values
            if (left > 0) out.emit({ left: left - 1 })
            else ended += 1
          },
        })
        const loop = builder
          .setBolt('spin', spin, { executors: 2, executorReceiveBufferSize: 16 })
          .shuffleGrouping(source)
        loop.shuffleGrouping(loop)
      },
    })
    expect(ended).toBe(500)
    expect(staged.figures('source').ackedCount).toBe(500)
  })
})

describe('a rich bolt', () => {
  test('that answers twice, or a tuple of another task, is told so', async () => {
    const errors: unknown[] = []
    let foreign: { ack: () => void } | undefined
    const staged = await complete({
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(keyed, () => items(3)),
        )
        const tried = (call: () => void) => {
          try {
            call()
          } catch (error) {
            errors.push(error)
          }
        }
        const lender = richBolt({
          input: keyed,
          execute: (tuple, out) => {
            if (tuple.values.n === 0) foreign = { ack: () => borrowed?.(tuple) }
            out.ack(tuple)
            tried(() => out.ack(tuple))
            tried(() => out.fail(tuple, 'late'))
            tried(() => out.emit({ n: 1, key: '' } as never, { anchor: tuple } as never))
          },
        })
        let borrowed: ((tuple: unknown) => void) | undefined
        const borrower = richBolt({
          input: keyed,
          execute: (tuple, out) => {
            borrowed = (given) => out.ack(given as never)
            tried(() => foreign?.ack())
            out.ack(tuple)
          },
        })
        builder.setBolt('lender', lender).shuffleGrouping(source)
        builder.setBolt('z-borrower', borrower).shuffleGrouping(source)
      },
    })
    const codes = new Set(errors.map((error) => (error as { code?: string }).code))
    expect([...codes].sort()).toEqual(['ACK_TWICE', 'EMIT_NOT_DECLARED'])
    expect(errors.filter((error) => String(error).includes('not a tuple of its own')).length).toBeGreaterThan(
      0,
    )
    expect(staged.figures('source')).toMatchObject({ ackedCount: 3, failedCount: 0 })
  })

  test('a run does not end while it holds untracked tuples that it has not answered', async () => {
    const staged = await new StagedRun({
      config: { guarantee: 'at-most-once' },
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(keyed, () => items(3)),
        )
        const batch = richBolt({
          input: keyed,
          tickInterval: '500ms',
          prepare: () => ({ held: [] as Array<() => void> }),
          execute: (tuple, out, state) => void state.held.push(() => out.ack(tuple)),
          onTick: (_out, state) => {
            for (const ack of state.held.splice(0)) ack()
          },
        })
        builder.setBolt('batch', batch).shuffleGrouping(source)
      },
    }).start()
    const startMs = staged.nowMs
    await staged.finish()
    expect(staged.nowMs - startMs).toBeGreaterThan(450)
  })
})
