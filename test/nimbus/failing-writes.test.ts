// Goal: writes about one topology that fail again and again hold up that topology, and no other.
import { describe, expect, test } from 'vitest'
import { ConflictError, UsageError } from '../../src/base/errors.ts'
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
  },
)
