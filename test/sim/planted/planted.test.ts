import { expect, test } from 'vitest'
import { simulateSeed } from '../simulation.ts'
import { planted } from './bugs.ts'

/** Seeds in which every planted bug must show; the smoke test runs the same ones without any. */
const SEEDS = 60

test.each(planted)('found: $name', async ({ plant, told, scenario }) => {
  const undo = plant()
  try {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violations } = await simulateSeed(seed, scenario)
      // Found by the check that is about it, not by what follows from it in the end.
      if (violations.some((text) => told.test(text))) return
    }
  } finally {
    undo()
  }
  expect.unreachable(`no seed of ${SEEDS} has shown it`)
})
