import { describe, expect, test } from 'vitest'
import type { Host } from '../host.ts'
import { realTurn } from '../node-turn.ts'
import { VirtualWorld } from './virtual-world.ts'

const passed = (host: Host, delayMs: number) =>
  new Promise<void>((resolve) => void host.timers.after(delayMs, resolve))

/** Several hosts that talk, write, wait and defer at random: enough to tell two orders apart. */
async function chatter(seed: number): Promise<{ readonly hash: string; readonly said: readonly string[] }> {
  const world = new VirtualWorld({ seed })
  const said: string[] = []
  const names = ['a', 'b', 'c']
  world.net.setAll({ delayMs: [1, 9] })
  const live = async (name: string) => {
    const host = world.host(name)
    await host.net.listen(`${name}:1`, (connection) => {
      connection.onBytes = (bytes) => said.push(`${name} ${bytes.length}`)
    })
    await passed(host, 5)
    for (const other of names) {
      const connection = host.net.connect(`${other}:1`, () => said.push(`${name} to ${other}`))
      connection.write(new Uint8Array(1 + Math.floor(host.random.next() * 100)))
    }
    const file = await host.files.open(`/${name}`, 'create')
    await file.write(new Uint8Array(10), 0)
    host.timers.every(7, () => said.push(`${name} ticks`))
  }
  for (const name of names) void live(name)
  world.timers.after(30, () => world.crash('b'))
  await world.run({ untilMs: 100 })
  return { hash: world.eventHash, said }
}

describe('the seed', () => {
  test('decides everything: the same one gives the same events', async () => {
    for (let seed = 0; seed < 50; seed += 1) expect(await chatter(seed)).toEqual(await chatter(seed))
  })

  test('another one gives another order', async () => {
    const runs = await Promise.all(Array.from({ length: 20 }, (_, seed) => chatter(seed)))
    expect(new Set(runs.map(({ hash }) => hash)).size).toBe(20)
    expect(new Set(runs.map(({ said }) => said.join())).size).toBeGreaterThan(15)
  })

  test('chooses between hosts, but never within one', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed += 1) {
      const world = new VirtualWorld({ seed })
      const ran: string[] = []
      for (const name of ['a', 'b']) {
        for (const step of [1, 2, 3]) world.host(name).timers.defer(() => ran.push(name + step))
      }
      await world.run()
      expect(ran.filter((step) => step.startsWith('a'))).toEqual(['a1', 'a2', 'a3'])
      expect(ran.filter((step) => step.startsWith('b'))).toEqual(['b1', 'b2', 'b3'])
      orders.add(ran.join())
    }
    expect(orders.size).toBeGreaterThan(8)
  })

  test('gives each life of each host its own random numbers', () => {
    const world = new VirtualWorld({ seed: 1 })
    const first = world.host('a').random.next()
    world.crash('a')
    const draws = [first, world.host('a').random.next(), world.host('b').random.next()]
    expect(new Set(draws).size).toBe(3)
    expect(new VirtualWorld({ seed: 1 }).host('a').random.next()).toBe(first)
  })
})

