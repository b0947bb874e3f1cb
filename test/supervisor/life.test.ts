// The life of workers on a node, in virtual time: from the assignment to running, and back after every kind
// of end.
import { describe, expect, test } from 'vitest'
import { incarnationOf, RESTARTS_MAX } from '../../src/cluster/incarnation.ts'
import { SupervisorWorld } from './supervisor-world.ts'

describe('launch', () => {
  test('an assigned worker is launched with all it needs, and told to the leader', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    expect(worker?.assign).toMatchObject({
      topologyId: 'words-1',
      topologyName: 'words',
      worker: 1,
      port: 6700,
      incarnation: incarnationOf(1, 0),
      placement: [1, 1, 1, 1],
      run: 'active',
      listen: '127.0.0.1:6700',
      args: { file: 'book.txt' },
      token: 'a secret of the topology',
      positions: {},
      stateFiles: [],
    })
    const topology = world.topology()
    expect(worker?.assign?.bundlePath).toBe(`/local/bundles/${topology.bundle.digest}.mjs`)
    const { disk } = world.world.disk('node1')
    expect(disk.stat(worker?.assign?.bundlePath ?? '')?.sizeBytes).toBe(topology.bundle.sizeBytes)
    expect(world.slot()).toMatchObject({
      phase: 'running',
      worker: 1,
      incarnation: incarnationOf(1, 0),
      pid: worker?.pid,
      restartCount: 0,
      why: '',
    })
    expect(world.nimbus.happenings.filter(({ kind }) => kind === 'worker-started')).toHaveLength(1)
    expect(world.slot(6701)).toMatchObject({ phase: 'empty', topologyId: undefined })
  })

  test('a spare is kept ready, and none of what is secret is logged or kept on disk', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(3_000)
    const spares = world.launcher.living.filter((worker) => worker.assign === undefined)
    expect(spares).toHaveLength(1)
    const secrets = [...world.launcher.workers.map(({ spec }) => spec.secret), 'a secret of the topology']
    const { disk } = world.world.disk('node1')
    const file = disk.open('/local/supervisor.json', 'read')
    const kept = new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes))
    const said = JSON.stringify([world.lines, world.nimbus.beats])
    for (const secret of secrets) {
      expect(kept).not.toContain(secret)
      expect(said).not.toContain(secret)
    }
    expect(kept).toContain('words-1')
  })

  test('a topology with limits and variables of its own gets processes of its own kind', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const outline = {
      workerHeapBytes: 256 * 2 ** 20,
      environment: { MODE: 'fast' },
      nodeOptions: ['--cpu-prof'],
    }
    await world.assign(world.assignment([world.worker()]), world.topology('words-1', outline))
    await world.untilPhase('running')
    const own = { heapBytes: 256 * 2 ** 20, environment: { MODE: 'fast' }, nodeOptions: ['--cpu-prof'] }
    expect(world.launcher.at(6700)?.spec).toMatchObject(own)
    await world.pass(3_000)
    const spares = world.launcher.living.filter((worker) => worker.assign === undefined)
    expect(spares.map(({ spec }) => spec)).toMatchObject([own])
  })
})

