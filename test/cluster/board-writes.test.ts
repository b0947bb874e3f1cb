// Goal: what daemons announce and supervisors store stands on the board once, under its check, and through
// lost answers. Method: boards over a memory ensemble, driven in virtual time.
import { describe, expect, test } from 'vitest'
import { PositionShelf } from '../../src/cluster/position-shelf.ts'
import type { Operation } from '../../src/coordinate/coordinator.ts'
import { assignment, candidate, leaderOf, supervisor } from './board-records.ts'
import { BoardWorld, SESSION_MS } from './board-world.ts'

describe('announcements', () => {
  test('stand as long as the session, and again in the next', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    await world.drive(a.announceSupervisor(supervisor('n', 'one')))
    await world.until(() => b.view.supervisors.has('n'))
    world.ensemble.expire('a')
    await world.until(() => !b.view.supervisors.has('n'))
    await world.until(() => b.view.supervisors.has('n'), 'the second announcement')
    world.world.crash('a', 'none')
    await world.until(() => !b.view.supervisors.has('n'))
  })

  test('what a dead process left over is waited for, a living one is not pushed aside', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    await world.drive(a.announceSupervisor(supervisor('n', 'one')))
    await expect(world.drive(b.announceSupervisor(supervisor('n', 'two')))).rejects.toMatchObject({
      code: 'RECORD_EXISTS',
    })
    world.world.crash('a', 'none')
    await world.drive(b.announceSupervisor(supervisor('n', 'two')))
    await world.until(() => b.view.supervisors.get('n')?.owner === 'two')
  })

  test('what our own last session has left is replaced at once: nobody sees it gone', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    await world.drive(a.announceSupervisor(supervisor('n', 'one')))
    await world.until(() => b.view.supervisors.has('n'))
    world.ensemble.loseQuorum()
    await world.until(() => a.state === 'lost' && b.state === 'lost')
    const gone: number[] = []
    b.onChange(() => b.view.supervisors.has('n') || gone.push(world.world.nowMs))
    const path = '/typhoon/supervisors/n'
    const before = world.ensemble.peek(path)?.stat.ephemeralOwner
    world.ensemble.regainQuorum()
    await world.until(() => world.ensemble.peek(path)?.stat.ephemeralOwner !== before, 'a new owner')
    await world.pass(2 * SESSION_MS)
    expect(world.ensemble.peek(path)).toBeDefined()
    expect(gone).toEqual([])
  })

  /** Another daemon has taken the name while a's session was over; a comes back. */
  async function taken() {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const standing = await world.drive(a.announceSupervisor(supervisor('n', 'one')))
    const told: string[] = []
    a.onTaken(({ code, message }) => told.push(`${code} ${message}`))
    world.ensemble.cut('a')
    const other = await world.drive(b.announceSupervisor(supervisor('n', 'two')))
    world.ensemble.heal('a')
    await world.until(() => a.state === 'connected')
    return { world, a, b, told, standing, other }
  }

  test('a name that another has taken is not fought for: its daemon is told, the rest goes on', async () => {
    const { world, a, b, told } = await taken()
    const seen = candidate(a, 'a')
    await world.pass(10 * SESSION_MS)
    expect(told).toEqual(['RECORD_EXISTS /typhoon/supervisors/n belongs to another daemon that lives'])
    expect(world.begun.filter((name) => name === 'a')).toHaveLength(2)
    expect(b.view.supervisors.get('n')?.owner).toBe('two')
    expect(seen.leaderships).toHaveLength(1)
    world.ensemble.expire('a')
    await world.until(() => a.state === 'lost')
    await world.until(() => a.state === 'connected')
    await world.pass(10 * SESSION_MS)
    expect(told, 'it is not announced any more').toHaveLength(1)
  })

  test('what is stopped while it waits for the other to go is not announced when that goes', async () => {
    const { world, a, b, told, standing, other } = await taken()
    await world.pass(SESSION_MS)
    const owners: (string | undefined)[] = []
    b.onChange(() => owners.push(b.view.supervisors.get('n')?.owner))
    standing.stop()
    await world.pass(1_000)
    expect(owners, 'it takes down what is its own').toEqual([])
    other.stop()
    await world.pass(4 * SESSION_MS)
    expect(new Set(owners)).toEqual(new Set([undefined]))
    expect(told).toEqual([])
    expect(a.state).toBe('connected')
  })

  test('nothing is announced any more that is not wanted any more', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const other = await world.drive(a.announceNimbus({ nimbus: 'n', address: 'a:1', version: '1' }))
    let isWanted = true
    const record = { nimbus: 'n', address: 'b:1', version: '1' }
    const announcing = b.announceNimbus(record, () => isWanted)
    await world.pass(SESSION_MS)
    isWanted = false
    const addresses: (string | undefined)[] = []
    a.onChange(() => addresses.push(a.view.nimbuses.get('n')?.address))
    other.stop()
    const standing = await world.drive(announcing)
    await world.pass(2 * SESSION_MS)
    expect(new Set(addresses)).toEqual(new Set([undefined]))
    standing.stop()
    await world.drive(a.announceNimbus(record))
    await world.pass(SESSION_MS)
    expect(a.view.nimbuses.get('n')?.address).toBe('b:1')
  })

  test('a session that ends while it is being begun is followed by one, and that one stays', async () => {
    const { world, a, told } = await taken()
    await world.pass(SESSION_MS)
    expect(told, 'it still waits for the other to go').toEqual([])
    world.ensemble.expire('a')
    await world.pass(20 * SESSION_MS)
    expect(world.begun.filter((name) => name === 'a')).toHaveLength(3)
    expect(a.state).toBe('connected')
    expect(told).toHaveLength(1)
  })
})

