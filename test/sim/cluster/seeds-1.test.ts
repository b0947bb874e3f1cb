import { expect, test } from 'vitest'
import { runSet, SET_LIMIT_MS } from './pinned.ts'

test('clusters of seeds 1 to 50 break no invariant, and take every rare path', {
  timeout: SET_LIMIT_MS,
}, async () => {
  expect(await runSet(1)).toEqual({ violations: [], rareNotSeen: [] })
})
