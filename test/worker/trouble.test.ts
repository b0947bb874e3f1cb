/** Messages at bad moments, and what goes wrong in the middle of a move. */
import { expect, test } from 'vitest'
import { fields, keyedBolt, spoutFrom, timer, valueState } from '../../src/index.ts'
import { SeatWorld } from './seat-world.ts'

const pair = fields({ key: 'string', n: 'int' })

/** `prepare` is asked with the number of its call. */
function summing(prepare: (call: number) => void, everyMs = 5): SeatWorld {
  let calls = 0
  const world: SeatWorld = new SeatWorld({
    build(builder) {
      const source = spoutFrom(pair, async function* () {
        for (let n = 0; n < 10_000; n += 1) {
          await world.sleep(everyMs)
          yield { key: `k${n % 20}`, n }
        }
      })
      const sum = keyedBolt({
        input: pair,
        key: 'key',
        state: { total: valueState<number>({ initial: () => 0 }) },
        prepare: () => {
          calls += 1
          prepare(calls)
        },
        execute: (tuple, _out, { total }) => total.set(total.get() + tuple.values.n),
      })
      builder.setBolt('sum', sum, { executors: 2 }).fieldsGrouping(builder.setSpout('source', source), 'key')
    },
  })
  return world
}

const fine = () => undefined

test('a spare that is dismissed ends', async () => {
  const world = summing(fine)
  await world.openSupervisor()
  const seated = world.spawn(1)
  await world.pass(100)
  seated.tell({ kind: 'dismiss', why: 'nobody needs it' })
  await world.pass(100)
  expect(seated.exits).toEqual([0])
})

test('told to stop while it starts, it ends without having started', async () => {
  const world = summing(fine)
  world.load = () => new Promise(() => undefined)
  await world.openSupervisor()
  const seated = world.spawn(1)
  await world.pass(100)
  seated.tell(world.assign(1))
  await world.pass(500)
  seated.tell({ kind: 'stop', graceMs: 1_000 })
  await world.pass(1_500)
  expect(seated.exits).toEqual([0])
  expect(seated.last('started')).toBeUndefined()
})

test('a start that takes longer than the lease is no reason to end: its loop is alive', async () => {
  const world = summing(fine)
  const def = world.load('')
  world.load = () => new Promise((resolve) => world.world.timers.after(20_000, () => resolve(def)))
  await world.openSupervisor()
  const seated = world.spawn(1)
  await world.pass(100)
  seated.tell(world.assign(1))
  await world.pass(25_000)
  expect(seated.exits).toEqual([])
  expect(seated.last('started')).toBeDefined()
})

test('a rearrangement that asks for nothing new is answered, and changes nothing', async () => {
  const world = summing(fine)
  const [seated] = await world.seatAll([1])
  seated?.tell({ kind: 'run', run: 'drain' })
  await world.pass(3_000)
  seated?.tell({ kind: 'rearrange', placement: world.placement({}), peers: [], stateFiles: [] })
  seated?.tell({ kind: 'rearrange', placement: world.placement({}), peers: [], stateFiles: [] })
  await world.pass(500)
  expect(seated?.kinds().filter((kind) => kind === 'rearranged')).toHaveLength(2)
  const before = seated?.beat?.components.find(({ component }) => component === 'sum')?.executedCount ?? 0
  seated?.tell({ kind: 'run', run: 'active' })
  await world.pass(3_000)
  const after = seated?.beat?.components.find(({ component }) => component === 'sum')?.executedCount ?? 0
  expect(after).toBeGreaterThan(before + 100)
})

test('what comes cannot be prepared: the worker ends as one that could not start', async () => {
  const world = summing((call) => {
    if (call === 3) throw new TypeError('no room for me')
  })
  const before = world.placement({ sum: [1, 2] })
  const [one, two] = await world.seatAll([1, 2], { placement: before })
  for (const seated of [one, two]) seated?.tell({ kind: 'run', run: 'drain' })
  await world.pass(3_000)
  one?.tell({ kind: 'rearrange', placement: world.placement({}), peers: world.peers([1, 2]), stateFiles: [] })
  await world.pass(500)
  expect(one?.last('start-failed')?.fault).toMatchObject({ code: 'PREPARE_THREW', component: 'sum' })
  expect(one?.exits).toEqual([71])
})

