// What a node rests on is missing, damaged or full: blobs, the disk, the board, Nimbus. And its logs.
import { describe, expect, test } from 'vitest'
import { assertDefined } from '../../src/base/assert.ts'
import { incarnationOf } from '../../src/cluster/incarnation.ts'
import { AGAINS_MAX, NEWS_MAX } from '../../src/supervisor/slot-words.ts'
import { SupervisorWorld } from './supervisor-world.ts'

describe('blobs', () => {
  test('a missing blob is told once, and waited for', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const topology = world.topology()
    const bytes = world.nimbus.blobs.get(topology.bundle.digest)
    world.nimbus.blobs.delete(topology.bundle.digest)
    await world.assign(world.assignment([world.worker()]), topology)
    await world.pass(30_000)
    const told = world.nimbus.happenings.filter(({ kind }) => kind === 'blob-missing')
    expect(told).toMatchObject([{ digest: topology.bundle.digest, topologyId: 'words-1' }])
    expect(world.slot()).toMatchObject({ phase: 'fetching', why: expect.stringContaining('no blob') })
    if (bytes !== undefined) world.nimbus.blobs.set(topology.bundle.digest, bytes)
    await world.untilPhase('running')
  })

  test('a blob that arrives damaged is never used, and fetched anew', async () => {
    const world = new SupervisorWorld()
    await world.start()
    world.nimbus.damage = (bytes) => bytes.map((byte, index) => (index === 3 ? byte ^ 1 : byte))
    await world.assign(world.assignment([world.worker()]), world.topology())
    await world.pass(5_000)
    expect(world.slot()).toMatchObject({ phase: 'fetching', why: expect.stringContaining('digest') })
    expect(world.launcher.at(6700)).toBeUndefined()
    world.nimbus.damage = undefined
    await world.untilPhase('running')
  })

  test('a transfer that broke goes on where it was, also after a restart of the supervisor', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const topology = { ...world.topology(), bundle: world.blob('x'.repeat(1_000)) }
    world.nimbus.pieceBytes = 100
    const left = { pieces: 4 }
    world.nimbus.damage = (bytes) => {
      if (bytes[0] !== 'x'.charCodeAt(0)) return bytes
      left.pieces -= 1
      if (left.pieces === 0) world.nimbus.isAway = true
      return bytes
    }
    await world.assign(world.assignment([world.worker()]), topology)
    await world.pass(3_000)
    world.crashSupervisor()
    world.nimbus.isAway = false
    await world.start()
    await world.untilPhase('running')
    const reads = world.nimbus.reads.filter(({ digest }) => digest === topology.bundle.digest)
    const offsets = reads.map(({ offset }) => offset)
    expect(offsets.filter((offset) => offset === 0)).toHaveLength(1)
    expect(new Set(offsets)).toEqual(new Set([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]))
  })

  test('a blob is fetched once for two slots', async () => {
    const world = new SupervisorWorld()
    await world.start()
    const workers = [
      world.worker({ executors: '1-2' }),
      world.worker({ worker: 2, port: 6701, executors: '3-4' }),
    ]
    await world.assign(world.assignment(workers), world.topology())
    await world.untilPhase('running')
    await world.untilPhase('running', 6701)
    expect(world.nimbus.reads).toHaveLength(2)
  })

  test('a bundle damaged on this disk is fetched again when a worker cannot start with it', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const topology = world.topology()
    const { disk } = world.world.disk('node1')
    for (const path of [
      `/local/bundles/${topology.bundle.digest}.mjs`,
      `/local/blobs/${topology.bundle.digest}`,
    ]) {
      disk.write(disk.open(path, 'write'), new TextEncoder().encode('!'), 2)
    }
    const start = world.launcher.onAssign
    world.launcher.onAssign = (worker) => {
      const file = disk.open(worker.assign?.bundlePath ?? '', 'read')
      const text = new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes))
      if (text.startsWith('export default')) start(worker)
      else worker.host.timers.after(5, () => worker.exit(71))
    }
    world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
    await world.untilRuns(2)
  })
})

