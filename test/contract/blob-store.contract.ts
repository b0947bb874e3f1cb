// What every blob store promises, on whichever disk. A test that is about the disk itself reaches into it
// through the world that was made for it.
import { describe, expect, test } from 'vitest'
import { type BlobStore, digestText } from '../../src/blob/blob-store.ts'
import type { Host } from '../../src/host/host.ts'

export interface BlobStoreUnderTest {
  readonly host: Host
  /** A store over the same directory, as a new life sees it. */
  open(): BlobStore
  within(body: () => Promise<void>): Promise<void>
  dispose(): Promise<void>
}

const bytesOf = (text: string) => new TextEncoder().encode(text)

type Inside = (title: string, body: (made: BlobStoreUnderTest, store: BlobStore) => Promise<void>) => void

const digestOf = ({ host }: BlobStoreUnderTest, text: string) =>
  digestText(host.digest('sha256', bytesOf(text)))

export function blobStoreContract(name: string, make: () => Promise<BlobStoreUnderTest>): void {
  const inside: Inside = (title, body) => {
    test(title, async () => {
      const made = await make()
      try {
        await made.within(() => body(made, made.open()))
      } finally {
        await made.dispose()
      }
    })
  }
  describe(name, () => {
    contentsContract(inside)
    lossContract(inside)
  })
}

function contentsContract(inside: Inside): void {
  inside('what was put is read, whole and in pieces, also in the next life', async (made, store) => {
    const digest = digestOf(made, 'abcdefgh')
    await store.put(digest, bytesOf('abcdefgh'))
    for (const each of [store, made.open()]) {
      expect(await each.has(digest)).toBe(true)
      expect(await each.sizeOf(digest)).toBe(8)
      expect(await each.read(digest, 0, 100)).toEqual(bytesOf('abcdefgh'))
      expect(await each.read(digest, 3, 2)).toEqual(bytesOf('de'))
      expect(await each.read(digest, 7, 5)).toEqual(bytesOf('h'))
      expect(await each.read(digest, 8, 5)).toEqual(bytesOf(''))
      expect(await each.read(digest, 80, 5)).toEqual(bytesOf(''))
    }
    expect((await store.list()).map((blob) => [blob.digest, blob.sizeBytes])).toEqual([[digest, 8]])
  })

  inside('bytes with another digest are refused, and nothing of them is kept', async (made, store) => {
    const digest = digestOf(made, 'right')
    await expect(store.put(digest, bytesOf('wrong'))).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
    expect(await store.has(digest)).toBe(false)
    expect(await store.list()).toEqual([])
    await expect(store.read(digest, 0, 1)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    await expect(store.sizeOf(digest)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
  })

  inside('names that are no digests never reach the disk', async (_, store) => {
    const names = ['', '..', '../../etc/passwd', 'a'.repeat(63), 'A'.repeat(64), `${'a'.repeat(64)}/x`, '\0']
    for (const name of names) {
      await expect(store.put(name, bytesOf('x'))).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
      await expect(store.has(name)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
      await expect(store.read(name, 0, 1)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
      await expect(store.remove(name)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
      expect(() => store.path(name)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
    }
  })

  inside('putting again changes nothing, side by side as well', async (made, store) => {
    const digest = digestOf(made, 'twice')
    await Promise.all([1, 2, 3].map(() => store.put(digest, bytesOf('twice'))))
    await store.put(digest, bytesOf('twice'))
    expect(await store.read(digest, 0, 10)).toEqual(bytesOf('twice'))
    expect(await store.list()).toHaveLength(1)
  })
}

function lossContract(inside: Inside): void {
  inside('a file is taken over, and is gone where it was', async (made, store) => {
    const { files } = made.host
    const directory = await files.makeTemporaryDirectory('blob-source-')
    const digest = digestOf(made, 'from a file')
    for (const round of ['first', 'again']) {
      const path = files.resolve(directory, round)
      const file = await files.open(path, 'create')
      await file.write(bytesOf('from a file'), 0)
      await file.close()
      await store.put(digest, { file: path })
      expect(await files.stat(path)).toBeUndefined()
    }
    expect(await store.read(digest, 0, 100)).toEqual(bytesOf('from a file'))
    await files.remove(directory)
  })

  inside('what was removed is missing; removing it again is no error', async (made, store) => {
    const digest = digestOf(made, 'short life')
    await store.put(digest, bytesOf('short life'))
    await store.remove(digest)
    await store.remove(digest)
    expect(await store.has(digest)).toBe(false)
    expect(await store.list()).toEqual([])
  })

  inside('a damaged blob is missing in the next life, and can be put again', async (made, store) => {
    const digest = digestOf(made, 'to be damaged')
    await store.put(digest, bytesOf('to be damaged'))
    const file = await made.host.files.open(store.path(digest), 'write')
    await file.write(bytesOf('X'), 4)
    await file.close()
    const next = made.open()
    await expect(next.read(digest, 0, 100)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    expect(await made.host.files.stat(store.path(digest))).toBeUndefined()
    await next.put(digest, bytesOf('to be damaged'))
    expect(await next.read(digest, 0, 100)).toEqual(bytesOf('to be damaged'))
  })

  inside('files that are no blobs are not listed, nor is what a put left behind', async (made, store) => {
    const digest = digestOf(made, 'one')
    await store.put(digest, bytesOf('one'))
    const { files } = made.host
    const stray = await files.open(files.resolve(store.path(digest), '..', 'README'), 'create')
    await stray.close()
    const left = await files.open(files.resolve(store.path(digest), '..', 'incoming', '77'), 'create')
    await left.close()
    const next = made.open()
    expect((await next.list()).map((blob) => blob.digest)).toEqual([digest])
    const other = digestOf(made, 'two')
    await next.put(other, bytesOf('two'))
    expect(await files.stat(files.resolve(store.path(digest), '..', 'incoming', '77'))).toBeUndefined()
  })
}
