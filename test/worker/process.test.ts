/** A worker process and its supervisor: every message, in every state that it may come in. */
import { describe, expect, test } from 'vitest'
import { SEAT_PROTOCOL } from '../../src/cluster/seat-messages.ts'
import { bolt, spoutFrom } from '../../src/index.ts'
import { counted, fresh, number, upTo } from './counted.ts'
import { SeatWorld } from './seat-world.ts'

describe('a spare', () => {
  test('says hello with its secret and no seat, and waits', async () => {
    const world = new SeatWorld(counted(1, fresh()))
    await world.openSupervisor()
    const seated = world.spawn(1)
    await world.pass(30_000)
    expect(seated.heard).toEqual([
      { kind: 'hello', protocol: SEAT_PROTOCOL, secret: 'secret 1', pid: 1, bornAt: 'b', seat: undefined },
    ])
    expect(seated.exits).toEqual([])
  })

  test('takes no notice of what is not for spares, and ends when it is told to', async () => {
    const world = new SeatWorld(counted(1, fresh()))
    await world.openSupervisor()
    const seated = world.spawn(1)
    await world.pass(200)
    seated.tell({ kind: 'run', run: 'active' })
    seated.tell({ kind: 'peers', peers: [] })
    seated.tell({ kind: 'lease' })
    seated.tell({ kind: 'stored', positions: { source: { p: '1' } } })
    seated.tell({ kind: 'dump-state', executors: [1] })
    seated.tell({ kind: 'rearrange', placement: [], peers: [], stateFiles: [] })
    await world.pass(1_000)
    expect(seated.kinds()).toEqual(['hello'])
    seated.tell({ kind: 'stop', graceMs: 1_000 })
    await world.pass(1_000)
    expect(seated.exits).toEqual([0])
  })

  test('that is alone for a minute ends', async () => {
    const world = new SeatWorld(counted(1, fresh()))
    const seated = world.spawn(1)
    await world.pass(59_000)
    expect(seated.exits).toEqual([])
    await world.pass(10_000)
    expect(seated.exits).toEqual([72])
  })
})

describe('a seat', () => {
  test('is taken once: loaded, built, started, said, and the work is done', async () => {
    const seen = fresh()
    const world = new SeatWorld(counted(100, seen))
    const [seated] = await world.seatAll([1])
    await world.pass(2_000)
    expect(world.loads).toEqual(['/bundles/abc'])
    expect(seated?.kinds()).toEqual(['hello', 'started'])
    expect(seen.items).toEqual([...upTo(100)].map(({ n }) => n))
    seated?.tell(world.assign(1, { topologyId: 'other' }))
    await world.pass(1_000)
    expect(world.loads).toHaveLength(1)
    expect(seated?.exits).toEqual([])
  })

  test('heartbeats say truly what was done', async () => {
    const seen = fresh()
    const world = new SeatWorld(counted(100, seen))
    const [seated] = await world.seatAll([1])
    await world.pass(2_000)
    const beat = seated?.beat
    expect(beat).toMatchObject({
      isQuiet: true,
      isFinished: true,
      run: 'active',
      loopUtilisation: 0.5,
      links: [],
    })
    const bySum = beat?.components.find(({ component }) => component === 'sum')
    expect(bySum).toMatchObject({ kind: 'bolt', executors: 1, tasks: 1, executedCount: 100, ackedCount: 100 })
    const bySource = beat?.components.find(({ component }) => component === 'source')
    expect(bySource).toMatchObject({ kind: 'spout', emittedCount: 100, ackedCount: 100, failedCount: 0 })
    expect(beat?.turns).toBeGreaterThan(0)
  })

  test('begins in the run mode it is given, and follows the next', async () => {
    const seen = fresh()
    const world = new SeatWorld(counted(100, seen))
    const [seated] = await world.seatAll([1], { run: 'inactive' })
    await world.pass(1_000)
    expect(seen.items).toEqual([])
    expect(seated?.beat).toMatchObject({ run: 'inactive', isQuiet: true, isFinished: false })
    seated?.tell({ kind: 'run', run: 'active' })
    await world.pass(2_000)
    expect(seen.items).toHaveLength(100)
    seated?.tell({ kind: 'run', run: 'drain' })
    await world.pass(2_000)
    expect(seated?.beat).toMatchObject({ run: 'drain', isQuiet: true })
  })

  test('a run mode that comes while it starts holds when it has', async () => {
    const seen = fresh()
    const world = new SeatWorld(counted(100, seen))
    let release: (module: unknown) => void = () => undefined
    const def = world.load('')
    world.load = () => new Promise((resolve) => (release = resolve))
    await world.openSupervisor()
    const seated = world.spawn(1)
    await world.pass(100)
    seated.tell(world.assign(1))
    await world.pass(3_000)
    expect(seated.beat).toMatchObject({ isQuiet: false, turns: 0, components: [] })
    seated.tell({ kind: 'run', run: 'inactive' })
    await world.pass(100)
    release(def)
    await world.pass(2_000)
    expect(seated.kinds()).toEqual(['hello', 'started'])
    expect(seen.items).toEqual([])
  })

  test('stops in good order within its grace, with its positions stored', async () => {
    const seen = fresh()
    let world: SeatWorld | undefined
    world = new SeatWorld(counted(1_000, seen, 5, () => world))
    const [seated] = await world.seatAll([1])
    await world.pass(500)
    seated?.tell({ kind: 'stop', graceMs: 3_000 })
    await world.pass(3_000)
    expect(seated?.exits).toEqual([0])
    expect(seated?.last('exiting')).toMatchObject({ reason: 'shutdown' })
    expect(seen.items.length).toBeGreaterThan(10)
    const stored = JSON.parse(seated?.positions['source']?.['p'] ?? '{}')
    expect(stored.position).toBe(seen.items.at(-1))
  })

  test('a tuple that does not come to its end is waited for no longer than the grace', async () => {
    const world = new SeatWorld({
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(number, () => upTo(3)),
        )
        const stuck = bolt({ input: number, execute: () => new Promise<void>(() => undefined) })
        builder.setBolt('stuck', stuck).shuffleGrouping(source)
      },
    })
    const [seated] = await world.seatAll([1])
    seated?.tell({ kind: 'stop', graceMs: 2_000 })
    await world.pass(1_900)
    expect(seated?.exits).toEqual([])
    await world.pass(1_000)
    expect(seated?.exits).toEqual([0])
  })

  test('dismissed, it is gone at once', async () => {
    let world: SeatWorld | undefined
    const seen = fresh()
    world = new SeatWorld(counted(1_000, seen, 5, () => world))
    const [seated] = await world.seatAll([1])
    seated?.tell({ kind: 'dismiss', why: 'a stranger' })
    await world.pass(100)
    expect(seated?.exits).toEqual([0])
    const count = seen.items.length
    await world.pass(1_000)
    expect(seen.items).toHaveLength(count)
  })
})

