/** A topology whose executors move between running workers: drained, rearranged, active again. */
import { describe, expect, test } from 'vitest'
import { bolt, fields, keyedBolt, replayableSpout, valueState } from '../../src/index.ts'
import { type Seated, SeatWorld } from './seat-world.ts'

const pair = fields({ key: 'string', n: 'int' })
const KEYS = 12
const PARTITIONS = ['a', 'b', 'c', 'd']

interface Counted {
  world: SeatWorld
  /** `component/task` in the order of their preparation, and of their cleanup. */
  readonly prepared: string[]
  readonly ended: string[]
  /** How often each item arrived at the end. */
  readonly arrived: Map<string, number>
  /** The last sum of each key. */
  readonly sums: Map<string, number>
}

/**
 * source ×4 ─▶ pass ×4 ─fields─▶ sum ×4 ─▶ last ×2; an item a millisecond of each partition.
 */
function moving(count: number, seed = 1): Counted {
  const prepared: string[] = []
  const ended: string[] = []
  const arrived = new Map<string, number>()
  const sums = new Map<string, number>()
  const note = (into: string[], context: { component: string; task: number }) =>
    into.push(`${context.component}/${context.task}`)
  const world: SeatWorld = new SeatWorld({
    seed,
    config: { ackerExecutors: 2 },
    build(builder) {
      const source = replayableSpout({
        output: pair,
        partitions: () => PARTITIONS,
        async *read(partition, from: number | undefined) {
          for (let n = (from ?? -1) + 1; n < count; n += 1) {
            await world.sleep(1)
            yield [{ values: { key: `${partition}${n % KEYS}`, n }, position: n }]
          }
        },
      })
      const pass = bolt({
        input: pair,
        output: pair,
        prepare: (context) => void note(prepared, context),
        cleanup: () => void ended.push('pass'),
        execute: (tuple, out) => out.emit(tuple.values),
      })
      const sum = keyedBolt({
        input: pair,
        output: pair,
        key: 'key',
        state: { total: valueState<number>({ initial: () => 0 }) },
        prepare: (context) => void note(prepared, context),
        cleanup: () => void ended.push('sum'),
        execute: (tuple, out, { total }) => {
          total.set(total.get() + 1)
          sums.set(tuple.values.key, total.get())
          out.emit(tuple.values)
        },
      })
      const last = bolt({
        input: pair,
        prepare: (context) => void note(prepared, context),
        execute: (tuple) => {
          const id = `${tuple.values.key}/${tuple.values.n}`
          arrived.set(id, (arrived.get(id) ?? 0) + 1)
        },
      })
      const from = builder.setSpout('source', source, { executors: 4 })
      const passed = builder.setBolt('pass', pass, { executors: 4 }).shuffleGrouping(from)
      const summed = builder.setBolt('sum', sum, { executors: 4 }).fieldsGrouping(passed, 'key')
      builder.setBolt('last', last, { executors: 2 }).shuffleGrouping(summed)
    },
  })
  return { world, prepared, ended, arrived, sums }
}

type Layout = Readonly<Record<string, readonly number[]>>

const spread: Layout = {
  __acker: [1, 2],
  source: [1, 1, 2, 2],
  pass: [1, 2, 1, 2],
  sum: [1, 1, 2, 2],
  last: [1, 2],
}

async function drain(world: SeatWorld, seats: readonly Seated[]): Promise<void> {
  for (const seated of seats) seated.tell({ kind: 'run', run: 'drain' })
  const isQuiet = ({ beat }: Seated) => beat?.run === 'drain' && beat.isQuiet
  await world.until(() => seats.every(isQuiet))
  expect(seats.every(isQuiet)).toBe(true)
}

/**
 * Those of the seats that go on, told of the new placement; all keyed state that moves, written out and
 * dealt.
 */
async function rearrange(
  world: SeatWorld,
  seats: readonly Seated[],
  before: Layout,
  after: Layout,
  numbers: number[],
) {
  const placement = world.placement(after)
  const was = world.placement(before)
  const movers = placement.flatMap((worker, at) => (worker === was[at] ? [] : [at + 1]))
  const files: string[] = []
  for (const seated of seats) {
    seated.tell({ kind: 'dump-state', executors: movers })
    await world.until(() => seated.last('state-dumped') !== undefined)
    for (const { path, sizeBytes } of seated.last('state-dumped')?.files ?? []) {
      expect(sizeBytes).toBeGreaterThan(0)
      files.push(await world.carry(seated.number, path, numbers))
    }
  }
  const positions: Record<string, Record<string, string>> = {}
  for (const seated of world.seats.values()) {
    positions['source'] = { ...positions['source'], ...seated.positions['source'] }
  }
  return { placement, files, positions }
}

