// The board changes its mind: other places, other executors, other modes; and state and positions that go
// along.

import { describe, expect, test } from 'vitest'
import { assertDefined } from '../../src/base/assert.ts'
import { incarnationOf } from '../../src/cluster/incarnation.ts'
import type { AssignmentRecord, WorkerAssignment } from '../../src/cluster/records.ts'
import { SupervisorWorld } from './supervisor-world.ts'

describe('other places', () => {
  test('not assigned here any more: asked to stop, gone, forgotten', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    await world.unassign()
    await world.untilPhase('empty')
    expect(worker?.told('stop')).toHaveLength(1)
    expect(worker?.end).toEqual({ code: 0, signal: undefined })
    expect(world.nimbus.happenings.filter(({ kind }) => kind === 'worker-exited')).toMatchObject([
      { reason: 'assignment-changed' },
    ])
    const { disk } = world.world.disk('node1')
    const file = disk.open('/local/supervisor.json', 'read')
    expect(new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes))).not.toContain('words-1')
  })

  test('a worker that does not listen is killed after its grace, then its slot is used again', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    if (worker !== undefined) worker.isDeaf = true
    await world.assign(world.assignment([world.worker({ generation: 2 })]))
    await world.pass(world.settings.stopGraceMs - 500)
    expect(worker?.isAlive).toBe(true)
    expect(world.launcher.workers.filter((each) => each.assign?.port === 6700)).toHaveLength(1)
    await world.untilRuns(0, 6700, 2)
    expect(worker?.end).toEqual({ code: undefined, signal: 'SIGKILL' })
  })

  test('a worker that moves from one slot to the other stops in one and starts in the other', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.assign(world.assignment([world.worker({ generation: 2, port: 6701 })]))
    await world.untilRuns(0, 6701, 2)
    await world.untilPhase('empty', 6700)
    expect(world.launcher.at(6701)?.assign?.incarnation).toBe(incarnationOf(2, 0))
  })

  test('two workers of one topology know each other', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const workers = [
      world.worker({ executors: '1-2' }),
      world.worker({ worker: 2, port: 6701, executors: '3-4', generation: 5 }),
    ]
    await world.assign(world.assignment(workers), world.topology())
    await world.untilPhase('running')
    await world.untilPhase('running', 6701)
    expect(world.launcher.at(6700)?.assign).toMatchObject({
      placement: [1, 1, 2, 2],
      peers: [{ worker: 2, address: 'node1:6701', incarnation: incarnationOf(5, 0) }],
    })
  })
})

const stored = { lines: { 'book.txt': '"129"' } }

/** Half of the executors run here; what the others read is stored by the supervisor of node2. */
async function besideNode2(): Promise<SupervisorWorld> {
  const world = new SupervisorWorld()
  await world.start()
  const own = world.worker({ executors: '1-2' })
  const other = world.worker({ worker: 2, node: 'node2', executors: '3-4' })
  await world.assign(world.assignment([own, other]), world.topology())
  await world.untilPhase('running')
  const board = await world.opened('node2')
  await world.drive(board.putPositions('words-1', 0, stored, 1))
  return world
}

