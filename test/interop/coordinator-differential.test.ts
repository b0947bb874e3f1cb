// The ensemble in memory against a real one: the same random scripts, and all that can be seen of them must
// agree: results, error codes, facts of nodes, names of children, events of watches. More scripts, or three
// servers: node test/coordinate/differential-main.ts --scripts 5000 --servers 3
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences } from '../coordinate/differential-run.ts'
import { zooKeeperStage } from '../coordinate/differential-zookeeper.ts'
import {
  type RunningZooKeeper,
  START_TIMEOUT_MS,
  startZooKeeper,
  whyNoZooKeeper,
} from '../servers/zookeeper.ts'

describe.skipIf(whyNoZooKeeper() !== undefined)('memory and real ZooKeeper', () => {
  let running: RunningZooKeeper
  beforeAll(async () => {
    running = await startZooKeeper({ servers: 1 })
  }, 4 * START_TIMEOUT_MS)
  afterAll(() => running.stop())

  test('agree on 500 random scripts', async () => {
    const found = await differences({
      firstSeed: 1,
      scriptCount: 500,
      parallelCount: 16,
      otherStage: (seed) => zooKeeperStage(running, `/differential-${seed}`),
    })
    expect(found).toEqual([])
  })
})