describe('the disk', () => {
  test('full: running workers go on, starts wait, and all is well when there is room', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(2_000)
    const { disk } = world.world.disk('node1')
    disk.capacityBytes = 10
    await world.pass(10_000)
    expect(world.slot()?.phase).toBe('running')
    world.launcher.at(6700)?.exit(1)
    await world.pass(5_000)
    expect(world.slot()).toMatchObject({ phase: 'backing-off', why: expect.stringContaining('room') })
    disk.capacityBytes = Number.POSITIVE_INFINITY
    await world.untilPhase('running')
    const numbers = world.launcher.workers.flatMap(({ assign }) => assign?.incarnation ?? [])
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  test("full when a spare got its place: it is ended, and none is left that is nobody's", async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(3_000)
    const spare = world.launcher.living.find(({ assign }) => assign === undefined)
    const { disk } = world.world.disk('node1')
    disk.capacityBytes = 10
    world.launcher.at(6700)?.exit(1)
    await world.pass(20_000)
    expect(world.slot()).toMatchObject({ phase: 'backing-off', why: expect.stringContaining('room') })
    expect(spare?.isAlive).toBe(false)
    // What lives is the spare that has come after it.
    expect(world.launcher.living.length).toBeLessThanOrEqual(1)
    disk.capacityBytes = Number.POSITIVE_INFINITY
    await world.untilPhase('running')
    await world.pass(3_000)
    expect(world.launcher.living).toHaveLength(2)
  })
})

describe('the board', () => {
  test('away for two minutes: nothing is stopped, and workers that die come back', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(3_000)
    const worker = world.launcher.at(6700)
    world.ensemble.loseQuorum()
    await world.pass(60_000)
    expect(worker?.isAlive).toBe(true)
    worker?.exit(undefined, 'SIGKILL')
    await world.untilRuns(1)
    await world.pass(60_000)
    const second = world.launcher.at(6700)
    world.ensemble.regainQuorum()
    await world.until(() => world.board_.state === 'connected', 'the board')
    await world.pass(20_000)
    expect(world.launcher.at(6700)).toBe(second)
    expect(second?.assign?.incarnation).toBe(incarnationOf(1, 1))
    const watcher = await world.opened('watcher')
    expect([...watcher.view.supervisors.keys()]).toEqual(['node1'])
  })

  test('away when the supervisor begins: adopted workers get their lease', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    world.crashSupervisor()
    world.ensemble.loseQuorum()
    const starting = world.make().start()
    await world.pass(60_000)
    expect(worker?.isAlive).toBe(true)
    expect(worker?.isConnected).toBe(true)
    world.ensemble.regainQuorum()
    await world.drive(starting)
    await world.untilPhase('running')
    expect(world.launcher.at(6700)).toBe(worker)
  })

  test('garbage where an assignment was: what it assigned goes on', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    const host = world.world.host('vandal')
    const vandal = world.ensemble.connect({ host, name: 'vandal', sessionTimeoutMs: 6_000 })
    await world.drive(vandal.connected(10_000))
    const path = '/typhoon/assignments/words-1'
    await world.drive(vandal.set(path, new TextEncoder().encode('garbage')))
    await world.pass(5_000)
    world.crashSupervisor()
    await world.start()
    await world.pass(10_000)
    expect(worker?.isAlive).toBe(true)
    expect(worker?.isConnected).toBe(true)
    await world.drive(vandal.delete(path))
    await world.until(() => worker?.isAlive === false)
  })
})

