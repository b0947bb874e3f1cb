// Goal: a node has one supervisor. Method: a second one is started beside the first, in the same directory or
// under the same name from another one, and nothing of the first may change; then the first is gone, in every
// way, and the next is not kept waiting.
import { describe, expect, test } from 'vitest'
import { incarnationOf } from '../../src/cluster/incarnation.ts'
import type { Host } from '../../src/host/host.ts'
import type { SupervisorSettings } from '../../src/supervisor/supervisor-settings.ts'
import { SESSION_MS } from '../cluster/board-world.ts'
import { FakeLauncher } from './fake-worker.ts'
import { NODE, SupervisorWorld, supervisorOn } from './supervisor-world.ts'

const textAt = (world: SupervisorWorld, path: string) => {
  const file = world.world.disk(NODE).disk.open(path, 'read')
  return new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes))
}

/** A further supervisor, with a launcher of its own. */
function twinOf(world: SupervisorWorld, settings: Partial<SupervisorSettings>, program = 'twin') {
  const host = world.world.hostOn(NODE, program)
  const launcher = new FakeLauncher(world.world, NODE, 500)
  const board = world.board(`${NODE}/${program}`, '/typhoon', ['assignments', 'topologies'])
  const own = { ...world.settings, httpAddress: `${NODE}:8001`, ...settings }
  return { launcher, supervisor: supervisorOn(world, { host, board }, launcher, own) }
}

describe('in one directory', () => {
  test('the second is refused before it has touched anything, and names the first', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const before = textAt(world, '/local/control.json')
    const worker = world.launcher.at(6700)
    const { launcher, supervisor } = twinOf(world, { node: 'node2' })
    await expect(world.drive(supervisor.start())).rejects.toMatchObject({
      code: 'DIRECTORY_IN_USE',
      family: 'conflict',
      message: '/local is in use by another supervisor, process 1',
      details: { path: '/local', pid: 1 },
    })
    await world.pass(20_000)
    expect(textAt(world, '/local/control.json')).toBe(before)
    expect(world.launcher.at(6700)).toBe(worker)
    expect(worker?.isConnected).toBe(true)
    expect(launcher.workers).toEqual([])
  })

  test('of two that begin at once, never both have it', async () => {
    let served = 0
    for (let seed = 1; seed <= 40; seed += 1) {
      const world = new SupervisorWorld(seed)
      const twins = ['a', 'b', 'c'].map((name) =>
        twinOf(world, { node: name, httpAddress: `${NODE}:0` }, name),
      )
      const starts = twins.map(({ supervisor }) =>
        supervisor.start().then(
          () => 1,
          () => 0,
        ),
      )
      const count = (await world.drive(Promise.all(starts))).reduce<number>((sum, one) => sum + one, 0)
      expect(count).toBeLessThanOrEqual(1)
      served += count
    }
    // That all are refused is allowed, and rare.
    expect(served).toBeGreaterThan(30)
  })

  test('stopped in good order, killed, or refused: the next one has it', async () => {
    const world = new SupervisorWorld()
    await world.start()
    await world.drive(world.supervisor.stop({ leaveWorkers: true }))
    await world.start()
    await expect(world.drive(twinOf(world, { node: 'node2' }).supervisor.start())).rejects.toThrow()
    world.crashSupervisor()
    await world.start()
    world.crashSupervisor()
    await world.start()
    expect(world.world.disk(NODE).disk.list('/local/supervisor.lock')).toHaveLength(1)
    await world.drive(world.supervisor.stop({ leaveWorkers: true }))
    expect(world.world.disk(NODE).disk.list('/local/supervisor.lock')).toEqual([])
  })
})

