// Goal: a topology exists exactly once or not at all, whatever happens on the way, and runs once it exists.
import { describe, expect, test } from 'vitest'
import type { BoardWrite } from '../../src/cluster/board.ts'
import { admin, NimbusWorld } from './nimbus-world.ts'
import { words } from './outlines.ts'

async function begun(settings = {}): Promise<NimbusWorld> {
  const world = new NimbusWorld(settings)
  await world.startNimbus('n1')
  await world.untilLed()
  return world
}

function isSubmit(writes: readonly BoardWrite[]): boolean {
  return writes.some(({ kind }) => kind === 'take-name')
}

describe('submit', () => {
  test('a topology is placed, and runs', async () => {
    const world = await begun()
    for (const node of ['a', 'b']) await world.startSupervisor(node)
    const id = await world.running(words())
    expect(world.workersOf(id)).toHaveLength(3)
    await world.pass(1_500)
    const status = await world.drive(world.leader.nimbus.api.topology(admin, 'words'))
    expect(status).toMatchObject({ name: 'words', state: 'active', workers: 3, tasks: 9, unplaced: [] })
    const operation = await world.drive(world.leader.nimbus.api.operation(admin, `submit:${id}:0`))
    expect(operation).toMatchObject({ state: 'done', step: 'runs' })
  })

  test('a name that is taken is refused, a key that is known is answered again', async () => {
    const world = await begun()
    const { api } = world.leader.nimbus
    const request = await world.request(words(), { idempotencyKey: 'k1' })
    const first = await world.drive(api.submit(admin, request))
    expect(await world.drive(api.submit(admin, request))).toMatchObject({ id: first.id, isRepeated: true })
    await expect(world.drive(api.submit(admin, { ...request, idempotencyKey: 'k2' }))).rejects.toMatchObject({
      code: 'TOPOLOGY_NAME_TAKEN',
    })
    expect(world.view.topologies.size).toBe(1)
  })

  test('two submits of one key at the same time make one topology', async () => {
    const world = await begun()
    const { api } = world.leader.nimbus
    const request = await world.request(words(), { idempotencyKey: 'k1' })
    const both = await world.drive(Promise.all([api.submit(admin, request), api.submit(admin, request)]))
    expect(new Set(both.map(({ id }) => id)).size).toBe(1)
    expect(both.map(({ isRepeated }) => isRepeated).sort()).toEqual([false, true])
  })

  test('bad requests are refused with their code, and leave nothing behind', async () => {
    const world = await begun({ workersMax: 4, executorsMax: 100, bundleBytesMax: 100_000 })
    const { api } = world.leader.nimbus
    const good = await world.request(words())
    const other = await world.request(words('other', { workers: 1 }))
    const cases: [string, object][] = [
      ['REQUEST_INVALID', { name: '../etc' }],
      ['REQUEST_INVALID', { name: 'a\0b' }],
      ['REQUEST_INVALID', { idempotencyKey: 'k'.repeat(200) }],
      ['BUNDLE_INVALID', { bundle: { digest: 'f'.repeat(64), sizeBytes: 3 } }],
      ['BUNDLE_INVALID', { bundle: { ...good.bundle, sizeBytes: 3 } }],
      ['BUNDLE_TOO_LARGE', { bundle: { ...good.bundle, sizeBytes: 100_001 } }],
      ['REQUEST_INVALID', { outline: good.bundle }],
      ['BUILD_NOT_REPEATABLE', { outline: other.outline }],
      ['NO_DEFAULT_EXPORT', { name: 'unknown' }],
      ['CONFIG_INVALID_VALUE', { config: { stateBackend: 'leveldb' } }],
    ]
    for (const [code, change] of cases) {
      const request = { ...good, ...change }
      await expect(world.drive(api.submit(admin, request)), JSON.stringify(change)).rejects.toMatchObject({
        code,
      })
    }
    // By this clients know that they should upload again.
    const gone = { ...good, bundle: { digest: 'f'.repeat(64), sizeBytes: 3 } }
    await expect(world.drive(api.preview(admin, gone))).rejects.toMatchObject({
      details: { missing: 'bundle' },
    })
    const wide = await world.request(words('wide', { workers: 5 }))
    await expect(world.drive(api.submit(admin, wide))).rejects.toMatchObject({ code: 'CONFIG_INVALID_VALUE' })
    await expect(world.drive(api.submit({ name: 'bob', roles: ['operator'] }, good))).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    })
    await world.pass(10_000)
    expect(world.ensemble.peekChildren('/typhoon/topologies')).toEqual([])
    expect(world.ensemble.peekChildren('/typhoon/names')).toEqual([])
  })

  test('what another Nimbus has and there is no room for here is refused for that reason', async () => {
    const world = await begun()
    const standby = await world.startNimbus('n2')
    const good = await world.request(words())
    const outline = await world.upload(standby, new TextEncoder().encode(JSON.stringify(words('other'))))
    const { disk } = world.world.disk(world.leader.name)
    disk.capacityBytes = 0
    const submit = () => world.drive(world.leader.nimbus.api.submit(admin, { ...good, outline }))
    await expect(submit()).rejects.toMatchObject({ code: 'DISK_FULL' })
    disk.capacityBytes = Number.POSITIVE_INFINITY
    // There is room: now the outline itself is looked at.
    await expect(submit()).rejects.not.toMatchObject({ code: 'DISK_FULL' })
  })

  test('relative paths of files are told, at preview and submit, and refuse nothing', async () => {
    const world = await begun()
    world.relativePaths = [
      { component: 'lines', path: './text.txt' },
      { component: 'out', path: `${'x'.repeat(5_000)}.txt` },
    ]
    const request = await world.request(words())
    const { api } = world.leader.nimbus
    const { findings } = await world.drive(api.preview(admin, request))
    const told = findings.filter(({ code }) => code === 'RELATIVE_PATH')
    expect(told.map(({ severity }) => severity)).toEqual(['warning', 'warning'])
    const [first = '', second = ''] = told.map(({ message }) => message)
    expect(first).toContain("lines uses './text.txt'")
    expect(second.length).toBeLessThan(500)
    const { warnings } = await world.drive(api.submit(admin, request))
    expect(warnings).toContain(first)
  })

  test('a topology bigger than the cluster is accepted, and what is not placed is explained', async () => {
    const world = await begun()
    const request = await world.request(words('wide', { workers: 9 }))
    const { id } = await world.drive(world.leader.nimbus.api.submit(admin, request))
    await world.pass(2_000)
    const before = await world.drive(world.leader.nimbus.api.topology(admin, 'wide'))
    expect(before.state).toBe('starting')
    expect(before.unplaced.reduce((sum, { count }) => sum + count, 0)).toBe(18)
    expect(before.unplaced[0]?.why).not.toBe('')
    await world.startSupervisor('a')
    await world.until(() => world.isUp(id))
    expect(world.workersOf(id)).toHaveLength(2)
    // Slots that come later are used, too.
    await world.startSupervisor('b')
    await world.until(() => world.workersOf(id).length === 4)
  })

  // Goal: every place at which the leader can die. A client that was not answered repeats with its key.
  test.each(['crash-before', 'crash-after'] as const)('the leader dies %s each write', async (when) => {
    for (let write = 1; write <= 3; write += 1) {
      const world = await begun()
      await world.startNimbus('n2')
      await world.startSupervisor('a')
      const first = world.leader
      const request = await world.request(words(), { idempotencyKey: 'k1' })
      let count = 0
      world.spy = (writes, nimbus) => {
        if (nimbus !== first.name || (count === 0 && !isSubmit(writes))) return 'go'
        count += 1
        return count === write ? when : 'go'
      }
      let answered: string | undefined
      first.nimbus.api.submit(admin, request).then(
        ({ id }) => {
          answered = id
        },
        () => {},
      )
      await world.until(() => !world.seats.has('n1') || world.isUp(answered ?? ''), 'the crash')
      world.spy = () => 'go'
      await world.untilLed()
      const again = await world.drive(world.leader.nimbus.api.submit(admin, request))
      if (answered !== undefined) expect(again).toMatchObject({ id: answered, isRepeated: true })
      await world.until(() => world.isUp(again.id), 'it up')
      expect(world.ensemble.peekChildren('/typhoon/topologies')).toHaveLength(1)
      expect(world.ensemble.peekChildren('/typhoon/names')).toEqual(['words'])
      expect(world.ensemble.peekChildren('/typhoon/assignments')).toHaveLength(1)
    }
  })

  test('an answer of the coordinator that is lost is read back', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const world = new NimbusWorld({}, seed)
      await world.startNimbus('n1')
      await world.untilLed()
      const request = await world.request(words(), { idempotencyKey: 'k1' })
      world.ensemble.setFaults({ unknownShare: 0.3 })
      const outcome = await world
        .drive(world.leader.nimbus.api.submit(admin, request))
        .then(({ id }) => id)
        .catch((error: { retryable?: boolean }) => {
          expect(error.retryable).toBe(true)
        })
      world.ensemble.setFaults({ unknownShare: 0 })
      await world.until(() => world.seats.get('n1')?.board.state === 'connected', 'the connection')
      await world.untilLed()
      const again = await world.drive(world.leader.nimbus.api.submit(admin, request))
      if (outcome !== undefined) expect(again.id).toBe(outcome)
      expect(world.ensemble.peekChildren('/typhoon/topologies')).toHaveLength(1)
    }
  })

  test.each([undefined, 'k1'])('the answer of the one write is lost, with key %s', async (idempotencyKey) => {
    const world = await begun()
    const request = await world.request(words(), { idempotencyKey })
    world.spy = (writes) => (isSubmit(writes) ? 'lose-answer' : 'go')
    const { id } = await world.drive(world.leader.nimbus.api.submit(admin, request))
    expect(world.ensemble.peekChildren('/typhoon/topologies')).toEqual([id])
  })

  test('the same without a key: whoever is answered has it, and no other does', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const world = new NimbusWorld({}, seed)
      await world.startNimbus('n1')
      await world.untilLed()
      const request = await world.request(words())
      world.ensemble.setFaults({ unknownShare: 0.4 })
      const outcome = await world
        .drive(world.leader.nimbus.api.submit(admin, request))
        .then(({ id }) => id)
        .catch((error: { code?: string }) => error.code)
      // It cannot be taken but by itself.
      expect(outcome).not.toBe('TOPOLOGY_NAME_TAKEN')
      const found = world.ensemble.peekChildren('/typhoon/topologies')
      if (found.length > 0 && outcome?.startsWith('words-') === true) expect(found).toEqual([outcome])
    }
  })

  test('a preview says what would change, and writes nothing', async () => {
    const world = await begun()
    await world.startSupervisor('a')
    await world.running(words('words', { workers: 1 }))
    const request = await world.request(words('words', { workers: 4 }))
    const reply = await world.drive(world.leader.nimbus.api.preview(admin, request))
    expect(reply.changes).toContainEqual({ kind: 'config', subject: 'workers', before: '1', after: '4' })
    expect(reply.findings.map(({ code }) => code)).toEqual(['NOT_ENOUGH_SLOTS'])
    expect(reply.slots).toEqual({ needed: 4, free: 1 })
  })
})

