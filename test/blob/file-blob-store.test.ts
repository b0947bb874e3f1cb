// The blob store on real files and on memory disks; and what only a disk with faults can show.
import { describe, expect, test } from 'vitest'
import { type BlobStore, digestText } from '../../src/blob/blob-store.ts'
import { FileBlobStore } from '../../src/blob/file-blob-store.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { blobStoreContract } from '../contract/blob-store.contract.ts'

blobStoreContract('blobs on real files', async () => {
  const host = createNodeHost()
  const directory = await host.files.makeTemporaryDirectory('blobs-')
  return {
    host,
    open: () => new FileBlobStore(host, directory),
    within: (body) => body(),
    dispose: () => host.files.remove(directory),
  }
})

for (const seed of [1, 2, 3]) {
  blobStoreContract(`blobs on a memory disk, seed ${seed}`, async () => {
    const world = new VirtualWorld({ seed })
    const host = world.host('a')
    return {
      host,
      open: () => new FileBlobStore(host, '/blobs'),
      within: (body) => within(world, body),
      dispose: async () => undefined,
    }
  })
}

async function within(world: VirtualWorld, body: () => Promise<void>): Promise<void> {
  let isOver = false
  const running = body().finally(() => {
    isOver = true
  })
  running.catch(() => undefined)
  await world.run({ while: () => !isOver })
  await running
}

describe('a disk with faults', () => {
  const text = (size: number) => new Uint8Array(size).fill(7)

  test('a full disk refuses the new blob, keeps the old ones, and takes it later', async () => {
    const world = new VirtualWorld({ seed: 4 })
    const host = world.host('a')
    const store: BlobStore = new FileBlobStore(host, '/blobs')
    const small = digestText(host.digest('sha256', text(100)))
    const large = digestText(host.digest('sha256', text(5_000)))
    await within(world, async () => {
      await store.put(small, text(100))
      world.disk('a').disk.capacityBytes = 3_000
      await expect(store.put(large, text(5_000))).rejects.toMatchObject({ code: 'DISK_FULL' })
      expect(await store.read(small, 0, 200)).toEqual(text(100))
      expect(await store.has(large)).toBe(false)
      // The half of it that was written does not take the room of others.
      const middle = digestText(host.digest('sha256', text(2_500)))
      await store.put(middle, text(2_500))
      world.disk('a').disk.capacityBytes = Number.POSITIVE_INFINITY
      await store.put(large, text(5_000))
      expect(await store.read(large, 4_999, 10)).toEqual(text(1))
    })
  })

  test('after a power cut in a put the blob is whole or missing, and earlier ones are there', async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = new VirtualWorld({ seed })
      const first = world.host('a')
      const store = new FileBlobStore(first, '/blobs')
      const old = digestText(first.digest('sha256', text(64)))
      const fresh = digestText(first.digest('sha256', text(300)))
      await within(world, () => store.put(old, text(64)))
      void store.put(fresh, text(300)).catch(() => undefined)
      let events = seed % 20
      await world.run({ while: () => events-- > 0 })
      world.crash('a', 'some')
      const host = world.host('a')
      const next = new FileBlobStore(host, '/blobs')
      await within(world, async () => {
        expect(await next.read(old, 0, 100), `seed ${seed}`).toEqual(text(64))
        if (await next.has(fresh)) expect(await next.read(fresh, 0, 400), `seed ${seed}`).toEqual(text(300))
        await next.put(fresh, text(300))
        expect(await next.read(fresh, 0, 400)).toEqual(text(300))
      })
    }
  })
})