describe('positions', () => {
  test('go out as sources get on, and sources hear what is stored', async () => {
    const seen = fresh()
    let world: SeatWorld | undefined
    world = new SeatWorld(counted(100, seen, 10, () => world))
    const [seated] = await world.seatAll([1])
    await world.pass(3_000)
    expect(seated?.heard.filter(({ kind }) => kind === 'positions').length).toBeGreaterThan(5)
    expect(seen.stored.at(-1)).toBe(99)
    expect(JSON.parse(seated?.positions['source']?.['p'] ?? '')).toEqual({
      position: 99,
      readCount: 100,
      ackedCount: 100,
    })
  })

  test('a source goes on from what was stored', async () => {
    const seen = fresh()
    const world = new SeatWorld(counted(10, seen))
    const stored = JSON.stringify({ position: 6, readCount: 7, ackedCount: 7 })
    await world.seatAll([1], { positions: { source: { p: stored } } })
    await world.pass(1_000)
    expect(seen.items).toEqual([7, 8, 9])
  })

  test('that came in pieces count as if they had come with the seat, but not over another line', async () => {
    const seen = fresh()
    const world = new SeatWorld(counted(10, seen))
    await world.openSupervisor()
    const seated = world.spawn(1)
    await world.pass(200)
    const stored = (position: number) =>
      JSON.stringify({ position, readCount: position + 1, ackedCount: position + 1 })
    seated.tell({ kind: 'known', positions: { source: { p: stored(8) } } })
    await world.pass(200)
    seated.channel?.close()
    await world.pass(2_000)
    seated.tell({ kind: 'known', positions: { source: { p: stored(6) } } })
    seated.tell({ kind: 'known', positions: { source: { q: stored(1) } } })
    seated.tell(world.assign(1))
    await world.pass(1_000)
    expect(seen.items).toEqual([7, 8, 9])
  })

  test('what is not stored yet keeps a drained worker from being quiet', async () => {
    const world = new SeatWorld(counted(10, fresh()))
    await world.openSupervisor()
    const seated = world.spawn(1)
    seated.storesPositions = false
    await world.pass(100)
    seated.tell(world.assign(1))
    await world.pass(1_000)
    seated.tell({ kind: 'run', run: 'drain' })
    await world.pass(2_000)
    expect(seated.beat).toMatchObject({ run: 'drain', isQuiet: false })
    seated.storesPositions = true
    seated.tell({ kind: 'stored', positions: seated.last('positions')?.positions ?? {} })
    await world.pass(2_000)
    expect(seated.beat?.isQuiet).toBe(true)
  })
})