test('a damaged file of state: refused, not half taken', async () => {
  const world = summing(fine)
  await world.openSupervisor()
  const seated = world.spawn(1)
  await world.pass(100)
  const { files } = world.world.host('w1')
  await world.drive(
    (async () => {
      const file = await files.open('/damaged', 'create')
      await file.write(Uint8Array.of(1, 2, 3), 0)
      await file.close()
    })(),
  )
  seated.tell(world.assign(1, { stateFiles: ['/damaged'] }))
  await world.pass(1_000)
  expect(seated.last('start-failed')?.fault.code).toBe('STATE_FILE_DAMAGED')
  expect(seated.exits).toEqual([71])
})

test('a disk that takes no state: told, and everything goes on where it is', async () => {
  const world = summing(fine)
  const [seated] = await world.seatAll([1])
  await world.pass(1_000)
  seated?.tell({ kind: 'run', run: 'drain' })
  await world.pass(3_000)
  world.world.disk('w1').faults.isBroken = true
  seated?.tell({ kind: 'dump-state', executors: [world.executor('sum')] })
  await world.pass(1_000)
  expect(seated?.last('state-dumped')).toBeUndefined()
  expect(seated?.last('fault')?.fault.component).toBe('__worker')
  const before = seated?.beat?.components.find(({ component }) => component === 'sum')?.executedCount ?? 0
  seated?.tell({ kind: 'run', run: 'active' })
  await world.pass(3_000)
  const after = seated?.beat?.components.find(({ component }) => component === 'sum')?.executedCount ?? 0
  expect(after).toBeGreaterThan(before + 100)
  expect(seated?.exits).toEqual([])
})

test('executors without keyed state, and those of others, have no files', async () => {
  const world = summing(fine)
  const [seated] = await world.seatAll([1])
  seated?.tell({ kind: 'run', run: 'drain' })
  await world.pass(3_000)
  seated?.tell({ kind: 'dump-state', executors: [world.executor('source'), 99] })
  await world.pass(500)
  expect(seated?.last('state-dumped')).toEqual({ kind: 'state-dumped', files: [] })
})

test('a timer that comes due while its state moves fires once, where it went', async () => {
  const fired: string[] = []
  const world: SeatWorld = new SeatWorld({
    build(builder) {
      const source = spoutFrom(pair, function* () {
        for (let n = 0; n < 8; n += 1) yield { key: `k${n}`, n }
      })
      const waiting = keyedBolt({
        input: pair,
        key: 'key',
        state: { alarm: timer('processing-time') },
        execute: (_tuple, _out, { alarm }) => alarm.set(6_000),
        onTimer: { alarm: ({ key }) => void fired.push(String(key)) },
      })
      builder.setBolt('waiting', waiting).fieldsGrouping(builder.setSpout('source', source), 'key')
    },
  })
  const seats = await world.seatAll([1, 2], { placement: world.placement({}) })
  const [one, two] = seats
  for (const seated of seats) seated.tell({ kind: 'run', run: 'drain' })
  await world.pass(2_000)
  one?.tell({ kind: 'dump-state', executors: [world.executor('waiting')] })
  await world.until(() => one?.last('state-dumped') !== undefined)
  await world.pass(6_000)
  expect(world.nowMs).toBeGreaterThan(6_000)
  expect(fired).toEqual([])
  const [file] = one?.last('state-dumped')?.files ?? []
  const path = await world.carry(1, file?.path ?? '', [1, 2])
  const placement = world.placement({ waiting: [2] })
  const peers = world.peers([1, 2])
  for (const seated of seats) seated.tell({ kind: 'rearrange', placement, peers, stateFiles: [path] })
  await world.until(() => seats.every((seated) => seated.last('rearranged') !== undefined))
  for (const seated of seats) seated.tell({ kind: 'run', run: 'active' })
  await world.pass(10_000)
  expect(fired.sort()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'])
  expect(two?.beat?.components.map(({ component }) => component)).toEqual(['waiting'])
})
