// Goal: what is damaged or left over on the board is left alone, or goes; it never ends the leader.
import { describe, expect, test } from 'vitest'
import { admin, NimbusWorld } from './nimbus-world.ts'
import { words } from './outlines.ts'

async function cluster(): Promise<NimbusWorld> {
  const world = new NimbusWorld()
  await world.startNimbus('n1')
  await world.untilLed()
  for (const node of ['a', 'b', 'c']) await world.startSupervisor(node)
  return world
}

/** Writes behind everybody's back. */
async function scribble(
  world: NimbusWorld,
  path: string,
  text: string,
  mode: 'set' | 'create',
): Promise<void> {
  const host = world.world.host('vandal')
  const coordinator = world.ensemble.connect({ host, name: 'vandal', sessionTimeoutMs: 6_000 })
  await world.drive(coordinator.connected(5_000))
  const data = new TextEncoder().encode(text)
  if (mode === 'set') await world.drive(coordinator.set(path, data))
  else await world.drive(coordinator.create(path, data))
  await world.drive(coordinator.close())
}

describe('damaged records', () => {
  test('of a topology: its workers run on, nothing is written over or deleted, others go on', async () => {
    const world = await cluster()
    const id = await world.running(words('words', { workers: 2 }))
    const before = world.workersOf(id)
    await scribble(world, `/typhoon/topologies/${id}`, 'garbage', 'set')
    await world.pass(30_000)
    const [on] = before[0]?.split(' ')[0]?.split('@')[1]?.split(':') ?? []
    world.crash(on ?? '')
    await world.pass(30_000)
    expect(world.workersOf(id)).toEqual(before)
    const found = new TextDecoder().decode(world.ensemble.peek(`/typhoon/topologies/${id}`)?.data)
    expect(found).toBe('garbage')
    const { api } = world.leader.nimbus
    const refused = { code: 'TOPOLOGY_QUARANTINED', message: expect.stringContaining(`/topologies/${id}`) }
    await expect(world.drive(api.topology(admin, 'words'))).rejects.toMatchObject(refused)
    await expect(world.drive(api.activate(admin, 'words'))).rejects.toMatchObject(refused)
    expect(world.ensemble.peekChildren('/typhoon/names')).toEqual(['words'])
    await world.running(words('more', { workers: 1 }))
    expect(world.leader.name).toBe('n1')
  })

  test('of an assignment: it is not written over', async () => {
    const world = await cluster()
    const id = await world.running(words('words', { workers: 2 }))
    await scribble(world, `/typhoon/assignments/${id}`, '{"format":9,"kind":"assignment"}', 'set')
    await world.pass(30_000)
    const found = new TextDecoder().decode(world.ensemble.peek(`/typhoon/assignments/${id}`)?.data)
    expect(found).toBe('{"format":9,"kind":"assignment"}')
    await world.running(words('more', { workers: 1 }))
  })
})

describe('left over', () => {
  test('assignments and names without a topology go, after a second look', async () => {
    const world = await cluster()
    const id = await world.running(words('words', { workers: 1 }))
    const record = new TextDecoder().decode(world.ensemble.peek(`/typhoon/assignments/${id}`)?.data)
    const orphan = record.replaceAll(id, 'gone-1').replaceAll('6700', '6701')
    await scribble(world, '/typhoon/assignments/gone-1', orphan, 'create')
    await scribble(world, '/typhoon/names/ghost', 'gone-2', 'create')
    await scribble(world, '/typhoon/positions/gone-3', '', 'create')
    await world.pass(1_000)
    expect(world.ensemble.peekChildren('/typhoon/names')).toContain('ghost')
    await world.pass(20_000)
    expect(world.ensemble.peekChildren('/typhoon/assignments')).toEqual([id])
    expect(world.ensemble.peekChildren('/typhoon/names')).toEqual(['words'])
    expect(world.ensemble.peekChildren('/typhoon/positions')).not.toContain('gone-3')
  })

  test('blobs that nobody names go when they are old, those of topologies stay', async () => {
    const world = await cluster()
    await world.running(words('words', { workers: 1 }))
    const stray = await world.upload(world.leader, new TextEncoder().encode('stray'))
    await world.pass(1_800_000)
    const digests = async (): Promise<readonly string[]> =>
      (await world.drive(world.leader.nimbus.api.blobs(admin))).map(({ digest }) => digest)
    expect(await digests()).toContain(stray.digest)
    await world.pass(2_000_000)
    expect(await digests()).not.toContain(stray.digest)
    expect(await digests()).toHaveLength(2)
    const [named = ''] = await digests()
    await expect(world.drive(world.leader.nimbus.api.deleteBlob(admin, named))).rejects.toMatchObject({
      code: 'TOPOLOGY_WRONG_STATE',
    })
  })
})

