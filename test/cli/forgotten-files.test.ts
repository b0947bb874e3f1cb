// Goal: what a cluster in memory left is cleared by the next one, and nothing that anybody could still want.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clearLeftOver, keepBlobs, markBlobs } from '../../src/cli/daemons/forgotten-files.ts'
import { createNodeHost } from '../../src/host/node-host.ts'

const host = createNodeHost()
let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'typhoon-forgotten-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function write(...parts: readonly string[]): Promise<void> {
  await host.files.makeDirectory(join(directory, ...parts.slice(0, -1)))
  await (await host.files.open(join(directory, ...parts), 'create')).close()
}

const files = async (): Promise<readonly string[]> => {
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  return found.flatMap((each) => (each.isFile() ? [each.name] : [])).sort()
}

test('blobs and bundles go, positions and logs stay', async () => {
  expect(await clearLeftOver({ host, directory })).toBe(true)
  await markBlobs({ host, directory })
  await write('nimbus', 'blobs', 'a')
  await write('node-2', 'blobs', 'b')
  await write('node-2', 'bundles', 'c.mjs')
  await write('node-2', 'workers', 'worker.log')
  await write('nimbus', 'nimbus.positions-0')
  await write('copy', 'blobs', 'copy.positions-0')
  expect(await clearLeftOver({ host, directory })).toBe(true)
  expect(await files()).toEqual(['copy.positions-0', 'in-memory', 'nimbus.positions-0', 'worker.log'])
})

test('F1: those of a Nimbus with a board that lasts stay', async () => {
  await write('nimbus', 'blobs', 'a')
  expect(await clearLeftOver({ host, directory })).toBe(false)
  expect(await files()).toEqual(['a'])
  await rm(join(directory, 'nimbus', 'blobs', 'a'))
  expect(await clearLeftOver({ host, directory })).toBe(true)
  await markBlobs({ host, directory })
  await keepBlobs({ host, directory })
  await write('nimbus', 'blobs', 'b')
  await clearLeftOver({ host, directory })
  expect(await files()).toEqual(['b'])
})