describe('blobs', () => {
  test('a standby has them before the submit is answered, and takes over with them', async () => {
    const world = await begun()
    await world.startNimbus('n2')
    const request = await world.request(words())
    const reply = await world.drive(world.leader.nimbus.api.submit(admin, request))
    expect(reply.warnings).toEqual([])
    const standby = [...world.seats.values()].find(({ nimbus }) => !nimbus.isLeader)
    expect(await world.drive(standby?.blobs.has(request.bundle.digest) ?? Promise.resolve(false))).toBe(true)
  })

  test('a Nimbus that begins later copies what the board names', async () => {
    const world = await begun()
    const request = await world.request(words())
    await world.drive(world.leader.nimbus.api.submit(admin, request))
    const late = await world.startNimbus('n2')
    await world.pass(5_000)
    expect(await world.drive(late.blobs.has(request.bundle.digest))).toBe(true)
    expect(await world.drive(late.blobs.has(request.outline.digest))).toBe(true)
  })

  test('a blob that is gone everywhere leaves the topology alone, not the leader', async () => {
    const world = await begun()
    await world.startSupervisor('a', { ports: [1, 2, 3, 4] })
    const request = await world.request(words())
    await world.drive(world.leader.nimbus.api.submit(admin, request))
    await world.pass(2_000)
    world.crash('n1')
    await world.pass(8_000)
    const { host, blobs } = await world.startNimbus('n2')
    await world.untilLed()
    expect(host.name).toBe('n2')
    await world.pass(30_000)
    expect(world.leader.name).toBe('n2')
    const status = await world.drive(world.leader.nimbus.api.topology(admin, 'words'))
    expect(status.state).toBe('failed')
    expect(status.unplaced[0]?.why).toContain('no other Nimbus')
    // Others run all the same.
    await world.running(words('other', { workers: 1 }))
    // It comes back by itself once the blobs do.
    const { bundle, outline } = request
    expect(await world.drive(blobs.has(outline.digest))).toBe(false)
    await world.request(words())
    await world.pass(5_000)
    expect(await world.drive(blobs.has(bundle.digest))).toBe(true)
    expect((await world.drive(world.leader.nimbus.api.topology(admin, 'words'))).state).toBe('active')
  })
})
