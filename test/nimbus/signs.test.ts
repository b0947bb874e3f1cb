// Goal: what is told of workers that ended, and of nodes by their links, means what it says: counts only
// grow, and a node is not blamed for what happened elsewhere.
import { expect, test } from 'vitest'
import { incarnationOf } from '../../src/cluster/incarnation.ts'
import { admin, type NimbusWorld } from './nimbus-world.ts'
import { words } from './outlines.ts'
import { cluster } from './small-cluster.ts'

async function restarts(world: NimbusWorld): Promise<Readonly<Record<string, number>>> {
  const { components } = await world.drive(world.leader.nimbus.api.topology(admin, 'words'))
  return Object.fromEntries(components.map(({ component, restartCount }) => [component, restartCount]))
}

test('restarts of a component stay counted when its executors go elsewhere', async () => {
  const world = await cluster()
  const id = await world.running(words('words', { workers: 3 }))
  const worker = world.view.assignments.get(id)?.record.workers.find(({ node }) => node === 'b')
  const { worker: number = 0, generation = 0 } = worker ?? {}
  const exit = {
    worker: number,
    incarnation: incarnationOf(generation, 0),
    reason: 'killed',
    text: '',
  } as const
  world.supervisors.get('b')?.happenings.push({ kind: 'worker-exited', at: 5, topologyId: id, ...exit })
  await world.until(() => world.supervisors.get('b')?.happenings.length === 0, 'the answer')
  const before = await restarts(world)
  expect(Object.values(before)).toContain(1)
  const request = { workers: 1, executors: {}, tasks: {}, scheduler: undefined, drainMs: undefined }
  await world.drive(world.leader.nimbus.api.rebalance(admin, 'words', request))
  await world.until(
    () => world.view.assignments.get(id)?.record.workers.length === 1 && world.isUp(id),
    'one worker',
  )
  expect(await restarts(world)).toEqual(before)
})

test('echoes that are missing because the other worker is gone are not the fault of a node', async () => {
  const world = await cluster()
  const id = await world.running(words('words', { workers: 3 }))
  const atRisk = async (node: string) => {
    const nodes = await world.drive(world.leader.nimbus.api.nodes(admin))
    return nodes.find((each) => each.node === node)?.atRisk
  }
  const isOn = (node: string) =>
    world.view.assignments.get(id)?.record.workers.find((each) => each.node === node)?.worker ?? 0
  const link = (worker: number, rttMs: number | undefined) => {
    return { worker, isSending: true, isReceiving: true, rttMs, queuedBytes: 0, reconnectCount: 0 }
  }
  const links = [link(isOn('a'), 1), link(isOn('c'), undefined)]
  const b = world.supervisors.get('b')
  const c = world.supervisors.get('c')
  if (b === undefined || c === undefined) throw new Error('there are three nodes')
  b.beat = () => ({ links })
  // Its worker there has just ended, and begins anew.
  c.isStarting = true
  await world.pass(90_000)
  expect(await atRisk('b')).toEqual([])
  c.isStarting = false
  await world.pass(90_000)
  expect(await atRisk('b')).toEqual([expect.stringContaining('echoes of links to b were missed')])
})