describe('time', () => {
  test('hours pass in no time, and every tick comes on time', async () => {
    const world = new VirtualWorld({ seed: 1, startAtMs: 1_000 })
    const host = world.host('a')
    let ticks = 0
    host.timers.every(100, () => {
      ticks += 1
      if (host.clock.now() !== 1_000 + ticks * 100) throw new Error('a tick was late')
    })
    expect(await world.run({ untilMs: 1_000 + 3_600_000 })).toBe('time')
    expect(ticks).toBe(36_000)
    expect(world.nowMs).toBe(3_601_000)
    expect(host.clock.monotonicMs()).toBe(3_600_000)
  })

  test('stands still while promises settle, however long their chain', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const host = world.host('a')
    const seen: number[] = []
    const chain = async () => {
      for (let i = 0; i < 1_000; i += 1) await null
      seen.push(host.clock.now())
    }
    host.timers.after(10, () => void chain())
    host.timers.after(11, () => seen.push(host.clock.now()))
    await world.run()
    expect(seen).toEqual([10, 11])
  })

  test('a run ends where it was told to, and the next one goes on', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const fired: number[] = []
    for (const delayMs of [10, 20, 30]) world.host('a').timers.after(delayMs, () => fired.push(delayMs))
    expect(await world.run({ untilMs: 20 })).toBe('time')
    expect(fired).toEqual([10, 20])
    expect(await world.run({ while: () => fired.length < 2 })).toBe('stopped')
    expect(await world.run({ untilMs: 90, untilIdle: true })).toBe('idle')
    expect([fired, world.nowMs]).toEqual([[10, 20, 30], 30])
    expect(await world.run({ untilMs: 90 })).toBe('time')
    expect(world.nowMs).toBe(90)
    expect(await world.run()).toBe('idle')
  })

  test('a program that always has something to do does not stop the clock', async () => {
    const world = new VirtualWorld({ seed: 1, instantEventsMax: 100 })
    const { timers } = world.host('a')
    let turns = 0
    const again = () => {
      turns += 1
      timers.defer(again)
    }
    again()
    let fired = false
    timers.after(5, () => {
      fired = true
    })
    expect(await world.run({ untilMs: 10 })).toBe('time')
    expect(fired).toBe(true)
    expect(turns).toBeGreaterThan(1_000)
    const before = turns
    expect(await world.run({ untilMs: 10 })).toBe('time')
    expect(turns).toBeGreaterThan(before)
  })

  test('a wrong clock is wrong for its host only, also after a restart', () => {
    const world = new VirtualWorld({ seed: 1, startAtMs: 500 })
    world.setClockSkew('a', -200)
    expect([world.host('a').clock.now(), world.host('b').clock.now()]).toEqual([300, 500])
    world.crash('a')
    world.setClockSkew('b', 7)
    expect([world.host('a').clock.now(), world.host('b').clock.now()]).toEqual([300, 507])
  })

  test('a timer that is stopped when it is due already does not fire', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const { timers } = world.host('a')
    const fired: string[] = []
    timers.after(5, () => second.stop())
    const second = timers.every(5, () => fired.push('second'))
    expect(await world.run()).toBe('idle')
    expect(fired).toEqual([])
  })

  test('a late period is not made up for', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const ticks: number[] = []
    world.host('a').timers.every(10, () => ticks.push(world.nowMs))
    await world.run({ untilMs: 15 })
    world.pause('a')
    await world.run({ untilMs: 55 })
    world.resume('a')
    await world.run({ untilMs: 80 })
    expect(ticks).toEqual([10, 55, 65, 75])
  })
})

describe('hosts', () => {
  test('a crash takes timers, deferred calls and unsynced bytes', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const host = world.host('a')
    const ran: string[] = []
    const file = host.files.open('/f', 'create')
    await world.run()
    void (await file).write(new Uint8Array(5), 0)
    await world.run()
    host.timers.after(10, () => ran.push('timer'))
    host.timers.every(10, () => ran.push('period'))
    host.timers.defer(() => ran.push('deferred'))
    void host.files.stat('/f').then(() => ran.push('stat'))
    world.crash('a', 'all')
    host.timers.after(1, () => ran.push('after death'))
    host.timers.defer(() => ran.push('after death'))
    expect(await world.run()).toBe('idle')
    expect([ran, world.nowMs]).toEqual([[], 0])
    expect(world.disk('a').disk.paths()).toEqual([])
    expect(world.host('a')).not.toBe(host)
    expect(world.host('a')).toBe(world.host('a'))
  })

  test('a killed process leaves what the system has of its files', async () => {
    const world = new VirtualWorld({ seed: 1 })
    void world.host('a').files.open('/f', 'create')
    await world.run()
    world.crash('a', 'none')
    expect(world.disk('a').disk.paths()).toEqual(['/f'])
  })

  test('a paused host does nothing, and then everything', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const host = world.host('a')
    const ran: string[] = []
    host.timers.defer(() => ran.push('deferred'))
    host.timers.after(10, () => ran.push('timer'))
    world.pause('a')
    world.pause('a')
    world.host('b').timers.after(20, () => ran.push('other'))
    await world.run({ untilMs: 50 })
    expect(ran).toEqual(['other'])
    world.resume('a')
    world.resume('a')
    await world.run()
    expect(ran).toEqual(['other', 'deferred', 'timer'])
  })

  test('disks that are broken, slow or fail now and then', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const { files } = world.host('a')
    const { faults } = world.disk('a')
    const outcome = async () => {
      const call = files.makeDirectory('/d').then(
        () => 'worked',
        (error) => error.details.reason,
      )
      await world.run()
      return call
    }
    faults.isBroken = true
    expect(await outcome()).toBe('EIO')
    faults.isBroken = false
    faults.delayMs = 250
    expect(await outcome()).toBe('worked')
    expect(world.nowMs).toBe(250)
    faults.delayMs = 0
    faults.failShare = 0.5
    const outcomes = []
    for (let i = 0; i < 40; i += 1) outcomes.push(await outcome())
    expect(new Set(outcomes)).toEqual(new Set(['EIO', 'worked']))
  })

  test('what is thrown in an event comes out of the run', async () => {
    const world = new VirtualWorld({ seed: 1 })
    world.host('a').timers.after(5, function explode() {
      throw new Error('boom')
    })
    await expect(world.run()).rejects.toThrow('boom')
    expect(world.recentEvents().at(-1)).toBe('5.000 a after explode')
    expect(await world.run()).toBe('idle')
  })

  test('lines for the user go to whoever made the world', () => {
    const lines: string[] = []
    const world = new VirtualWorld({ seed: 1, print: (host, line) => lines.push(`${host}: ${line}`) })
    const host = world.host('a')
    host.print('hello')
    world.crash('a')
    host.print('from beyond')
    expect(lines).toEqual(['a: hello'])
  })
})