function expectEachOnce({ arrived, sums }: Counted, count: number): void {
  expect(arrived.size).toBe(count * PARTITIONS.length)
  expect([...arrived.values()].filter((times) => times !== 1)).toEqual([])
  // State went along: nobody's count began anew.
  expect([...sums.values()].reduce((a, b) => a + b, 0)).toBe(count * PARTITIONS.length)
}

describe('on two workers', () => {
  test.each([1, 2, 3, 4])(
    'only moved tasks begin again, and every tuple arrives once (seed %i)',
    async (seed) => {
      const count = 1_500
      const run = moving(count, seed)
      const { world } = run
      const seats = await world.seatAll([1, 2], { placement: world.placement(spread) })
      await world.until(() => run.arrived.size > 800)
      const before = [...run.prepared]
      expect(before).toHaveLength(10)
      // A source, an acker, a pass and two sums go over.
      const after: Layout = {
        __acker: [2, 2],
        source: [2, 1, 2, 2],
        pass: [2, 2, 1, 2],
        sum: [2, 1, 1, 2],
        last: [1, 2],
      }
      await drain(world, seats)
      const atDrain = run.arrived.size
      expect(atDrain).toBeLessThan(count * PARTITIONS.length)
      const { placement, files, positions } = await rearrange(world, seats, spread, after, [1, 2])
      expect(files).toHaveLength(2)
      const peers = world.peers([1, 2])
      for (const seated of seats) {
        seated.tell({ kind: 'rearrange', placement, peers, stateFiles: files, positions })
      }
      await world.until(() => seats.every((seated) => seated.last('rearranged') !== undefined))
      expect(run.prepared.slice(before.length).sort()).toEqual(
        [
          `pass/${world.executor('pass', 0)}`,
          `sum/${world.executor('sum', 0)}`,
          `sum/${world.executor('sum', 2)}`,
        ].sort(),
      )
      expect(run.ended.sort()).toEqual(['pass', 'sum', 'sum'])
      expect(run.arrived.size).toBe(atDrain)
      for (const seated of seats) seated.tell({ kind: 'run', run: 'active' })
      await world.until(() => run.arrived.size === count * PARTITIONS.length)
      await world.pass(3_000)
      expectEachOnce(run, count)
      expect(seats.flatMap((seated) => seated.exits)).toEqual([])
      // Counters never go back, also of executors that have left.
      const acked = seats.flatMap(
        ({ beat }) => beat?.components.filter((each) => each.component === 'source') ?? [],
      )
      expect(acked.reduce((sum, each) => sum + each.ackedCount, 0)).toBe(count * PARTITIONS.length)
    },
  )
})

describe('on three workers', () => {
  test.each([1, 2, 3])('one is added and takes its share while the others go on (seed %i)', async (seed) => {
    const count = 1_000
    const run = moving(count, seed)
    const { world } = run
    const seats = await world.seatAll([1, 2], { placement: world.placement(spread) })
    await world.until(() => run.arrived.size > 500)
    await drain(world, seats)
    const after: Layout = {
      ...spread,
      source: [1, 3, 2, 2],
      pass: [1, 2, 3, 2],
      sum: [1, 1, 2, 3],
      last: [3, 2],
    }
    const began = run.prepared.length
    const { placement, files, positions } = await rearrange(world, seats, spread, after, [1, 2, 3])
    const peers = world.peers([1, 2, 3])
    const third = world.spawn(3)
    await world.pass(100)
    third.tell(world.assign(3, { placement, peers, positions, stateFiles: files, run: 'drain' }))
    for (const seated of seats)
      seated.tell({ kind: 'rearrange', placement, peers, stateFiles: files, positions })
    const all = [...seats, third]
    await world.until(
      () =>
        seats.every((each) => each.last('rearranged') !== undefined) && third.last('started') !== undefined,
    )
    expect(run.prepared.length - began).toBe(3)
    for (const seated of all) seated.tell({ kind: 'run', run: 'active' })
    await world.until(() => run.arrived.size === count * PARTITIONS.length)
    await world.pass(3_000)
    expectEachOnce(run, count)
    expect(third.beat?.links.map(({ worker }) => worker).sort()).toEqual([1, 2])
    expect(seats[0]?.beat?.links.map(({ worker }) => worker).sort()).toEqual([2, 3])
  })

  test.each([1, 2, 3])('one is taken out, the others take over what it had (seed %i)', async (seed) => {
    const count = 1_000
    const run = moving(count, seed)
    const { world } = run
    const before: Layout = {
      ...spread,
      source: [1, 3, 2, 2],
      pass: [1, 2, 3, 2],
      sum: [1, 1, 2, 3],
      last: [3, 2],
    }
    const seats = await world.seatAll([1, 2, 3], { placement: world.placement(before) })
    const [one, two, three] = seats
    await world.until(() => run.arrived.size > 500)
    await drain(world, seats)
    const { placement, files, positions } = await rearrange(world, seats, before, spread, [1, 2])
    three?.tell({ kind: 'stop', graceMs: 1_000 })
    const peers = world.peers([1, 2])
    const staying = [one, two].flatMap((each) => each ?? [])
    for (const seated of staying)
      seated.tell({ kind: 'rearrange', placement, peers, stateFiles: files, positions })
    await world.until(() => staying.every((each) => each.last('rearranged') !== undefined))
    await world.pass(500)
    for (const seated of staying) seated.tell({ kind: 'run', run: 'active' })
    await world.until(() => run.arrived.size === count * PARTITIONS.length)
    await world.pass(3_000)
    expect(three?.exits).toEqual([0])
    expectEachOnce(run, count)
    expect(one?.beat?.links.map(({ worker }) => worker)).toEqual([2])
  })
})