describe('blobs of a topology that is not visible yet', () => {
  const hour = 3_600_000

  async function wait(world: NimbusWorld, forMs: number): Promise<void> {
    await new Promise<void>((resolve) => world.world.timers.after(forMs, resolve))
  }

  test('stay while it is submitted, however old they are and however long that takes', async () => {
    const world = await cluster()
    const request = await world.request(words('words', { workers: 1 }))
    await world.pass(hour - 30_000)
    world.whileInspected = () => wait(world, 200_000)
    const { id } = await world.drive(world.leader.nimbus.api.submit(admin, request))
    await world.until(() => world.isUp(id), 'it up')
    expect(await world.drive(world.leader.blobs.has(request.bundle.digest))).toBe(true)
  })

  test('stay when they were uploaded again, and when the clock jumps', async () => {
    const world = await cluster()
    await world.request(words('words', { workers: 1 }))
    await world.pass(hour - 30_000)
    const again = await world.request(words('words', { workers: 1 }))
    await world.pass(120_000)
    await world.running(words('words', { workers: 1 }), again)
    const other = await world.request(words('other', { workers: 1 }))
    world.world.setClockSkew('n1', 2 * hour)
    await world.pass(120_000)
    const { id } = await world.drive(world.leader.nimbus.api.submit(admin, other))
    await world.until(() => world.isUp(id), 'it up')
  })

  test('are not deleted by an operator either', async () => {
    const world = await cluster()
    const request = await world.request(words('words', { workers: 1 }))
    const { api } = world.leader.nimbus
    const refusals: unknown[] = []
    world.whileInspected = async () => {
      await api.deleteBlob(admin, request.bundle.digest).catch((error: unknown) => refusals.push(error))
    }
    await world.drive(api.submit(admin, request))
    expect(refusals).toMatchObject([{ code: 'TOPOLOGY_WRONG_STATE' }])
  })

  test('are looked for again before it is visible: lost meanwhile, nothing is visible', async () => {
    const world = await cluster()
    const request = await world.request(words('words', { workers: 1 }))
    const { nimbus, blobs } = world.leader
    world.whileInspected = () => blobs.remove(request.bundle.digest)
    await expect(world.drive(nimbus.api.submit(admin, request))).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
    })
    expect(world.ensemble.peekChildren('/typhoon/topologies')).toEqual([])
    expect(world.ensemble.peekChildren('/typhoon/names')).toEqual([])
  })
})

describe('the board, looked at', () => {
  test('shows what stands there, and no secret', async () => {
    const world = await cluster()
    const id = await world.running(words('words', { workers: 1 }))
    const token = world.view.assignments.get(id)?.record.token ?? ''
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    const { api } = world.leader.nimbus
    const reader = { name: 'r', roles: ['reader'] }
    expect(await world.drive(api.boardList(reader, '/topologies'))).toEqual([id])
    const texts = [JSON.stringify(await world.drive(api.boardRead(reader, `/assignments/${id}`)))]
    for (const folder of await world.drive(api.boardList(reader, '/')))
      for (const name of await world.drive(api.boardList(reader, `/${folder}`)))
        texts.push(JSON.stringify(await world.drive(api.boardRead(reader, `/${folder}/${name}`))))
    texts.push(JSON.stringify(await world.drive(api.topology(reader, 'words'))))
    texts.push(JSON.stringify(await world.drive(api.workers(reader, 'words'))), JSON.stringify(world.lines))
    expect(texts.length).toBeGreaterThan(8)
    for (const text of texts) expect(text).not.toContain(token)
    await expect(world.drive(api.boardRead(reader, '/topologies/none'))).rejects.toMatchObject({
      code: 'RECORD_MISSING',
    })
  })
})
