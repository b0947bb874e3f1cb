// Modules of this process on their way to a cluster: imported once, known by the names they went under.
import { expect, test } from 'vitest'
import type { Host } from '../../host/host.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import { bolt } from '../../topology/bolt.ts'
import { defineTopology } from '../../topology/define-topology.ts'
import { fields } from '../../topology/schema/fields.ts'
import { spoutFrom } from '../../topology/spout.ts'
import { MemoryMachine } from './memory-machine.ts'
import { SimBundles } from './sim-bundles.ts'

const Numbered = fields({ n: 'int' })
const def = defineTopology({
  name: 'own-name',
  build(builder) {
    const read = builder.setSpout(
      'read',
      spoutFrom(Numbered, () => []),
    )
    builder.setBolt('take', bolt({ input: Numbered, execute: () => undefined })).shuffleGrouping(read)
  },
})

function machineWith(exported: unknown) {
  const world = new VirtualWorld({ seed: 1 })
  const host = world.host('client')
  const imported: string[] = []
  const importModule = async (path: string) => {
    imported.push(path)
    return { default: exported }
  }
  return {
    world,
    host,
    imported,
    machine: new MemoryMachine({ bundles: new SimBundles(), host, importModule }),
  }
}

async function write(world: VirtualWorld, host: Host, path: string, bytes: Uint8Array): Promise<void> {
  const writing = host.files.open(path, 'create').then((file) => file.write(bytes, 0))
  await world.run({ untilMs: world.nowMs + 10 })
  await writing
}

test('a file is imported once; what was looked at is known by both its names', async () => {
  const { world, host, imported, machine } = machineWith(def)
  await machine.load('/a.ts')
  await machine.load('/a.ts')
  expect(imported).toEqual(['/a.ts'])
  await write(world, host, '/bundle', await machine.bundle('/a.ts'))
  const looking = machine.inspect({
    file: '/a.ts',
    bundlePath: '/bundle',
    args: null,
    config: { workers: 3 },
    name: 'other',
  })
  await world.run({ untilMs: world.nowMs + 10 })
  expect(await looking).toMatchObject({ name: 'other' })
  for (const name of ['other', 'own-name']) expect(machine.lastNamed(name)?.config.workers).toBe(3)
  expect(machine.lastNamed('nobody')).toBeUndefined()
})

test('what exports no topology is refused by its file; a topology of this process needs none', async () => {
  const { imported, machine } = machineWith({ name: 'no topology' })
  await expect(machine.load('/b.ts')).rejects.toMatchObject({ code: 'NO_DEFAULT_EXPORT' })
  const path = machine.add(def as never)
  expect(machine.has(path)).toBe(true)
  expect(machine.build(path, undefined, { workers: 2 }).name).toBe('own-name')
  expect(imported).toEqual(['/b.ts'])
})
