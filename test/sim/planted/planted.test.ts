import { expect, test } from 'vitest'
import { simulateSeed } from '../simulation.ts'
import { planted } from './bugs.ts'

/** Seeds in which every planted bug must show; the smoke test runs the same ones without any. */
const SEEDS = 60

test.each(planted)('found: $name', async ({ plant, told }) => {
  const undo = plant()
  try {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violations } = await simulateSeed(seed)
      if (violations.length === 0) continue
      expect(violations.join('\n')).toMatch(told)
      return
    }
  } finally {
    undo()
  }
  expect.unreachable(`no seed of ${SEEDS} has shown it`)
})