describe('positions', () => {
  const texts = { lines: { 'a/b': '1', c: '2' }, other: { x: '3' } }

  async function withAssignment() {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const leadership = await leaderOf(world, a, 'a')
    await world.drive(
      leadership.write([{ kind: 'put-assignment', record: assignment('t', 1), version: undefined }]),
    )
    return { world, b, leadership }
  }

  test('are read as they were written, and overwritten by later ones', async () => {
    const { world, b, leadership } = await withAssignment()
    expect(await world.drive(b.positionsOf('t'))).toEqual({})
    await world.drive(b.putPositions('t', 0, texts, 5))
    await world.drive(b.putPositions('t', 0, { lines: { c: '9' } }, 5))
    expect(await world.drive(b.positionsOf('t'))).toEqual({ ...texts, lines: { 'a/b': '1', c: '9' } })
    await world.drive(leadership.deletePositions('t', 100))
    await world.drive(leadership.deletePositions('t', 100))
    expect(await world.drive(b.positionsOf('t'))).toEqual({})
    expect(await world.drive(leadership.topologiesWithPositions())).toEqual([])
  })

  test('of an assignment that has changed since are not written', async () => {
    const { world, b, leadership } = await withAssignment()
    await world.drive(b.putPositions('t', 0, texts, 5))
    await world.drive(leadership.write([{ kind: 'put-assignment', record: assignment('t', 1), version: 0 }]))
    await expect(world.drive(b.putPositions('t', 0, { lines: { c: '0' } }, 5))).rejects.toMatchObject({
      code: 'RECORD_CHANGED',
    })
    expect(await world.drive(b.positionsOf('t'))).toEqual(texts)
    await world.drive(leadership.write([{ kind: 'delete-assignment', id: 't', version: 1 }]))
    await expect(world.drive(b.putPositions('t', 1, texts, 5))).rejects.toMatchObject({
      code: 'RECORD_CHANGED',
    })
  })

  test('of 250 partitions at once arrive whole, also from who does not know what is there', async () => {
    const { world, b } = await withAssignment()
    const many = Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`p${n}`, String(n)]))
    await world.drive(b.putPositions('t', 0, { lines: { p7: 'old', p249: 'old' } }, 1))
    const c = await world.opened('c')
    await world.drive(c.putPositions('t', 0, { lines: many }, 1))
    expect(await world.drive(b.positionsOf('t'))).toEqual({ lines: many })
  })

  test('that are large go in pieces that a request can take', async () => {
    const { world, b } = await withAssignment()
    const large = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`p${n}`, 'x'.repeat(40_000)]))
    await world.drive(b.putPositions('t', 0, { lines: large }, 1))
    expect(await world.drive(b.positionsOf('t'))).toEqual({ lines: large })
  })

  const thousands = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`p${n}`, String(n)]))

  test('of 2,000 partitions are read with many questions on their way at once', async () => {
    const { world, b } = await withAssignment()
    await world.drive(b.putPositions('t', 0, { lines: thousands }, 1))
    const startMs = world.world.nowMs
    expect(await world.drive(b.positionsOf('t'))).toEqual({ lines: thousands })
    // An answer takes 0.4 to 4 ms: one after the other they would take seconds.
    expect(world.world.nowMs - startMs).toBeLessThan(200)
  })

  test('are deleted in bounded pieces, by the leader only, and what is gone holds up nothing', async () => {
    const { world, b, leadership } = await withAssignment()
    await world.drive(b.putPositions('t', 0, { lines: thousands, other: { x: '3' } }, 1))
    const left = (): number => world.ensemble.peekChildren('/typhoon/positions/t/lines')?.length ?? 0
    expect(await world.drive(leadership.deletePositions('t', 500))).toBe(500)
    expect(left()).toBe(1_500)
    const host = world.world.host('raw')
    const raw = world.ensemble.connect({ host, name: 'raw', sessionTimeoutMs: 6_000 })
    await world.drive(raw.connected(5_000))
    // Somebody else deletes one of each piece in the moment before.
    const shelf = new PositionShelf(raw, '/typhoon')
    const racing = async (operations: readonly Operation[]): Promise<void> => {
      if (operations.length > 1) await raw.delete(operations[1]?.path ?? '')
      await raw.multi(operations)
    }
    expect(await world.drive(shelf.remove('t', 500, racing))).toBe(500)
    expect(left()).toBe(1_000)
    // Two components, their topology, and what is left of both.
    expect(await world.drive(leadership.deletePositions('t', 5_000))).toBeLessThan(1_010)
    expect(world.ensemble.peekChildren('/typhoon/positions')).toEqual([])
    await world.drive(b.putPositions('t', 0, { lines: { a: '1' } }, 1))
    world.ensemble.cut('a', 'silent')
    await leaderOf(world, b, 'b')
    world.ensemble.heal('a')
    await expect(world.drive(leadership.deletePositions('t', 500))).rejects.toMatchObject({
      family: expect.stringMatching(/conflict|unavailable/),
    })
    expect(left()).toBe(1)
  })
})
