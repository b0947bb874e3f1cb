import { expect, test } from 'vitest'
import { runSet, SET_LIMIT_MS } from './pinned.ts'

test('clusters of seeds 51 to 100 break no invariant, and take every rare path', {
  timeout: SET_LIMIT_MS,
}, async () => {
  expect(await runSet(51)).toEqual({ violations: [], rareNotSeen: [] })
})
