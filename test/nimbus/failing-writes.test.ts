// Goal: writes about one topology that fail again and again hold up that topology, and no other.
import { describe, expect, test } from 'vitest'
import { ConflictError, UsageError } from '../../src/base/errors.ts'
import { SLOT_MS } from '../../src/nimbus/leader/place-around.ts'
import { admin, isAbout, NimbusWorld } from './nimbus-world.ts'
import { words } from './outlines.ts'

const refusals = [
  new UsageError('RECORD_MISSING', 'it is not there', {}),
  new UsageError('COORDINATOR_REFUSED', 'an access list does not allow it', {}),
  new ConflictError('RECORD_CHANGED', 'it has changed', {}),
  new ConflictError('RECORD_NOT_EMPTY', 'it has children', {}),
]

function nodesOf(world: NimbusWorld, id: string): readonly string[] {
  return (world.view.assignments.get(id)?.record.workers ?? []).map(({ node }) => node)
}

describe.each(refusals.map((error) => ({ error, code: error.code })))(
  'a write that meets $code',
  ({ error }) => {
    test('costs its topology the turn, is told, and is tried again', async () => {
      const world = new NimbusWorld()
      await world.startNimbus('n1')
      await world.untilLed()
      for (const node of ['a', 'b', 'c']) await world.startSupervisor(node)
      const first = await world.running(words('first'))
      const second = await world.running(words('second'))
      const before = world.workersOf(first)
      world.spy = (writes) => {
        if (writes.some((write) => isAbout(write, first))) throw error
        return 'go'
      }
      world.crash('b')
      await world.until(() => !nodesOf(world, second).includes('b') && world.isUp(second), 'the second moved')
      await world.pass(30_000)
      expect(world.workersOf(first)).toEqual(before)
      const told = world.lines.filter(
        ({ level, details }) => level === 'warn' && details['topology'] === first,
      )
      expect(told.map(({ details }) => details['code'])).toEqual([error.code])
      expect(world.leader.name).toBe('n1')
      world.spy = () => 'go'
      await world.until(() => !nodesOf(world, first).includes('b') && world.isUp(first), 'the first moved')
    })

    test('keeps its slots: no other topology is placed there', async () => {
      const world = new NimbusWorld({ isolation: { second: 1 } })
      await world.startNimbus('n1')
      await world.untilLed()
      for (const node of ['a', 'b', 'c']) await world.startSupervisor(node, { ports: [6700] })
      const first = await world.running(words('first'))
      world.spy = (writes) => {
        if (writes.some((write) => isAbout(write, first))) throw error
        return 'go'
      }
      const request = await world.request(words('second', { workers: 1 }))
      const second = await world.drive(world.leader.nimbus.api.submit(admin, request))
      await world.pass(30_000)
      expect(nodesOf(world, first)).toHaveLength(3)
      expect(nodesOf(world, second.id)).toEqual([])
      world.spy = () => 'go'
      await world.until(() => world.isUp(second.id) && world.isUp(first), 'both')
      expect(nodesOf(world, first)).toHaveLength(2)
    })

    test('ends the wait of a drained rebalance for a slot that it would give up', async () => {
      const isolation: Record<string, number> = {}
      const world = new NimbusWorld({ isolation })
      await world.startNimbus('n1')
      await world.untilLed()
      await world.startSupervisor('a', { ports: [6700, 6701] })
      const second = await world.running(words('second', { workers: 1 }))
      await world.startSupervisor('b', { ports: [6700] })
      const first = await world.running(words('first', { workers: 2 }))
      world.spy = (writes) => {
        if (writes.some((write) => isAbout(write, first))) throw error
        return 'go'
      }
      isolation['second'] = 1
      const { api } = world.leader.nimbus
      const wish = { workers: 2, executors: {}, tasks: {}, scheduler: undefined, drainMs: 1_000 }
      await world.drive(api.rebalance(admin, 'second', wish))
      await world.pass(SLOT_MS + 10_000)
      expect(world.view.topologies.get(second)?.record).toMatchObject({ phase: 'active', workers: 2 })
      const { unplaced } = await world.drive(api.topology(admin, 'second'))
      const why = expect.stringContaining('waits for slots that others still hold: a:6701 of first')
      expect(unplaced).toContainEqual({ component: '', count: 0, why })
      // It does not stand still again for what is not to be had.
      const begun = world.lines.filter(({ details }) => details['kind'] === 'topology-rebalancing').length
      await world.pass(600_000)
      const later = world.lines.filter(({ details }) => details['kind'] === 'topology-rebalancing').length
      expect(later).toBe(begun)
      expect(nodesOf(world, first)).toHaveLength(2)
      world.spy = () => 'go'
      await world.until(() => nodesOf(world, second).length === 2 && world.isUp(second), 'both workers')
      expect(nodesOf(world, second)).toEqual(['a', 'a'])
    })
  },
)
