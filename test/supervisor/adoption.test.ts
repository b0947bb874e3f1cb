// The supervisor ends, in every way, and the next one finds what it left.
import { describe, expect, test } from 'vitest'
import { incarnationOf } from '../../src/cluster/incarnation.ts'
import { MessageChannel } from '../../src/cluster/message-channel.ts'
import type { StateBlob } from '../../src/cluster/records.ts'
import { SEAT_PROTOCOL, type ToSupervisor, type ToWorker } from '../../src/cluster/seat-messages.ts'
import { SupervisorWorld } from './supervisor-world.ts'

describe('a new supervisor', () => {
  for (const downMs of [1_000, 8_000]) {
    test(`after ${downMs} ms without one, workers go on as they are`, async () => {
      const world = new SupervisorWorld()
      await world.running()
      await world.pass(2_000)
      const worker = world.launcher.at(6700)
      world.crashSupervisor()
      await world.pass(downMs)
      world.nimbus.beats.length = 0
      await world.start()
      await world.untilPhase('running')
      await world.pass(20_000)
      expect(world.launcher.at(6700)).toBe(worker)
      expect(worker?.told('assign')).toHaveLength(1)
      expect(worker?.told('run').at(-1)).toEqual({ kind: 'run', run: 'active' })
      expect(world.slot()).toMatchObject({ phase: 'running', restartCount: 0, pid: worker?.pid })
      worker?.exit(undefined, 'SIGKILL')
      await world.untilRuns(1)
    })
  }

  test('after an orderly stop that leaves workers, too', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(2_000)
    const worker = world.launcher.at(6700)
    await world.drive(world.supervisor.stop({ leaveWorkers: true }))
    expect(world.launcher.living).toEqual([worker])
    await world.start()
    await world.untilPhase('running')
    await world.pass(10_000)
    expect(world.launcher.at(6700)).toBe(worker)
  })

  test('without one for longer than the lease the worker ended itself, and is started anew', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    world.crashSupervisor()
    await world.pass(30_000)
    expect(worker?.end).toEqual({ code: 72, signal: undefined })
    await world.start()
    await world.untilRuns(1)
  })

  test('a worker whose place was given away meanwhile is stopped', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    world.crashSupervisor()
    await world.pass(1_000)
    await world.assign(world.assignment([world.worker({ node: 'node2', generation: 2 })]))
    await world.start()
    await world.until(() => worker?.isAlive === false)
    await world.untilPhase('empty')
  })

  test('what a worker shall do is not told before it is known', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    await world.assign(world.assignment([world.worker()], { run: 'drain' }))
    await world.until(() => worker?.told('run').at(-1)?.run === 'drain')
    world.crashSupervisor()
    world.ensemble.loseQuorum()
    const starting = world.make().start()
    await world.pass(5_000)
    expect(worker?.isConnected).toBe(true)
    expect(worker?.told('run').at(-1)).toEqual({ kind: 'run', run: 'drain' })
    world.ensemble.regainQuorum()
    await world.drive(starting)
    await world.untilPhase('running')
    await world.pass(1_000)
    expect(worker?.told('run').map(({ run }) => run)).not.toContain('active')
    expect(worker?.told('peers').length).toBeGreaterThan(0)
  })

  test('executors that moved meanwhile are rearranged', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    world.crashSupervisor()
    await world.assign(
      world.assignment([
        world.worker({ executors: '1-2' }),
        world.worker({ worker: 2, node: 'node2', executors: '3-4' }),
      ]),
    )
    await world.start()
    await world.until(() => worker?.told('rearrange').length === 1)
    expect(worker?.told('rearrange')[0]?.placement).toEqual([1, 1, 2, 2])
    await world.pass(5_000)
    expect(worker?.isAlive).toBe(true)
  })

  test('a worker that was caught between launch and seat gets its seat', async () => {
    const world = new SupervisorWorld(1, { spareCount: 0 })
    await world.start()
    await world.assign(world.assignment([world.worker()]), world.topology())
    await world.until(() => world.launcher.workers.length === 1)
    world.crashSupervisor()
    await world.start()
    await world.untilPhase('running')
    expect(world.launcher.workers).toHaveLength(1)
  })

  describe('a worker that waits for its seat while what is wanted changes', () => {
    /** Its supervisor was caught between launch and seat; state that it shall have now is not to be had. */
    async function waiting() {
      const world = new SupervisorWorld(1, { spareCount: 0 })
      await world.start()
      await world.assign(world.assignment([world.worker()]), world.topology())
      await world.until(() => world.launcher.workers.length === 1)
      world.crashSupervisor()
      const [blob, bytes] = hidden(world, 'state that cannot be had')
      await world.assign(halves(world, '1-3', '4', [{ component: 'count', ...blob }]))
      await world.start()
      const [worker] = world.launcher.workers
      await world.until(() => worker?.isConnected === true)
      await world.pass(1_000)
      expect(worker?.told('assign')).toEqual([])
      return { world, worker, bring: () => world.nimbus.blobs.set(blob.digest, bytes) }
    }

    function hidden(world: SupervisorWorld, text: string) {
      const blob = world.blob(text)
      const bytes = world.nimbus.blobs.get(blob.digest) ?? new Uint8Array(0)
      world.nimbus.blobs.delete(blob.digest)
      return [blob, bytes] as const
    }

    function halves(world: SupervisorWorld, own: string, others: string, state: readonly StateBlob[]) {
      const other = world.worker({ worker: 2, node: 'node2', executors: others })
      return world.assignment([world.worker({ executors: own }), other], { state })
    }

    test('gets the seat that is wanted now', async () => {
      const { world, worker } = await waiting()
      await world.assign(halves(world, '1-2', '3-4', []))
      await world.pass(1_000)
      expect(worker?.told('assign')).toMatchObject([{ placement: [1, 1, 2, 2], stateFiles: [] }])
      await world.untilPhase('running')
      expect(world.launcher.workers).toHaveLength(1)
    })

    test('gets no seat of one order with the state of another', async () => {
      const { world, worker, bring } = await waiting()
      const blob = world.blob('state that is wanted now')
      bring()
      const known = world.nimbus.reads.length
      await world.until(() => world.nimbus.reads.length > known)
      await world.assign(halves(world, '1-2', '3-4', [{ component: 'count', ...blob }]))
      await world.untilPhase('running')
      await world.pass(1_000)
      const told = [...(worker?.told('assign') ?? []), ...(worker?.told('rearrange') ?? [])]
      const now = told.find(({ placement }) => placement[2] === 2)
      expect(now?.stateFiles).toEqual([`/local/blobs/${blob.digest}`])
    })
  })

  test('crashed at any moment of a launch: never two in a slot, and one runs in the end', async () => {
    for (let events = 0; events < 400; events += 7) {
      const world = new SupervisorWorld(events + 1, { spareCount: events % 2 })
      await world.start()
      await world.assign(world.assignment([world.worker()]), world.topology())
      let left = events
      await world.world.run({ while: () => left-- > 0, untilMs: world.world.nowMs + 5_000 })
      world.crashSupervisor()
      await world.pass(events % 3 === 0 ? 0 : 500)
      await world.start()
      await world.untilPhase('running')
      await world.pass(15_000)
      const seated = world.launcher.living.filter((worker) => worker.assign !== undefined)
      expect(seated, `after ${events} events`).toHaveLength(1)
      expect(world.slot()?.phase).toBe('running')
    }
  })

  test('a damaged file of what ran here: left-overs are told to go, not killed', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    world.crashSupervisor()
    const { disk } = world.world.disk('node1')
    disk.write(disk.open('/local/supervisor.json', 'create'), new TextEncoder().encode('{"format":1,"se'), 0)
    await world.start()
    await world.until(() => worker?.isAlive === false)
    expect(worker?.end).toEqual({ code: 0, signal: undefined })
    await world.untilPhase('running')
    expect(world.lines.some(({ message }) => message.includes('damaged'))).toBe(true)
  })

  test('stopped with its workers: they end in good order, and nothing is left to adopt', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    await world.drive(world.supervisor.stop({ leaveWorkers: false }))
    expect(worker?.end).toEqual({ code: 0, signal: undefined })
    expect(world.launcher.living).toEqual([])
  })

  test('a machine that stood still does not take its workers for hung when it goes on', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    const names = ['node1', worker?.host.name ?? '']
    for (const name of names) world.world.pause(name)
    // Longer than a worker may be silent, shorter than its lease.
    await world.pass(8_000)
    for (const name of names) world.world.resume(name)
    await world.pass(10_000)
    expect(worker?.isAlive).toBe(true)
    expect(world.launcher.at(6700)).toBe(worker)
  })
})