describe('the same places', () => {
  test('other executors of the same layout: rearranged, and nobody is restarted', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const two = (first: string, second: string) => [
      world.worker({ executors: first }),
      world.worker({ worker: 2, port: 6701, executors: second }),
    ]
    await world.assign(world.assignment(two('1-2', '3-4')), world.topology())
    await world.untilPhase('running')
    await world.untilPhase('running', 6701)
    const before = [world.launcher.at(6700)?.pid, world.launcher.at(6701)?.pid]
    world.launcher.at(6701)?.say({ kind: 'positions', positions: { lines: { 'book.txt': '"7"' } } })
    await world.pass(2_000)
    await world.assign(world.assignment(two('1-3', '4'), { run: 'drain' }))
    await world.until(() => world.launcher.at(6700)?.told('rearrange').length === 1)
    expect(world.launcher.at(6700)?.told('rearrange')).toMatchObject([
      { placement: [1, 1, 1, 2], stateFiles: [], positions: { lines: { 'book.txt': '"7"' } } },
    ])
    expect(world.launcher.at(6700)?.told('run')).toMatchObject([{ run: 'drain' }])
    await world.pass(2_000)
    expect([world.launcher.at(6700)?.pid, world.launcher.at(6701)?.pid]).toEqual(before)
    expect(world.slot()).toMatchObject({ phase: 'running', restartCount: 0 })
  })

  test('who dies before it was rearranged begins with what others have stored', async () => {
    const world = await besideNode2()
    // Its state is not to be had, so it waits; then it dies.
    const blob = world.blob('state of count')
    const bytes = world.nimbus.blobs.get(blob.digest)
    world.nimbus.blobs.delete(blob.digest)
    const state = [{ component: 'count', ...blob }]
    await world.assign(world.assignment([world.worker()], { run: 'drain', state }))
    await world.pass(2_000)
    expect(world.launcher.at(6700)?.told('rearrange')).toEqual([])
    world.launcher.at(6700)?.exit(1)
    await world.pass(2_000)
    world.nimbus.blobs.set(blob.digest, bytes ?? new Uint8Array(0))
    await world.untilRuns(1)
    expect(world.launcher.at(6700)?.assign).toMatchObject({ placement: [1, 1, 1, 1], positions: stored })
  })

  test('who waits for what it shall be rearranged with is told where the others are by then', async () => {
    const world = await besideNode2()
    const worker = assertDefined(world.launcher.at(6700), 'a worker runs')
    const blob = world.blob('state of count')
    const bytes = world.nimbus.blobs.get(blob.digest)
    world.nimbus.blobs.delete(blob.digest)
    const state = [{ component: 'count', ...blob }]
    const beside = (other: Partial<WorkerAssignment>) => {
      const workers = [
        world.worker({ executors: '1-3' }),
        world.worker({ worker: 2, executors: '4', ...other }),
      ]
      return world.assignment(workers, { run: 'drain', state })
    }
    await world.assign(beside({ node: 'node2', address: 'node2:6700' }))
    await world.pass(1_000)
    const moved = { node: 'node3', address: 'node3:6700', generation: 2 }
    await world.assign(beside(moved))
    await world.until(() => worker.told('peers').at(-1)?.peers[0]?.address === moved.address)
    world.nimbus.blobs.set(blob.digest, bytes ?? new Uint8Array(0))
    await world.until(() => worker.told('rearrange').length === 1)
    expect(worker.told('rearrange')[0]).toMatchObject({
      placement: [1, 1, 1, 2],
      peers: [{ worker: 2, address: moved.address, incarnation: incarnationOf(2, 0) }],
    })
  })

  test('who waits for what is not wanted any more is rearranged to what is', async () => {
    const world = await besideNode2()
    const worker = assertDefined(world.launcher.at(6700), 'a worker runs')
    const blob = world.blob('state that is gone')
    world.nimbus.blobs.delete(blob.digest)
    const beside = (own: string, others: string, state: AssignmentRecord['state']) => {
      const other = world.worker({ worker: 2, node: 'node2', executors: others })
      return world.assignment([world.worker({ executors: own }), other], { state })
    }
    await world.assign(beside('1-3', '4', [{ component: 'count', ...blob }]))
    await world.pass(2_000)
    await world.assign(beside('1', '2-4', []))
    await world.until(() => worker.told('rearrange').length > 0)
    expect(worker.told('rearrange').map(({ placement }) => placement)).toEqual([[1, 2, 2, 2]])
    await world.pass(world.settings.startTimeoutMs)
    expect(world.launcher.at(6700)).toBe(worker)
    expect(worker.told('rearrange')).toHaveLength(1)
  })

  test('who dies after it was rearranged is started again although the board is away', async () => {
    const world = await besideNode2()
    await world.assign(world.assignment([world.worker()], { run: 'drain' }))
    await world.until(() => world.launcher.at(6700)?.told('rearrange').length === 1)
    await world.pass(2_000)
    world.ensemble.loseQuorum()
    await world.pass(1_000)
    world.launcher.at(6700)?.exit(1)
    await world.untilRuns(1)
    expect(world.launcher.at(6700)?.assign).toMatchObject({ placement: [1, 1, 1, 1], positions: stored })
  })

  describe('state that moves to executors that come', () => {
    /** It was told to rearrange, and has not answered. */
    async function rearranging() {
      const world = await besideNode2()
      const blob = world.blob('state of count')
      const state = [{ component: 'count', ...blob }]
      const worker = assertDefined(world.launcher.at(6700), 'a worker runs')
      worker.isRearrangingForEver = true
      await world.assign(world.assignment([world.worker()], { run: 'drain', state }))
      await world.until(() => worker.told('rearrange').length === 1)
      return { world, worker, stateFiles: [`/local/blobs/${blob.digest}`] }
    }

    test('is given to the next life of who dies before it has them', async () => {
      const { world, worker, stateFiles } = await rearranging()
      expect(worker.told('rearrange')[0]?.stateFiles).toEqual(stateFiles)
      worker.exit(1)
      await world.untilRuns(1)
      expect(world.launcher.at(6700)?.assign).toMatchObject({ placement: [1, 1, 1, 1], stateFiles })
      world.launcher.at(6700)?.exit(1)
      await world.untilRuns(2)
      expect(world.launcher.at(6700)?.assign?.stateFiles).toEqual([])
    })

    test('is not given again once they have come', async () => {
      const { world, worker } = await rearranging()
      worker.rearranged()
      await world.pass(100)
      worker.exit(1)
      await world.untilRuns(1)
      expect(world.launcher.at(6700)?.assign).toMatchObject({ placement: [1, 1, 1, 1], stateFiles: [] })
    })

    for (const diesWhile of ['nobody looks after it', 'the next supervisor waits for it'] as const) {
      test(`is given to the next life of who dies while ${diesWhile}`, async () => {
        const { world, worker, stateFiles } = await rearranging()
        world.crashSupervisor()
        if (diesWhile === 'nobody looks after it') worker.exit(1)
        await world.start()
        if (worker.isAlive) {
          await world.until(() => worker.told('rearrange').length === 2)
          expect(worker.told('rearrange')[1]?.stateFiles).toEqual(stateFiles)
          worker.exit(1)
        }
        await world.untilRuns(1)
        expect(world.launcher.at(6700)?.assign).toMatchObject({ placement: [1, 1, 1, 1], stateFiles })
      })
    }

    test('is waited for, whatever else the worker says to have done', async () => {
      const { world, worker } = await rearranging()
      const before = worker.assign?.placement
      world.crashSupervisor()
      const other = world.worker({ worker: 2, node: 'node2', executors: '4' })
      await world.assign(world.assignment([world.worker({ executors: '1-3' }), other]))
      await world.start()
      await world.until(() => worker.told('rearrange').length === 2)
      // What the supervisor before this one has asked for.
      worker.rearranged(before)
      await world.pass(1_000)
      expect(worker.told('run').at(-1)).toEqual({ kind: 'run', run: 'drain' })
      worker.rearranged()
      await world.until(() => worker.told('run').at(-1)?.run === 'active')
    })

    test('is not given again by the next supervisor, once they have come', async () => {
      const { world, worker } = await rearranging()
      worker.rearranged()
      await world.pass(100)
      world.crashSupervisor()
      await world.start()
      await world.pass(2_000)
      expect(worker.told('rearrange')).toHaveLength(1)
      worker.exit(1)
      await world.untilRuns(1)
      expect(world.launcher.at(6700)?.assign).toMatchObject({ placement: [1, 1, 1, 1], stateFiles: [] })
    })
  })

  test('moved state goes to the first start only', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const state = [
      { component: 'count', ...world.blob('state of count') },
      { component: 'elsewhere', ...world.blob('state of somebody else') },
    ]
    await world.assign(world.assignment([world.worker()], { state }), world.topology())
    await world.untilPhase('running')
    const path = `/local/blobs/${state[0]?.digest}`
    expect(world.launcher.at(6700)?.assign?.stateFiles).toEqual([path])
    expect(world.world.disk('node1').disk.stat(path)?.sizeBytes).toBe(14)
    world.launcher.at(6700)?.exit(1)
    await world.untilRuns(1)
    expect(world.launcher.at(6700)?.assign?.stateFiles).toEqual([])
  })

  test('moved state is given again to a first start that failed', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const start = world.launcher.onAssign
    let isFirst = true
    world.launcher.onAssign = (worker) => {
      if (!isFirst) return start(worker)
      isFirst = false
      worker.host.timers.after(5, () => worker.exit(71))
    }
    const state = [{ component: 'count', ...world.blob('state of count') }]
    await world.assign(world.assignment([world.worker()], { state }), world.topology())
    await world.untilRuns(1)
    expect(world.launcher.at(6700)?.assign?.stateFiles).toHaveLength(1)
  })

  test('moved state is given again to a first start that failed under the next supervisor', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const start = world.launcher.onAssign
    world.launcher.onAssign = () => undefined
    const state = [{ component: 'count', ...world.blob('state of count') }]
    await world.assign(world.assignment([world.worker()], { state }), world.topology())
    await world.until(() => world.launcher.at(6700) !== undefined)
    const slow = assertDefined(world.launcher.at(6700), 'a worker has its seat')
    world.crashSupervisor()
    await world.start()
    await world.pass(2_500)
    expect(slow.isConnected).toBe(true)
    expect(world.slot()?.phase).toBe('starting')
    world.launcher.onAssign = start
    slow.exit(71)
    await world.untilRuns(1)
    expect(world.launcher.at(6700)?.assign?.stateFiles).toHaveLength(1)
  })

  test('state is written out, stored at nimbus, told; other files are not read', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    await world.assign(world.assignment([world.worker()], { run: 'drain', dump: '2-3' }))
    await world.until(() => worker?.told('dump-state').length === 1)
    expect(worker?.told('dump-state')).toMatchObject([{ executors: [2, 3] }])
    expect(world.slot()?.dumped).toBeUndefined()
    const { disk } = world.world.disk('node1')
    const path = `${worker?.assign?.directory}/state/executor-2.state`
    disk.makeDirectory(`${worker?.assign?.directory}/state`)
    disk.write(disk.open(path, 'create'), new TextEncoder().encode('keyed'), 0)
    const outside = '/local/supervisor.json'
    worker?.say({ kind: 'state-dumped', files: [{ executor: 3, path: outside, sizeBytes: 5 }] })
    await world.pass(2_000)
    expect(world.slot()?.dumped).toBeUndefined()
    world.nimbus.isAway = true
    worker?.say({ kind: 'state-dumped', files: [{ executor: 2, path, sizeBytes: 5 }] })
    await world.pass(3_000)
    world.nimbus.isAway = false
    await world.until(() => world.slot()?.dumped !== undefined)
    const [dumped] = world.slot()?.dumped ?? []
    expect(dumped).toMatchObject({ executor: 2, sizeBytes: 5 })
    expect(world.nimbus.blobs.get(dumped?.digest ?? '')).toEqual(new TextEncoder().encode('keyed'))
    expect(disk.stat(path)).toBeUndefined()
    await world.assign(world.assignment([world.worker()]))
    await world.until(() => world.slot()?.dumped === undefined)
  })
})

