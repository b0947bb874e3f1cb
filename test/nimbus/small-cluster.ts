// Three nodes under a leader.
import type { RebalanceRequest } from '../../src/rpc/nimbus-api.ts'
import { NimbusWorld } from './nimbus-world.ts'

export const still: RebalanceRequest = {
  workers: undefined,
  executors: {},
  tasks: {},
  scheduler: undefined,
  drainMs: undefined,
}

export async function cluster(script = {}, nimbuses = ['n1']): Promise<NimbusWorld> {
  const world = new NimbusWorld()
  for (const name of nimbuses) await world.startNimbus(name)
  await world.untilLed()
  for (const node of ['a', 'b', 'c']) await world.startSupervisor(node, { dumpMs: 500, ...script })
  return world
}

export function run(world: NimbusWorld, id: string): string | undefined {
  return world.hasLeader ? world.view.assignments.get(id)?.record.run : undefined
}
