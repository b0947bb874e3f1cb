// Programs that die and stand still: in virtual time under several seeds, and in real time in this process.
import { createNodeHost } from '../../src/host/node-host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { RealWorld } from '../../src/testing/cluster/real-world.ts'
import { mortalWorldContract } from '../contract/mortal-world.contract.ts'

for (const isChopped of [true, false]) {
  for (const seed of [1, 2, 3]) {
    mortalWorldContract(`virtual world, seed ${seed}${isChopped ? '' : ', whole parcels'}`, () => {
      const world = new VirtualWorld({ seed, startAtMs: 1_700_000_000_000, isChopped })
      return { world, end: () => undefined }
    })
  }
}

mortalWorldContract('real world', () => {
  const world = new RealWorld(createNodeHost())
  return { world, end: () => world.end() }
})