describe('nimbus', () => {
  test('away: happenings are kept and told once, in order; what is too much is counted', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    world.nimbus.isAway = true
    for (let number = 1; number <= 250; number += 1) {
      worker?.say({ kind: 'dead-letter', letter: { number } })
    }
    await world.pass(10_000)
    world.nimbus.isAway = false
    await world.pass(3_000)
    const letters = world.nimbus.happenings.filter(({ kind }) => kind === 'dead-letter')
    expect(letters).toHaveLength(200)
    expect(letters[0]).toMatchObject({ letter: { number: 51 } })
    expect(letters.at(-1)).toMatchObject({ letter: { number: 250 } })
    expect(world.nimbus.beats.find(({ happenings }) => happenings.length === 200)?.happeningsDropped).toBe(50)
    expect(world.nimbus.beats.at(-1)).toMatchObject({ happenings: [], happeningsDropped: 0 })
  })

  test('heartbeats have growing numbers, and levels of logs reach the workers once', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const endsAtMs = world.world.nowMs + 60_000
    world.nimbus.logLevels = () => {
      const forMs = endsAtMs - world.world.nowMs
      return [{ topologyId: 'words-1', logger: 'count', level: 'debug', forMs }]
    }
    await world.pass(10_000)
    const told = world.launcher.at(6700)?.told('log-level')
    expect(told).toMatchObject([{ kind: 'log-level', logger: 'count', level: 'debug' }])
    const numbers = world.nimbus.beats.map(({ sequence }) => sequence)
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other))
    expect(new Set(numbers).size).toBe(numbers.length)
    world.launcher.at(6700)?.exit(undefined, 'SIGKILL')
    await world.untilRuns(1)
    await world.pass(2_000)
    expect(world.launcher.at(6700)?.told('log-level')).toHaveLength(1)
  })

  test('a worker that is quiet now and then does not flood the leader with heartbeats', async () => {
    const world = new SupervisorWorld()
    await world.running()
    await world.pass(2_000)
    const worker = assertDefined(world.launcher.at(6700), 'it runs')
    const beat = assertDefined(world.slot()?.beat, 'it has sent one')
    worker.beatsByItself = false
    const before = world.nimbus.beats.length
    const startMs = world.world.nowMs
    for (let said = 0; said < 200; said += 1) {
      worker.say({ kind: 'heartbeat', beat: { ...beat, run: 'drain', isQuiet: said % 2 === 1 } })
      // The first word of the drain, and the first that it is quiet, do not wait.
      if (said < 2) {
        await world.pass(30)
        const told = world.nimbus.beats.at(-1)?.slots.find(({ port }) => port === 6700)?.beat
        expect(told).toMatchObject({ run: 'drain', isQuiet: said === 1 })
      }
      await world.pass(60)
    }
    const seconds = (world.world.nowMs - startMs) / 1_000
    // Each second the node's own; the first words; others until they are too many.
    expect(world.nimbus.beats.length - before).toBeLessThanOrEqual(seconds + 1 + NEWS_MAX + AGAINS_MAX)
  })
})

describe('logs', () => {
  const ask = async (world: SupervisorWorld, path: string) => {
    const request = { method: 'GET', path, headers: {}, body: new Uint8Array() } as const
    const limits = { timeoutMs: 5_000, bodyBytesMax: 1e7 }
    const reply = await world.drive(world.world.host('nimbus1').http.request('node1:8000', request, limits))
    return { status: reply.status, body: JSON.parse(new TextDecoder().decode(reply.body)) }
  }

  test('pieces of what workers wrote, the last lines first, then what came after', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    worker?.print(Array.from({ length: 50 }, (_, index) => `line ${index + 1}\n`).join(''))
    worker?.print('half a li')
    const path = '/api/v2/logs/words-1/1?port=6700&lines=3'
    const first = await ask(world, path)
    expect(first).toMatchObject({ status: 200, body: { lines: ['line 48', 'line 49', 'line 50'] } })
    worker?.print('ne\nnext\n')
    const after = encodeURIComponent(first.body.next)
    const second = await ask(world, `${path}&after=${after}`)
    expect(second.body.lines).toEqual(['half a line', 'next'])
    const third = await ask(world, `${path}&after=${encodeURIComponent(second.body.next)}`)
    expect(third.body).toEqual({ lines: [], next: second.body.next })
    expect((await ask(world, '/api/v2/logs/other-1/1?port=6700&lines=3')).status).toBe(404)
    expect((await ask(world, '/api/v2/logs/..%2F..%2Fetc/1?port=6700&lines=3')).status).toBe(400)
  })

  test('a worker that has said nothing yet is followed all the same', async () => {
    const world = new SupervisorWorld()
    await world.running()
    const worker = world.launcher.at(6700)
    worker?.print('')
    const path = '/api/v2/logs/words-1/1?port=6700&lines=3'
    const first = await ask(world, path)
    expect(first).toMatchObject({ status: 200, body: { lines: [] } })
    worker?.print('at last\n')
    const after = encodeURIComponent(first.body.next)
    expect(await ask(world, `${path}&after=${after}`)).toMatchObject({ body: { lines: ['at last'] } })
  })
})
