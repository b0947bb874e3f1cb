// cluster.test.ts
import { LocalCluster } from 'typhoon/testing'
import { expect, test } from 'vitest'
import wordCount from './word-count.ts'

test('runs in a cluster in this process', async () => {
  await using cluster = await LocalCluster.start({ workers: 2 })
  await using topology = await cluster.submit(wordCount)
  await topology.finished()
  expect((await topology.status()).workers).toBe(2)
})
