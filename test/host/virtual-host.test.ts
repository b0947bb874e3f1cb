// The virtual host keeps the same contract, under several seeds, and the memory net also in real time.

import { createNodeHost } from '../../src/host/node-host.ts'
import { MemoryNet } from '../../src/host/virtual/memory-net.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { hostContract } from '../contract/host.contract.ts'

for (const seed of [1, 2, 3, 5, 8]) {
  hostContract(`virtual host, seed ${seed}`, async () => {
    const world = new VirtualWorld({ seed, startAtMs: 1_700_000_000_000 })
    let addressCount = 0
    return {
      host: world.host('a'),
      freshAddress: async () => {
        addressCount += 1
        return `a:${addressCount}`
      },
      within: async (body) => {
        let isOver = false
        const running = body().finally(() => {
          isOver = true
        })
        // A body that fails is awaited below; until then its failure is not unheard.
        running.catch(() => undefined)
        const end = await world.run({ while: () => !isOver })
        if (end === 'idle' && !isOver) throw new Error('the test waits for something that never comes')
        await running
      },
      dispose: async () => undefined,
    }
  })
}

hostContract('memory net in real time', async () => {
  const plain = createNodeHost()
  const net = new MemoryNet({ nowMs: plain.clock.monotonicMs, random: plain.random })
  const temporary: string[] = []
  const files = {
    ...plain.files,
    async makeTemporaryDirectory(prefix: string) {
      const path = await plain.files.makeTemporaryDirectory(prefix)
      temporary.push(path)
      return path
    },
  }
  let addressCount = 0
  return {
    host: { ...plain, files, net: net.join('a', plain.timers) },
    freshAddress: async () => {
      addressCount += 1
      return `a:${addressCount}`
    },
    within: (body) => body(),
    dispose: async () => {
      for (const path of temporary) await plain.files.remove(path)
    },
  }
})
