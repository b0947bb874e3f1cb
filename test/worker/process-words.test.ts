// What a worker process tells its supervisor of, starts that fail and what executors want, and what it is
// told of logs.
import { describe, expect, test } from 'vitest'
import { bolt, spoutFrom } from '../../src/index.ts'
import { counted, fresh, number, upTo } from './counted.ts'
import { SeatWorld } from './seat-world.ts'

describe('a start that fails', () => {
  async function failing(change: (world: SeatWorld) => Parameters<SeatWorld['assign']>[1] | undefined) {
    const world = new SeatWorld(counted(10, fresh()))
    const over = change(world)
    await world.openSupervisor()
    const seated = world.spawn(1)
    await world.pass(100)
    seated.tell(world.assign(1, over))
    await world.pass(5_000)
    return seated
  }

  test('the bundle throws', async () => {
    const seated = await failing((world) => {
      world.load = () => {
        throw new TypeError('no such thing')
      }
      return undefined
    })
    expect(seated.kinds()).toEqual(['hello', 'start-failed', 'exiting'])
    expect(seated.last('start-failed')?.fault).toMatchObject({
      message: 'no such thing',
      family: 'user-code',
    })
    expect(seated.exits).toEqual([71])
  })

  test('the module is no topology', async () => {
    const seated = await failing((world) => {
      world.load = () => 17
      return undefined
    })
    expect(seated.last('start-failed')?.fault.code).toBe('NO_DEFAULT_EXPORT')
    expect(seated.exits).toEqual([71])
  })

  test('its build gives another layout than the cluster reckons with', async () => {
    const seated = await failing(() => ({ parallelism: { sum: { executors: 3 } } }))
    expect(seated.last('start-failed')?.fault.code).toBe('BUILD_NOT_REPEATABLE')
    expect(seated.exits).toEqual([71])
  })

  test('another process has the port and does not give it up', async () => {
    const seated = await failing((world) => {
      void world.world.host('w1').net.listen('w1:6700', () => undefined)
      return undefined
    })
    expect(seated.last('start-failed')?.fault.code).toBe('PORT_IN_USE')
    expect(seated.exits).toEqual([71])
  })

  test('another process has the port for a moment: it is waited for', async () => {
    const seated = await failing((world) => {
      void world.world
        .host('w1')
        .net.listen('w1:6700', () => undefined)
        .then((open) => world.world.timers.after(500, () => open.stop()))
      return undefined
    })
    expect(seated.kinds()).toEqual(['hello', 'started'])
  })

  test('a bolt cannot be prepared; its component is named', async () => {
    const world = new SeatWorld({
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(number, () => upTo(3)),
        )
        const broken = bolt({
          input: number,
          prepare: () => {
            throw new TypeError('no table')
          },
          execute: () => undefined,
        })
        builder.setBolt('broken', broken).shuffleGrouping(source)
      },
    })
    const [seated] = await world.seatAll([1])
    expect(seated?.last('start-failed')?.fault).toMatchObject({ code: 'PREPARE_THREW', component: 'broken' })
    expect(seated?.exits).toEqual([71])
  })
})

describe('what executors want', () => {
  async function failingWith(onError: 'restart-worker' | 'stop-topology' | 'dead-letter' | 'fail') {
    const world = new SeatWorld({
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(number, () => upTo(3)),
        )
        const failing = bolt({
          input: number,
          onError,
          execute: (tuple) => {
            if (tuple.values.n === 1) throw new TypeError('not this one')
          },
        })
        builder.setBolt('failing', failing).shuffleGrouping(source)
      },
    })
    return world
  }

  test('a restart: the process ends with the code for it', async () => {
    const world = await failingWith('restart-worker')
    const [seated] = await world.seatAll([1])
    await world.pass(1_000)
    expect(seated?.exits).toEqual([73])
    expect(seated?.last('exiting')).toMatchObject({ reason: 'restart-wanted' })
  })

  test('a stop of the topology: told once, and the sources stop', async () => {
    const world = await failingWith('stop-topology')
    const [seated] = await world.seatAll([1])
    await world.pass(1_000)
    expect(seated?.kinds().filter((kind) => kind === 'stop-wanted')).toHaveLength(1)
    expect(seated?.last('stop-wanted')?.fault).toMatchObject({ component: 'failing' })
    expect(seated?.exits).toEqual([])
    expect(seated?.beat?.run).toBe('inactive')
  })

  test('a dead letter goes to the supervisor, with its values', async () => {
    const world = await failingWith('dead-letter')
    const [seated] = await world.seatAll([1])
    await world.pass(1_000)
    expect(seated?.last('dead-letter')?.letter).toMatchObject({ component: 'failing', values: { n: 1 } })
    expect(seated?.last('fault')?.fault).toMatchObject({ component: 'failing', code: 'EXECUTE_THREW' })
  })

  test('what is told while there is no line is told on the next', async () => {
    const world = await failingWith('dead-letter')
    const [seated] = await world.seatAll([1], { run: 'inactive' })
    seated?.tell({ kind: 'run', run: 'active' })
    await world.pass(1)
    world.crashSupervisor()
    await world.pass(1_000)
    await world.openSupervisor()
    await world.pass(2_000)
    expect(seated?.last('dead-letter')?.letter).toMatchObject({ values: { n: 1 } })
  })
})

test('a log level of a component holds for its time', async () => {
  const world = new SeatWorld({
    build(builder) {
      const source = spoutFrom(number, async function* () {
        for (let n = 0; n < 40; n += 1) {
          await world.sleep(500)
          yield { n }
        }
      })
      const talking = bolt({
        input: number,
        prepare: (context) => context.log,
        execute: (tuple, _out, log) => log.debug('got', { n: tuple.values.n }),
      })
      builder.setBolt('talking', talking).shuffleGrouping(builder.setSpout('source', source))
    },
  })
  const [seated] = await world.seatAll([1])
  const said = () => seated?.log.filter(({ message }) => message === 'got').length
  await world.pass(2_000)
  expect(said()).toBe(0)
  seated?.tell({ kind: 'log-level', logger: 'talking', level: 'debug', forMs: 2_000 })
  await world.pass(3_000)
  const during = said()
  expect(during).toBeGreaterThanOrEqual(3)
  await world.pass(2_000)
  expect(said()).toBe(during)
})
