// biome-ignore-all lint/suspicious/noThenProperty: the public name in error policies; never awaited
import {
  bolt,
  defineTopology,
  fields,
  keyedBolt,
  plainSink,
  richBolt,
  spoutFrom,
  type Tuple,
  timer,
  valueState,
} from 'typhoon'
import { testDriver } from 'typhoon/testing'
import { expect, test } from 'vitest'

const Payment = fields({ account: 'string', cents: 'int' })
const Balance = fields({ account: 'string', cents: 'int' })
const payments = spoutFrom(Payment, () => [])

const balance = keyedBolt({
  input: Payment,
  key: ['account'],
  output: Balance,
  state: { total: valueState<number>({ initial: () => 0 }), alarm: timer('processing-time') },
  execute(tuple, out, { total, alarm }) {
    const { account, cents } = tuple.values
    total.set(total.get() + cents)
    alarm.set(2_000_000)
    out.emit({ account, cents: total.get() })
  },
  onTimer: {
    alarm(_fired, out) {
      out.emit({ account: 'alarm', cents: 0 })
    },
  },
})

function ledger(name: string, stateful = balance) {
  return defineTopology({
    name,
    build(builder) {
      const source = builder.setSpout('payments', payments)
      const balances = builder.setBolt('balance', stateful, 2).fieldsGrouping(source, 'account')
      builder
        .setBolt('out', plainSink({ input: Balance, write: () => Promise.reject(new Error('real')) }))
        .shuffleGrouping(balances)
      return { source, balances }
    },
  })
}

test('a driver pushes, reads state and what a sink wrote, and time stands still', async () => {
  await using driver = await testDriver(ledger('ledger'), { startAt: 1_000_000 })
  await driver.push((h) => h.source, { account: 'a', cents: 5 }, { account: 'a', cents: 7 })
  expect(driver.state('balance', 'total', 'a')).toBe(12)
  expect(driver.state('balance', 'total', 'b')).toBeUndefined()
  expect(driver.written('out')).toEqual([
    { account: 'a', cents: 5 },
    { account: 'a', cents: 12 },
  ])
  expect(driver.acked).toBe(2)
  expect(driver.now).toBe(1_000_000)
})

test('after a crash state is that of the checkpoint, and what came later is replayed', async () => {
  await using driver = await testDriver(ledger('ledger'))
  await driver.push((h) => h.source, { account: 'a', cents: 5 })
  await driver.checkpoint()
  await driver.push((h) => h.source, { account: 'a', cents: 7 })
  await driver.crash()
  expect(driver.state('balance', 'total', 'a')).toBe(12)
  expect(driver.read((h) => h.balances).map((each) => each.cents)).toEqual([5, 12, 12])
  expect(driver.acked).toBe(2)
  await driver.push((h) => h.source, { account: 'a', cents: 1 })
  expect(driver.state('balance', 'total', 'a')).toBe(13)
})

test('an upgrade carries state over; a driver that was upgraded has ended', async () => {
  const driver = await testDriver(ledger('ledger'))
  await driver.push((h) => h.source, { account: 'a', cents: 5 })
  await using next = await driver.upgrade(ledger('ledger'), { components: { balance: { executors: 5 } } })
  await next.push((h) => h.source, { account: 'a', cents: 1 })
  expect(next.read((h) => h.balances)).toEqual([{ account: 'a', cents: 6 }])
  await expect(driver.push((h) => h.source, { account: 'a', cents: 1 })).rejects.toMatchObject({
    code: 'TOPOLOGY_WRONG_STATE',
  })
})

test('an upgrade that would lose state is refused, with its name', async () => {
  await using driver = await testDriver(ledger('ledger'))
  await driver.push((h) => h.source, { account: 'a', cents: 5 })
  const other = keyedBolt({
    input: Payment,
    key: ['account'],
    output: Balance,
    state: { sum: valueState<number>({ initial: () => 0 }) },
    execute(tuple, out) {
      out.emit(tuple.values)
    },
  })
  await expect(driver.upgrade(ledger('ledger', other as never))).rejects.toMatchObject({
    code: 'STATE_DROPPED',
    message: expect.stringContaining('balance.total'),
  })
  await driver.push((h) => h.source, { account: 'a', cents: 5 })
  expect(driver.state('balance', 'total', 'a')).toBe(10)
})

const held = richBolt({
  input: Payment,
  output: Balance,
  tickInterval: '1s',
  prepare: () => ({ batch: [] as Tuple<{ account: string; cents: number }>[] }),
  execute(tuple, _collector, self) {
    self.batch.push(tuple)
  },
  onTick(collector, self) {
    for (const tuple of self.batch.splice(0)) {
      collector.emit(tuple.values, { anchor: tuple })
      collector.ack(tuple)
    }
  },
})

test('what a bolt holds back until its tick is not waited for; advance brings it', async () => {
  const batching = defineTopology({
    name: 'batching',
    build(builder) {
      const source = builder.setSpout('payments', payments)
      return { source, out: builder.setBolt('held', held).shuffleGrouping(source) }
    },
  })
  await using driver = await testDriver(batching)
  await driver.push((h) => h.source, { account: 'a', cents: 5 })
  expect([driver.acked, driver.now]).toEqual([0, 0])
  await driver.advance('1s')
  expect(driver.read((h) => h.out)).toEqual([{ account: 'a', cents: 5 }])
  expect(driver.acked).toBe(1)
  await driver.finish()
})

test('retries take the time they take, and a tuple that keeps failing goes to the dead letters', async () => {
  const failing = bolt({
    input: Payment,
    output: Balance,
    onError: { retries: 2, backoff: { first: '1s', factor: 1, max: '1s' }, then: 'dead-letter' },
    execute() {
      throw new Error('no')
    },
  })
  const topology = defineTopology({
    name: 'failing',
    build(builder) {
      const source = builder.setSpout('payments', payments)
      builder.setBolt('failing', failing).shuffleGrouping(source)
      return { source }
    },
  })
  await using driver = await testDriver(topology)
  await driver.push((h) => h.source, { account: 'a', cents: 5 })
  expect(driver.deadLetters).toMatchObject([{ component: 'failing', attempts: 3 }])
  expect(driver.now).toBeGreaterThan(500)
})

test('a virtual hour takes no real one', async () => {
  await using driver = await testDriver(ledger('ledger'))
  await driver.advance('1h')
  expect(driver.now).toBe(3_600_000)
})