describe('a supervisor that dies', () => {
  test('is dialled again, told who calls, and the work goes on meanwhile', async () => {
    const seen = fresh()
    let world: SeatWorld | undefined
    world = new SeatWorld(counted(400, seen, 10, () => world))
    const [seated] = await world.seatAll([1])
    const before = seen.items.length
    world.crashSupervisor()
    await world.pass(2_000)
    expect(seen.items.length).toBeGreaterThan(before + 100)
    const heardBefore = seated?.heard.length ?? 0
    await world.openSupervisor()
    await world.pass(1_500)
    const heard = seated?.heard.slice(heardBefore) ?? []
    expect(heard[0]).toMatchObject({
      kind: 'hello',
      seat: { topologyId: 't-1', worker: 1, incarnation: 16_384 },
    })
    expect(heard.map(({ kind }) => kind).slice(1, 3)).toEqual(['started', 'heartbeat'])
    await world.pass(4_000)
    expect(seated?.exits).toEqual([])
    expect(seen.items).toEqual([...upTo(400)].map(({ n }) => n))
    expect(JSON.parse(seated?.positions['source']?.['p'] ?? '').position).toBe(399)
  })

  test('and does not come back: the lease is over, nothing of the worker runs any more', async () => {
    const seen = fresh()
    let world: SeatWorld | undefined
    world = new SeatWorld(counted(10_000, seen, 10, () => world))
    const [seated] = await world.seatAll([1])
    world.crashSupervisor()
    const lostAtMs = world.nowMs
    await world.until(() => seated?.exits.length === 1)
    expect(seated?.exits).toEqual([72])
    expect(world.nowMs - lostAtMs).toBeLessThanOrEqual(6_300)
    const count = seen.items.length
    await world.pass(5_000)
    expect(seen.items).toHaveLength(count)
  })
})

describe('the lease', () => {
  test('a supervisor that is there and grants none is as good as gone', async () => {
    const world = new SeatWorld(counted(10, fresh()))
    const [seated] = await world.seatAll([1])
    if (seated !== undefined) seated.grantsLeases = false
    await world.pass(3_000)
    expect(seated?.exits).toEqual([])
    await world.pass(4_000)
    expect(seated?.exits).toEqual([72])
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'a process that stood still for longer emits nothing when it goes on (seed %i)',
    async (seed) => {
      const seen = fresh()
      let world: SeatWorld | undefined
      world = new SeatWorld({ ...counted(100_000, seen, 3, () => world), seed })
      const [seated] = await world.seatAll([1])
      await world.pass(1_000 + seed * 37)
      const count = seen.items.length
      expect(count).toBeGreaterThan(100)
      world.world.pause('w1')
      await world.pass(60_000)
      world.world.resume('w1')
      await world.pass(10_000)
      expect(seated?.exits).toEqual([72])
      expect(seen.items).toHaveLength(count)
    },
  )

  test('a process that stood still for less goes on', async () => {
    const seen = fresh()
    let world: SeatWorld | undefined
    world = new SeatWorld(counted(1_000, seen, 3, () => world))
    const [seated] = await world.seatAll([1])
    world.world.pause('w1')
    await world.pass(3_000)
    world.world.resume('w1')
    await world.pass(10_000)
    expect(seated?.exits).toEqual([])
    expect(seen.items).toHaveLength(1_000)
  })
})

describe('a newer incarnation of the worker', () => {
  async function twoWorkers() {
    const seen = fresh()
    const world: SeatWorld = new SeatWorld(counted(100_000, seen, 5, () => world))
    const placement = world.placement({ source: [1], sum: [2] })
    const [one, two] = await world.seatAll([1, 2], { placement })
    await world.until(() => seen.items.length > 10)
    return { world, one, two, seen }
  }

  test('that a peer hears of ends it at once, whatever its supervisor believes', async () => {
    const { world, one, two, seen } = await twoWorkers()
    two?.tell({ kind: 'peers', peers: world.peers([1], 2 * 16_384) })
    await world.pass(2_000)
    expect(one?.exits).toEqual([74])
    // Nothing is wrong: whoever moves a worker brings it about.
    const [last] = one?.log.filter(({ message }) => message === 'the worker process ends') ?? []
    expect(last?.level).toBe('info')
    expect(one?.last('exiting')).toMatchObject({ reason: 'outdated', newest: 2 * 16_384 })
    expect(two?.exits).toEqual([])
    const count = seen.items.length
    await world.pass(5_000)
    expect(seen.items).toHaveLength(count)
  })

  test('ends it also while nobody reads its last words', async () => {
    const { world, one, two } = await twoWorkers()
    world.crashSupervisor()
    two?.process?.['onMessage']({ kind: 'peers', peers: world.peers([1], 2 * 16_384) })
    await world.pass(2_000)
    expect(one?.exits).toEqual([74])
  })

  test('of a layout that is over nobody goes on, also without a number in the new one', async () => {
    const { world, one } = await twoWorkers()
    world.world.crash('w2')
    const again = world.spawn(2)
    await world.pass(200)
    const placement = world.placement({ source: [2], sum: [2] })
    again.tell(world.assign(2, { placement, layout: 2, peers: world.peers([2]), incarnation: 3 * 16_384 }))
    await world.pass(3_000)
    expect([again.beat?.turns === 0, again.exits]).toEqual([false, []])
    expect(one?.exits).toEqual([74])
  })
})