describe('programs on a machine', () => {
  test('share its disk, crash alone, and go when it goes', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const left = world.hostOn('m', 'left')
    const right = world.hostOn('m', 'right')
    const ticks: string[] = []
    left.timers.every(10, () => ticks.push('left'))
    right.timers.every(10, () => ticks.push('right'))
    const file = await drive(world, left.files.open('/note', 'create'))
    await drive(world, file.write(new Uint8Array([7]), 0))
    expect((await drive(world, right.files.stat('/note')))?.sizeBytes).toBe(1)
    world.crash('m/left', 'none')
    ticks.length = 0
    await world.run({ untilMs: world.nowMs + 30 })
    expect(ticks).toEqual(['right', 'right', 'right'])
    expect(world.isRunningOn('m/right')).toBe(true)
    world.crash('m')
    ticks.length = 0
    await world.run({ untilMs: world.nowMs + 30 })
    expect(ticks).toEqual([])
    expect(world.isRunningOn('m/right')).toBe(false)
  })

  test('are one place in the net: what is cut for the machine is cut for each', async () => {
    const world = new VirtualWorld({ seed: 1, isChopped: false })
    const heard: string[] = []
    await drive(
      world,
      world.hostOn('m', 'left').net.listen('m:1', (connection) => {
        connection.onBytes = () => heard.push('left')
      }),
    )
    const dial = (from: ReturnType<VirtualWorld['host']>) => {
      from.net.connect('m:1', () => undefined).write(new Uint8Array([1]))
    }
    world.net.cut('m', 'other')
    dial(world.host('other'))
    dial(world.hostOn('m', 'right'))
    await world.run({ untilMs: world.nowMs + 100 })
    expect(heard).toEqual(['left'])
  })

  async function drive<T>(world: VirtualWorld, work: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    work.then(over, over)
    await world.run({ while: () => !isOver })
    return work
  }
})

describe('user calls', () => {
  /** Something that only the real world can settle. */
  const realTurns = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1) await realTurn()
  }

  test('that wait for the real world keep virtual time from running away', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const host = world.host('a')
    const order: string[] = []
    host.timers.after(1_000, () => order.push('timer'))
    const call = async () => {
      host.userCallBegan()
      await realTurns(20)
      host.userCallEnded()
      order.push(`call at ${host.clock.now()}`)
    }
    host.timers.defer(() => void call())
    await world.run()
    expect(order).toEqual(['call at 0', 'timer'])
  })

  test('that never come back hold time up for a bounded while', async () => {
    const world = new VirtualWorld({ seed: 1, patienceMs: 5 })
    const host = world.host('a')
    let ticks = 0
    host.timers.every(1_000, () => {
      ticks += 1
    })
    host.userCallBegan()
    await world.run({ untilMs: 100_000 })
    expect(ticks).toBe(100)
    world.crash('a')
    host.userCallEnded()
    expect(await world.run()).toBe('idle')
  })
})