describe('ends', () => {
  test('killed: back from the spare within a tenth of a second, with the next incarnation', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(3_000)
    const before = world.world.nowMs
    const spare = world.launcher.living.find((worker) => worker.assign === undefined)
    world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
    await world.until(() => world.launcher.at(6700)?.assign?.incarnation === incarnationOf(1, 1))
    expect(world.world.nowMs - before).toBeLessThan(100)
    expect(world.launcher.at(6700)).toBe(spare)
    await world.untilRuns(1)
    expect(world.slot()).toMatchObject({ restartCount: 1, incarnation: incarnationOf(1, 1) })
    expect(world.nimbus.happenings.filter(({ kind }) => kind === 'worker-exited')).toMatchObject([
      { reason: 'killed', text: expect.stringContaining('SIGKILL'), incarnation: incarnationOf(1, 0) },
    ])
  })

  test('killed twice in a row: the second time a process is started, at once', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(3_000)
    for (const restart of [1, 2]) {
      world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
      const wanted = incarnationOf(1, restart)
      const before = world.world.nowMs
      await world.until(() => world.launcher.at(6700)?.assign?.incarnation === wanted)
      expect(world.world.nowMs - before).toBeLessThan(200)
    }
  })

  test('hung: killed when its beat is too old, and back at once', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(3_000)
    const worker = world.launcher.at(6700)
    if (worker !== undefined) worker.isHung = true
    const before = world.world.nowMs
    await world.until(() => world.launcher.at(6700)?.assign?.incarnation === incarnationOf(1, 1))
    expect(world.world.nowMs - before).toBeLessThan(6_000)
    expect(worker?.isAlive).toBe(false)
    await world.untilRuns(1)
    expect(world.nimbus.happenings.filter(({ kind }) => kind === 'worker-exited')).toMatchObject([
      { reason: 'hung' },
    ])
  })

  test('a topology may give its workers more time', async () => {
    const world = new SupervisorWorld()
    await world.start()
    await world.assign(
      world.assignment([world.worker()]),
      world.topology('words-1', { workerTimeoutMs: 60_000 }),
    )
    await world.untilPhase('running')
    const worker = world.launcher.at(6700)
    if (worker !== undefined) worker.isHung = true
    await world.pass(50_000)
    expect(worker?.isAlive).toBe(true)
    await world.pass(20_000)
    expect(worker?.isAlive).toBe(false)
  })

  test('crash loop: ever longer waits, visible to the leader, over when it stays up', async () => {
    const world = new SupervisorWorld()
    await world.start()
    let isBroken = true
    const starts: number[] = []
    world.launcher.onAssign = (worker) => {
      starts.push(world.world.nowMs)
      worker.host.timers.after(20, () => {
        worker.started()
        if (!isBroken) return
        worker.print('Error: no such host\n    at connect\n')
        worker.host.timers.after(10, () => worker.exit(1))
      })
    }
    await world.assign(world.assignment([world.worker()]), world.topology())
    await world.pass(120_000)
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
    expect(gaps[0]).toBeLessThan(300)
    for (const gap of gaps.slice(-2)) {
      expect(gap).toBeGreaterThan(15_000)
      expect(gap).toBeLessThan(31_000)
    }
    expect(starts.length).toBeLessThan(16)
    expect(world.slot()).toMatchObject({ phase: 'backing-off', why: expect.stringContaining('no such host') })
    isBroken = false
    await world.untilPhase('running')
    expect(world.slot()?.why).toBe('')
    await world.pass(61_000)
    const before = world.world.nowMs
    const lives = world.launcher.workers.length
    world.launcher.at(6700)?.exit(1)
    await world.until(() => world.launcher.at(6700) !== undefined)
    expect(world.world.nowMs - before).toBeLessThan(200)
    expect(world.launcher.workers.length).toBeGreaterThanOrEqual(lives)
  })

  test('a slot says what its order is now, also while nothing runs there', async () => {
    const world = new SupervisorWorld()
    await world.start()
    world.launcher.onAssign = (worker) => worker.host.timers.after(20, () => worker.exit(1))
    await world.assign(world.assignment([world.worker()]), world.topology())
    await world.pass(60_000)
    await world.untilPhase('backing-off')
    expect(world.slot()).toMatchObject({ pid: undefined, run: 'active' })
    await world.assign(world.assignment([world.worker()], { run: 'drain' }))
    await world.until(() => world.slot()?.run === 'drain', 'it knows that it shall drain')
    await world.unassign()
    await world.untilPhase('empty')
    expect(world.slot()?.run).toBeUndefined()
  })

  test('numbers of a generation are used up: heartbeats go on, and a new generation starts', async () => {
    const world = new SupervisorWorld()
    await world.running()
    world.crashSupervisor()
    world.launcher.at(6700)?.exit(1)
    const { disk } = world.world.disk('node1')
    const file = disk.open('/local/supervisor.json', 'read')
    const kept = new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes))
    const last = kept.replace('"restart":0', `"restart":${RESTARTS_MAX - 1}`)
    disk.write(disk.open('/local/supervisor.json', 'create'), new TextEncoder().encode(last), 0)
    await world.start()
    await world.untilRuns(RESTARTS_MAX)
    world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
    await world.untilPhase('backing-off')
    const count = world.nimbus.beats.length
    await world.pass(5_000)
    expect(world.nimbus.beats.length).toBeGreaterThan(count + 3)
    expect(world.slot()).toMatchObject({
      phase: 'backing-off',
      incarnation: incarnationOf(1, RESTARTS_MAX),
      why: expect.stringContaining('too often'),
    })
    await world.assign(world.assignment([world.worker({ generation: 2 })]))
    await world.untilRuns(0, 6700, 2)
  })

  test('out of memory is told apart by what the process wrote', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    worker?.print('<--- Last few GCs --->\nFATAL ERROR: Reached heap limit - JavaScript heap out of memory\n')
    worker?.exit(undefined, 'SIGABRT')
    await world.until(() => world.launcher.at(6700)?.assign?.incarnation === incarnationOf(1, 1))
    await world.pass(100)
    expect(world.nimbus.happenings.filter(({ kind }) => kind === 'worker-exited')).toMatchObject([
      { reason: 'out-of-memory', text: expect.stringContaining('heap limit') },
    ])
  })

  test('a start that fails is told with its fault, and tried again', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const fault = {
      code: 'LAYOUT_WRONG',
      family: 'format',
      component: '',
      task: 0,
      message: 'another layout',
      stack: undefined,
      at: 0,
    }
    const start = world.launcher.onAssign
    let fails = 2
    world.launcher.onAssign = (worker) => {
      if (fails === 0) return start(worker)
      fails -= 1
      worker.say({ kind: 'start-failed', fault })
      worker.lastWords('start-failed', 'another layout')
      worker.host.timers.after(5, () => worker.exit(71))
    }
    await world.assign(world.assignment([world.worker()]), world.topology())
    await world.untilRuns(2)
    const ends = world.nimbus.happenings.filter(({ kind }) => kind === 'worker-exited')
    expect(ends).toMatchObject([{ reason: 'start-failed' }, { reason: 'start-failed' }])
    expect(world.nimbus.happenings.filter(({ kind }) => kind === 'fault')).toHaveLength(2)
  })

  test('a system that gives no process is asked again', async () => {
    const world = new SupervisorWorld(1, { spareCount: 0 })
    await world.start()
    world.launcher.failCount = 3
    await world.assign(world.assignment([world.worker()]), world.topology())
    await world.untilPhase('running')
    expect(world.launcher.at(6700)?.assign?.incarnation).toBe(incarnationOf(1, 3))
  })

  test('a worker that never starts is killed, and another is tried', async () => {
    const world = new SupervisorWorld()
    await world.start()
    world.launcher.onAssign = () => undefined
    await world.assign(world.assignment([world.worker()]), world.topology())
    await world.until(() => world.launcher.at(6700) !== undefined)
    const first = world.launcher.at(6700)
    await world.pass(world.settings.startTimeoutMs + 1_000)
    expect(first?.isAlive).toBe(false)
    expect(world.launcher.at(6700)?.assign?.incarnation).toBe(incarnationOf(1, 1))
  })
})