describe('positions', () => {
  const said = (value: string) => ({ lines: { 'book.txt': value } })

  test('go to the board, are told stored, and are what the next life begins with', async () => {
    const world = new SupervisorWorld()
    await world.running()
    world.launcher.at(6700)?.say({ kind: 'positions', positions: said('"1"') })
    world.launcher.at(6700)?.say({ kind: 'positions', positions: said('"2"') })
    await world.until(() => (world.launcher.at(6700)?.told('stored').length ?? 0) > 0)
    await world.pass(1_500)
    expect(await world.positions()).toEqual(said('"2"'))
    expect(world.launcher.at(6700)?.told('stored').at(-1)).toEqual({
      kind: 'stored',
      positions: said('"2"'),
    })
    world.launcher.at(6700)?.say({ kind: 'positions', positions: said('"3"') })
    await world.pass(5)
    world.launcher.at(6700)?.exit(1)
    await world.untilRuns(1)
    expect(world.launcher.at(6700)?.assign?.positions).toEqual(said('"3"'))
  })

  describe('of more than a message takes', () => {
    const partitions = Array.from({ length: 100 }, (_, number) => `part ${number}`)
    const large = (of: readonly string[]) => {
      const text = JSON.stringify('x'.repeat(200_000))
      return { lines: Object.fromEntries(of.map((partition) => [partition, text])) }
    }

    test('are told to be stored, and go to the next life', async () => {
      const world = new SupervisorWorld()
      await world.running()
      const worker = assertDefined(world.launcher.at(6700), 'a worker runs')
      for (let at = 0; at < partitions.length; at += 10) {
        worker.say({ kind: 'positions', positions: large(partitions.slice(at, at + 10)) })
      }
      const stored = () =>
        new Set(worker.told('stored').flatMap((each) => Object.keys(each.positions['lines'] ?? {})))
      await world.until(() => stored().size === partitions.length, 'all are stored')
      expect(worker.connectionCount).toBe(1)
      worker.exit(1)
      await world.untilRuns(1)
      expect(world.launcher.at(6700)?.assign?.positions).toEqual(large(partitions))
    })

    test('go to who takes over executors that read them', async () => {
      const world = await besideNode2()
      const worker = assertDefined(world.launcher.at(6700), 'a worker runs')
      const board = await world.opened('node2')
      await world.drive(board.putPositions('words-1', 0, large(partitions), 1))
      await world.assign(world.assignment([world.worker()], { run: 'drain' }))
      await world.until(() => worker.told('rearrange').length > 0)
      expect(worker.told('rearrange')[0]?.positions?.['lines']).toMatchObject(large(partitions).lines)
      await world.pass(2_000)
      expect(worker.isAlive).toBe(true)
      expect(worker.connectionCount).toBe(1)
    })
  })

  test('a node that begins with a topology reads them from the board', async () => {
    const world = new SupervisorWorld()
    await world.running()
    world.launcher.at(6700)?.say({ kind: 'positions', positions: said('"8"') })
    await world.pass(2_000)
    await world.unassign()
    await world.untilPhase('empty')
    await world.assign(world.assignment([world.worker({ generation: 2 })]))
    await world.untilRuns(0, 6700, 2)
    expect(world.launcher.at(6700)?.assign?.positions).toEqual(said('"8"'))
  })

  test('an assignment that changed in between is read again; what is not ours is left out', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    await world.assign(world.assignment([world.worker()], { run: 'inactive' }))
    worker?.say({ kind: 'positions', positions: said('"1"') })
    await world.until(() => (worker?.told('stored').length ?? 0) > 0)
    if (worker !== undefined) worker.isDeaf = true
    await world.assign(world.assignment([world.worker({ node: 'node2', generation: 2 })]))
    worker?.say({ kind: 'positions', positions: said('"99"') })
    await world.pass(2_500)
    expect(await world.positions()).toEqual(said('"1"'))
  })

  test('while the board is away the newest is kept, and stored when it is back', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    world.ensemble.loseQuorum()
    for (let value = 1; value <= 100; value += 1) {
      worker?.say({ kind: 'positions', positions: said(`"${value}"`) })
      await world.pass(1_200)
    }
    expect(worker?.told('stored')).toEqual([])
    expect(worker?.isAlive).toBe(true)
    world.ensemble.regainQuorum()
    await world.until(() => (worker?.told('stored').length ?? 0) > 0, 'stored')
    expect(await world.positions()).toEqual(said('"100"'))
  })

  test('of one that died drained are stored before its next life counts as drained', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.assign(world.assignment([world.worker()], { run: 'drain' }))
    const onAssign = world.launcher.onAssign
    world.launcher.onAssign = (worker) => {
      worker.beatChange = { run: 'drain', isQuiet: true }
      onAssign(worker)
    }
    world.ensemble.loseQuorum()
    world.launcher.at(6700)?.say({ kind: 'positions', positions: said('"5"') })
    await world.pass(5)
    world.launcher.at(6700)?.exit(1)
    await world.untilRuns(1)
    const drained = () => world.slot()?.beat?.run === 'drain' && world.slot()?.beat?.isQuiet === true
    await world.until(() => world.slot()?.beat?.run === 'drain')
    await world.pass(3_000)
    expect(drained()).toBe(false)
    world.ensemble.regainQuorum()
    await world.until(drained, 'drained')
    expect(await world.positions()).toEqual(said('"5"'))
  })
})
