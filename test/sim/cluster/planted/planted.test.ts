import { expect, test } from 'vitest'
import { simulateCluster } from '../simulation.ts'
import { plantedInCluster } from './bugs.ts'

/** Seeds in which every planted bug must show; the seeds test runs the same ones without any. */
const SEEDS = 40

test.each(plantedInCluster)('found: $name', async ({ plant, told, options }) => {
  const undo = plant()
  try {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violations } = await simulateCluster(seed, options)
      // Found by the check that is about it, not by what follows from it in the end.
      if (violations.some((text) => told.test(text))) return
    }
  } finally {
    undo()
  }
  expect.unreachable(`no seed of ${SEEDS} has shown it`)
})