describe('another version of the seat protocol', () => {
  const why = (world: SupervisorWorld) => world.slot()?.why ?? ''

  for (const [what, protocol, strangeSeat] of [
    ['a newer one', SEAT_PROTOCOL + 1, undefined],
    ['a newer one, that says other things of seats', SEAT_PROTOCOL + 1, [{ topology: 'words-1' }]],
    ['an older one', SEAT_PROTOCOL - 1, undefined],
  ] as const) {
    for (const spareCount of [0, 1]) {
      test(`${what} is installed, ${spareCount} spares: nobody gets a seat, and it is told`, async () => {
        const world = new SupervisorWorld(1, { spareCount })
        Object.assign(world.launcher, { protocol, strangeSeat })
        await world.start()
        await world.pass(5_000)
        await world.assign(world.assignment([world.worker()]), world.topology())
        await world.pass(60_000)
        expect(world.launcher.workers.flatMap((worker) => worker.told('assign'))).toEqual([])
        expect(world.launcher.living.length).toBeLessThanOrEqual(2)
        expect(world.launcher.workers.length).toBeLessThan(30)
        expect(why(world)).toContain(`version ${protocol} of the seat protocol`)
        expect(why(world)).toContain('restart this supervisor')
        const told = world.lines.find(({ details }) => details['code'] === 'VERSION_MISMATCH')
        expect(told?.level).toBe('error')
        const ends = world.nimbus.happenings.filter(({ kind }) => kind === 'worker-exited')
        expect(ends[0]).toMatchObject({ reason: 'start-failed' })
        Object.assign(world.launcher, { protocol: SEAT_PROTOCOL, strangeSeat: undefined })
        await world.untilPhase('running')
      })
    }
  }

  test('a worker of an older supervisor is started anew', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    if (worker !== undefined) worker.protocol = SEAT_PROTOCOL - 1
    world.crashSupervisor()
    await world.start()
    await world.untilRuns(1)
    expect(worker?.end).toEqual({ code: undefined, signal: 'SIGKILL' })
    const [end] = world.nimbus.happenings.filter(({ kind }) => kind === 'worker-exited')
    expect(end).toMatchObject({ text: expect.stringContaining('older than this supervisor') })
  })
})

