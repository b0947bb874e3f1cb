// The real network reads into buffers of its own on both sides, gives them back, and writes of a turn leave
// together. If a version of Node takes that away, it shall be seen here.
import { expect, test } from 'vitest'
import type { Connection } from '../../src/host/host.ts'
import { nodeNet } from '../../src/host/node-net.ts'
import { spareReadBufferCount } from '../../src/host/node-read-buffers.ts'
import { freePorts } from '../servers/free-ports.ts'

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error('it never came')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test('both sides read into one array again and again, and give it back', async () => {
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const arrays = { dialled: new Set<ArrayBufferLike>(), accepted: new Set<ArrayBufferLike>() }
  const counts = { dialled: 0, accepted: 0 }
  let accepted: Connection | undefined
  const open = await nodeNet.listen(address, (connection) => {
    accepted = connection
    connection.onBytes = (bytes) => {
      arrays.accepted.add(bytes.buffer)
      counts.accepted += bytes.length
      connection.write(new Uint8Array(bytes))
    }
  })
  let isOpen = false
  const dialled = nodeNet.connect(address, () => {
    isOpen = true
  })
  dialled.onBytes = (bytes) => {
    arrays.dialled.add(bytes.buffer)
    counts.dialled += bytes.length
  }
  await until(() => isOpen && accepted !== undefined)
  for (let round = 1; round <= 20; round += 1) {
    dialled.write(new Uint8Array(1_000))
    await until(() => counts.dialled === round * 1_000)
  }
  expect([arrays.dialled.size, arrays.accepted.size]).toEqual([1, 1])
  const [own] = arrays.accepted
  expect(own?.byteLength).toBe(64 * 1024)
  const before = spareReadBufferCount()
  let isClosed = false
  if (accepted !== undefined) {
    accepted.onClose = () => {
      isClosed = true
    }
  }
  dialled.close()
  await until(() => isClosed && spareReadBufferCount() === before + 2)
  open.stop()
})

test('writes of a turn arrive as one, also if the connection is closed in that turn', async () => {
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const pieces: number[] = []
  const open = await nodeNet.listen(address, (connection) => {
    connection.onBytes = (bytes) => pieces.push(bytes.length)
  })
  let isOpen = false
  const dialled = nodeNet.connect(address, () => {
    isOpen = true
  })
  await until(() => isOpen)
  for (let n = 0; n < 50; n += 1) dialled.write(new Uint8Array(100))
  await until(() => pieces.length > 0)
  expect(pieces).toEqual([5_000])
  for (let n = 0; n < 3; n += 1) dialled.write(new Uint8Array(100))
  dialled.close()
  await until(() => pieces.length > 1)
  expect(pieces).toEqual([5_000, 300])
  open.stop()
})