test('what is placed nowhere for a while is waited for: nothing is given up, all of it arrives', async () => {
  const count = 400
  const run = moving(count)
  const { world } = run
  const before: Layout = { ...spread, sum: [1, 0, 2, 2] }
  const seats = await world.seatAll([1, 2], { placement: world.placement(before) })
  await world.pass(30_000)
  expect(run.arrived.size).toBeGreaterThan(100)
  expect(run.arrived.size).toBeLessThan(count * PARTITIONS.length)
  const peers = world.peers([1, 2])
  const placement = world.placement(spread)
  for (const seated of seats) seated.tell({ kind: 'run', run: 'inactive' })
  await world.pass(3_000)
  for (const seated of seats) seated.tell({ kind: 'rearrange', placement, peers, stateFiles: [] })
  await world.until(() => seats.every((seated) => seated.last('rearranged') !== undefined))
  for (const seated of seats) seated.tell({ kind: 'run', run: 'active' })
  await world.until(() => run.arrived.size === count * PARTITIONS.length, 60_000)
  expect(run.arrived.size).toBe(count * PARTITIONS.length)
  expect(seats.flatMap(({ heard }) => heard.filter(({ kind }) => kind === 'dead-letter'))).toEqual([])
})

test('a peer that comes back as a new one: what was open there is emitted again at once', async () => {
  const count = 800
  const run = moving(count)
  const { world } = run
  const seats = await world.seatAll([1, 2], { placement: world.placement(spread) })
  await world.until(() => run.arrived.size > 500)
  world.world.crash('w2', 'none')
  const positions = { source: { ...seats[0]?.positions['source'], ...seats[1]?.positions['source'] } }
  await world.pass(300)
  const again = world.spawn(2)
  await world.pass(100)
  const peers = world.peers([1, 2])
  const assign = world.assign(2, {
    placement: world.placement(spread),
    peers,
    positions,
    incarnation: 32_768,
  })
  again.tell(assign)
  seats[0]?.tell({ kind: 'peers', peers: world.peers([1]).concat(world.peers([2], 32_768)) })
  const atMs = world.nowMs
  await world.until(() => run.arrived.size === count * PARTITIONS.length)
  // Long before any message times out.
  expect(world.nowMs - atMs).toBeLessThan(10_000)
  expect(run.arrived.size).toBe(count * PARTITIONS.length)
})

test('a move that is called off after state was written out: everything goes on where it was', async () => {
  const count = 800
  const run = moving(count)
  const { world } = run
  const seats = await world.seatAll([1, 2], { placement: world.placement(spread) })
  await world.until(() => run.arrived.size > 500)
  await drain(world, seats)
  seats[0]?.tell({ kind: 'dump-state', executors: [world.executor('sum', 0)] })
  await world.until(() => seats[0]?.last('state-dumped') !== undefined)
  await world.pass(3_000)
  expect(seats[0]?.beat).toMatchObject({ isQuiet: true, run: 'drain' })
  for (const seated of seats) seated.tell({ kind: 'run', run: 'active' })
  await world.until(() => run.arrived.size === count * PARTITIONS.length)
  expectEachOnce(run, count)
})
