// Goal: what a fresh seed has found once is not there again. Each line says what it was.
import { expect, test } from 'vitest'
import { simulateCluster } from './simulation.ts'

test.each([
  [198_582, 'whoever healed the cluster activated a topology while it was rebalanced, and never again'],
  [521_502, 'a deactivate from before all was healed did its work after it, and nobody activated again'],
  [500_143, 'a worker was drained while positions of the life before it were not stored'],
])('cluster seed %i: %s', async (seed) => {
  expect((await simulateCluster(seed)).violations).toEqual([])
})