describe('under one name', () => {
  test('the second launches nothing while it waits for the name, and is refused', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    const { launcher, supervisor } = twinOf(world, { directory: '/elsewhere' })
    await expect(world.drive(supervisor.start())).rejects.toMatchObject({ code: 'RECORD_EXISTS' })
    await world.pass(5_000)
    expect(launcher.workers).toEqual([])
    expect(world.launcher.at(6700)).toBe(worker)
    expect(world.slot()?.phase).toBe('running')
  })

  test('one that comes back to find its name taken ends its own workers, and leaves the others', async () => {
    const world = new SupervisorWorld(1, { leaseMs: 60_000 })
    await world.running()
    const old = world.launcher.at(6700)
    world.crashSupervisor()
    await world.pass(2 * SESSION_MS)
    const other = twinOf(world, { directory: '/elsewhere' })
    await world.drive(other.supervisor.start())
    await world.until(() => other.launcher.at(6700) !== undefined)
    await expect(world.drive(world.make().start())).rejects.toMatchObject({ code: 'RECORD_EXISTS' })
    expect(old?.end).toEqual({ code: 0, signal: undefined })
    await world.pass(5_000)
    expect(other.launcher.at(6700)?.assign?.incarnation).toBe(incarnationOf(1, 0))
    expect(other.launcher.at(6700)?.isConnected).toBe(true)
  })

  test('the next in the directory of one that was killed need not wait for its session to end', async () => {
    const world = new SupervisorWorld()
    await world.running()
    world.crashSupervisor()
    world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
    const before = world.world.nowMs
    await world.start()
    await world.untilRuns(1)
    expect(world.world.nowMs - before).toBeLessThan(SESSION_MS / 2)
  })

  test('the session is lost before the node is announced: it is announced in the next', async () => {
    const world = new SupervisorWorld()
    world.make()
    const board = world.board_
    const announce = board.announceSupervisor.bind(board)
    let tries = 0
    board.announceSupervisor = (record, former) => {
      tries += 1
      if (tries === 1) world.ensemble.cut(NODE, 'silent')
      return announce(record, former)
    }
    const starting = world.supervisor.start()
    await world.pass(5 * SESSION_MS)
    world.ensemble.heal(NODE)
    await world.drive(starting)
    const watcher = await world.opened('watcher')
    await world.until(() => watcher.view.supervisors.has(NODE))
    expect(tries).toBeGreaterThan(1)
  })
})

describe('stopped before it is in service', () => {
  test('it does not take its name any more, and leaves the claims of the dead to the next', async () => {
    const world = new SupervisorWorld(1, { leaseMs: 60_000 })
    await world.running()
    const worker = world.launcher.at(6700)
    world.crashSupervisor()
    await world.pass(2 * SESSION_MS)
    const other = await world.opened('other')
    const record = { ...world.settings, address: 'other:1', owner: 'somebody else' }
    const name = await world.drive(other.announceSupervisor(record))
    const starting = world.make().start()
    await world.until(() => worker?.isConnected === true)
    if (worker !== undefined) worker.isDeaf = true
    const watcher = await world.opened('watcher')
    const claims = world.world.disk(NODE).disk.list('/local/supervisor.lock').length
    const seen = new Set<string>()
    watcher.onChange(() => {
      for (const { owner } of watcher.view.supervisors.values()) seen.add(owner)
    })
    const stopping = world.supervisor.stop({ leaveWorkers: false })
    name.stop()
    await world.drive(stopping)
    await world.drive(starting)
    await world.pass(2 * SESSION_MS)
    expect([...seen].filter((owner) => owner !== 'somebody else')).toEqual([])
    expect(world.world.disk(NODE).disk.list('/local/supervisor.lock')).toHaveLength(claims - 1)
  })

  test('at any moment: whoever comes next has the directory for itself', async () => {
    for (let events = 0; events < 60; events += 1) {
      const world = new SupervisorWorld(events + 1)
      const starting = world.make().start()
      let left = events
      await world.world.run({ while: () => left-- > 0, untilMs: world.world.nowMs + 5_000 })
      await world.drive(world.supervisor.stop({ leaveWorkers: true }))
      expect(world.world.disk(NODE).disk.list('/local/supervisor.lock'), `after ${events} events`).toEqual([])
      await world.start()
      const control = textAt(world, '/local/control.json')
      await world.drive(starting)
      await world.pass(5_000)
      expect(textAt(world, '/local/control.json'), `after ${events} events`).toBe(control)
      expect(world.world.disk(NODE).disk.list('/local/supervisor.lock')).toHaveLength(1)
    }
  })
})

test('stopped while its listener opens, it listens no longer', async () => {
  const world = new SupervisorWorld()
  const base = world.world.host(NODE)
  let opened = (): void => undefined
  const opening = new Promise<void>((resolve) => {
    opened = resolve
  })
  const counts = { opened: 0, stopped: 0 }
  const serve = async () => {
    counts.opened += 1
    await opening
    return { address: `${NODE}:8000`, stop: () => (counts.stopped += 1) }
  }
  const host: Host = Object.create(base, { http: { value: { serve } } })
  const board = world.board(NODE, '/typhoon', ['assignments', 'topologies'])
  const supervisor = supervisorOn(world, { host, board }, world.launcher, world.settings)
  const begun = supervisor.start()
  await world.until(() => counts.opened === 1, 'the listener to be opened')
  await world.drive(supervisor.stop({ leaveWorkers: true }))
  opened()
  await world.drive(begun)
  expect(counts.stopped).toBe(1)
})
