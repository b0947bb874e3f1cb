import { expect, test } from 'vitest'
import { runSet, SET_LIMIT_MS } from './pinned.ts'

test('clusters of seeds 151 to 200 break no invariant, and take every rare path', {
  timeout: SET_LIMIT_MS,
}, async () => {
  expect(await runSet(151)).toEqual({ violations: [], rareNotSeen: [] })
})
