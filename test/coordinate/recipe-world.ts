// Clients of a memory ensemble, in virtual time.
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import type { Host } from '../../src/host/host.ts'
import { runWithin, virtualWorld } from './memory-worlds.ts'

export type World = Awaited<ReturnType<typeof virtualWorld>>

export async function inWorld(
  seed: number,
  body: (all: World) => Promise<void>,
  spec: Parameters<typeof virtualWorld>[1] = {},
): Promise<void> {
  const all = await virtualWorld(seed, spec)
  await runWithin(all.world, () => body(all))
  await all.close()
}

export interface Client {
  readonly host: Host
  readonly coordinator: Coordinator
}

export async function client(all: World, name: string, sessionTimeoutMs = 3_000): Promise<Client> {
  const host = all.world.host(name)
  const coordinator = all.ensemble.connect({ host, name, sessionTimeoutMs, callTimeoutMs: 2_000 })
  await coordinator.connected(10_000)
  return { host, coordinator }
}
