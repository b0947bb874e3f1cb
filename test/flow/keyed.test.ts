/** Keyed bolts: state, emits and timers of a call are one thing. */
import { expect, test } from 'vitest'
import { bolt, fields, keyedBolt, spoutFrom, timer, valueState } from '../../src/index.ts'
import { StagedRun } from './staged-run.ts'

const pair = fields({ key: 'string', n: 'int' })
const total = valueState<number>({ initial: () => 0 })

function* items(count: number) {
  for (let n = 0; n < count; n += 1) yield { key: n % 2 === 0 ? 'even' : 'odd', n }
}

test.each(['sync', 'async'])('a %s call that threw has written and emitted nothing', async (kind) => {
  const sums: Array<readonly [string, number]> = []
  const attempts = new Map<number, number>()
  const staged = new StagedRun({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(pair, () => items(40)),
      )
      const sum = keyedBolt({
        input: pair,
        output: pair,
        key: 'key',
        state: { total },
        concurrency: 4,
        onError: 'fail',
        execute: (tuple, out, { total }) => {
          const { key, n } = tuple.values
          const attempt = (attempts.get(n) ?? 0) + 1
          attempts.set(n, attempt)
          const work = () => {
            total.set(total.get() + n)
            out.emit({ key, n: total.get() })
            if (n % 5 === 0 && attempt < 3) throw new TypeError('after writing')
          }
          if (kind === 'sync') return void work()
          return staged.sleep(5).then(work)
        },
      })
      const sumOf = builder.setBolt('sum', sum).fieldsGrouping(source, 'key')
      const last = bolt({
        input: pair,
        execute: (tuple) => void sums.push([tuple.values.key, tuple.values.n]),
      })
      builder.setBolt('last', last).shuffleGrouping(sumOf)
    },
  })
  await staged.start()
  await staged.finish()
  // Each item counted once, whatever its failures: the last sums are those of all even and all odd numbers.
  const lastOf = (key: string) => sums.filter(([of]) => of === key).at(-1)?.[1]
  expect(lastOf('even')).toBe(380)
  expect(lastOf('odd')).toBe(400)
  expect(sums.length).toBe(40)
  expect(staged.figures('sum').failedCount).toBe(16)
})

test('timers: fire at their time, one of a key at a time, and see what the calls wrote', async () => {
  const log: string[] = []
  const staged = new StagedRun({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(pair, () => items(6)),
      )
      const counter = keyedBolt({
        input: pair,
        output: pair,
        key: 'key',
        state: { total, flush: timer('processing-time') },
        concurrency: 8,
        execute: async (tuple, _out, { total, flush }) => {
          log.push(`begin ${tuple.values.key} ${tuple.values.n}`)
          if (tuple.values.n < 2) flush.set(1_000)
          await staged.sleep(tuple.values.n >= 4 ? 2_000 : 10)
          total.set(total.get() + 1)
          log.push(`end ${tuple.values.key} ${tuple.values.n}`)
        },
        onTimer: {
          flush: async (fired, out, { total }) => {
            log.push(`timer ${String(fired.key)} begins with ${total.get()}`)
            await staged.sleep(50)
            out.emit({ key: String(fired.key), n: total.get() })
            log.push(`timer ${String(fired.key)} ends`)
          },
        },
      })
      const counted = builder.setBolt('counter', counter).fieldsGrouping(source, 'key')
      const last = bolt({
        input: pair,
        execute: (tuple) => void log.push(`got ${tuple.values.key} ${tuple.values.n}`),
      })
      builder.setBolt('last', last).shuffleGrouping(counted)
    },
  })
  await staged.start()
  await staged.pass(5_000)
  // The third call of each key runs from 20 to 2,020 ms: the timer due in between waits for it.
  for (const key of ['even', 'odd']) {
    const mine = log.filter((line) => line.includes(key)).map((line) => line.replace(` ${key}`, ''))
    expect(mine.indexOf('timer begins with 3')).toBeGreaterThan(mine.indexOf(`end ${key === 'even' ? 4 : 5}`))
    expect(mine).toContain('got 3')
  }
  staged.run.kill()
})

test('a timer whose handler throws fires again, later and later; its writes are forgotten', async () => {
  const fired: number[] = []
  const staged = new StagedRun({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(pair, () => items(1)),
      )
      const counter = keyedBolt({
        input: pair,
        key: 'key',
        state: { total, flush: timer('processing-time') },
        execute: (_tuple, _out, { flush }) => flush.set(100),
        onTimer: {
          flush: (_timer, _out, { total }) => {
            fired.push(total.get())
            total.set(99)
            if (fired.length < 5) throw new TypeError('not now')
          },
        },
      })
      builder.setBolt('counter', counter).fieldsGrouping(source, 'key')
    },
  })
  await staged.start()
  await staged.pass(350)
  expect(fired.length).toBeLessThan(4)
  await staged.pass(20_000)
  expect(fired).toEqual([0, 0, 0, 0, 0])
  expect(staged.figures('counter').threwCount).toBe(4)
  expect(staged.codes()).toEqual({ EXECUTE_THREW: 4 })
})

test('an emit that cannot be sent leaves the state as it was', async () => {
  const sums: number[] = []
  let refusals = 2
  const staged = new StagedRun({
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(pair, () => [
          { key: 'a', n: 1 },
          { key: 'a', n: 1 },
        ]),
      )
      const sum = keyedBolt({
        input: pair,
        output: pair,
        key: 'key',
        state: { total },
        // biome-ignore lint/suspicious/noThenProperty: the public name of the member
        onError: { retries: 3, then: 'fail' },
        execute(tuple, out, { total }) {
          total.set(total.get() + tuple.values.n)
          out.emit({ key: tuple.values.key, n: total.get() })
        },
      })
      const sumOf = builder.setBolt('sum', sum).fieldsGrouping(source, 'key')
      const last = bolt({ input: pair, execute: (tuple) => void sums.push(tuple.values.n) })
      builder.setBolt('last', last).customGrouping(sumOf, (targets) => () => {
        refusals -= 1
        if (refusals >= 0) throw new TypeError('a grouping that is not ready')
        return targets
      })
    },
  })
  await staged.start()
  await staged.finish()
  expect(sums).toEqual([1, 2])
})