describe('a supervisor that stands still now and then', () => {
  test('still sees who hangs: time in which nothing could arrive does not count, the rest does', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(3_000)
    const hung = world.launcher.at(6700)
    world.world.pause(hung?.host.name ?? '')
    await world.pass(3_000)
    world.world.pause('node1')
    await world.pass(1_500)
    world.world.resume('node1')
    await world.pass(1_000)
    expect(hung?.isAlive).toBe(true)
    await world.pass(1_200)
    expect(hung?.isAlive).toBe(false)
  })

  test('takes nobody for hung who had no time to show itself', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    // A machine that is swapped: five seconds of ten are lost, again and again.
    for (let times = 0; times < 5; times += 1) {
      const names = ['node1', worker?.host.name ?? '']
      for (const name of names) world.world.pause(name)
      await world.pass(4_900)
      for (const name of names) world.world.resume(name)
      await world.pass(1_500)
    }
    expect(worker?.isAlive).toBe(true)
    expect(world.launcher.at(6700)).toBe(worker)
  })
})

describe('who may be a worker', () => {
  const dial = (world: SupervisorWorld, first: unknown) => {
    const { disk } = world.world.disk('node1')
    const file = disk.open('/local/control.json', 'read')
    const { address } = JSON.parse(new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes)))
    const heard: ToWorker[] = []
    const state = { isClosed: false, heard }
    const connection = world.world.host('stranger').net.connect(address, () => {
      if (first !== undefined) channel.send(first)
    })
    const channel: MessageChannel<ToWorker, unknown> = new MessageChannel<ToWorker, unknown>({
      connection,
      onMessage: (message) => heard.push(message),
      onClose: () => {
        state.isClosed = true
      },
    })
    return state
  }
  const hello = (secret: unknown): unknown => ({
    kind: 'hello',
    protocol: SEAT_PROTOCOL,
    secret,
    pid: 1,
    bornAt: '1',
  })

  test('who says nothing is let go after five seconds', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const stranger = dial(world, undefined)
    await world.pass(4_500)
    expect(stranger.isClosed).toBe(false)
    await world.pass(1_000)
    expect(stranger).toMatchObject({ isClosed: true, heard: [] })
  })

  test('a wrong secret, another message, garbage and too much are told to go, and nothing else', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const firsts = [
      hello('0'.repeat(64)),
      hello(''),
      hello(7),
      hello(undefined),
      { kind: 'positions', positions: { lines: { x: '1' } } },
      { kind: 'heartbeat' },
      null,
      'text',
      hello('a'.repeat(100_000)),
    ]
    for (const first of firsts) {
      const stranger = dial(world, first)
      await world.pass(6_000)
      expect(stranger.isClosed).toBe(true)
      expect(stranger.heard.every(({ kind }) => kind === 'dismiss')).toBe(true)
    }
    expect(world.slot()?.phase).toBe('running')
    expect(await world.positions()).toEqual({})
  })

  test('another process with the secret of a worker is told to go, and only that', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    const thief = dial(world, hello(worker?.spec.secret))
    await world.pass(6_000)
    expect(thief).toMatchObject({ isClosed: true, heard: [{ kind: 'dismiss' }] })
    expect(worker?.isAlive).toBe(true)
    expect(worker?.isConnected).toBe(true)
  })

  test('another process with the secret of a spare gets no seat', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(2_000)
    const spare = world.launcher.living.find((worker) => worker.assign === undefined)
    const thief = dial(world, hello(spare?.spec.secret))
    await world.pass(100)
    expect(thief.heard).toMatchObject([{ kind: 'dismiss' }])
    world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
    await world.untilRuns(1)
    expect(thief.heard).toHaveLength(1)
    expect(world.launcher.at(6700)).toBe(spare)
  })

  test('many strangers at once do not keep workers out for long', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const strangers = Array.from({ length: 300 }, () => dial(world, undefined))
    await world.pass(200)
    expect(strangers.filter(({ isClosed }) => !isClosed)).toHaveLength(64)
    world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
    await world.pass(6_000)
    expect(strangers.every(({ isClosed }) => isClosed)).toBe(true)
    await world.untilRuns(1)
  })

  for (const [what, first] of [
    ['say nothing', undefined],
    ['were told to go and stay', hello('0'.repeat(64))],
  ] as const) {
    test(`strangers that ${what} and come again and again keep no worker out`, async () => {
      const world = new SupervisorWorld(1, { spareCount: 0 })
      await world.running()
      const strangers: ReturnType<typeof dial>[] = []
      const rush = world.world.timers.every(50, () => {
        for (let count = 0; count < 70; count += 1) strangers.push(dial(world, first))
      })
      await world.pass(1_000)
      world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
      await world.pass(1_000)
      expect(world.launcher.at(6700)?.assign?.incarnation).toBe(incarnationOf(1, 1))
      rush.stop()
      await world.pass(100)
      expect(strangers.filter(({ isClosed }) => !isClosed).length).toBeLessThanOrEqual(64)
    })
  }

  test('a message that does not fit is left out, and the worker goes on', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    const wrong: unknown[] = [
      { kind: 'heartbeat', beat: { turns: 'many' } },
      { kind: 'positions', positions: { lines: 7 } },
      { kind: 'dead-letter' },
      { kind: 'no such message' },
      [],
    ]
    for (const message of wrong) worker?.say(message as ToSupervisor)
    await world.pass(3_000)
    expect(worker?.isConnected).toBe(true)
    expect(world.slot()?.phase).toBe('running')
  })
})
