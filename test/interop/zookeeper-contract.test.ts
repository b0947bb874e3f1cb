// The contract of coordinators, kept by the client on real ZooKeeper: one server, and an ensemble of three.
import { afterAll, beforeAll, describe } from 'vitest'
import { coordinatorContract } from '../contract/coordinator.contract.ts'
import {
  type RunningZooKeeper,
  START_TIMEOUT_MS,
  startZooKeeper,
  whyNoZooKeeper,
} from '../servers/zookeeper.ts'
import { coordinatorWorld } from './zookeeper-world.ts'

describe.skipIf(whyNoZooKeeper() !== undefined)('real ZooKeeper', () => {
  for (const servers of [1, 3] as const) {
    describe(`ensemble of ${servers}`, () => {
      let running: RunningZooKeeper
      beforeAll(async () => {
        running = await startZooKeeper({ servers })
      }, 4 * START_TIMEOUT_MS)
      afterAll(() => running.stop())
      coordinatorContract('coordinator on ZooKeeper', () => coordinatorWorld(running), {
        hasFaults: true,
        sweptWithinMs: 10_000,
      })
    })
  }
})
