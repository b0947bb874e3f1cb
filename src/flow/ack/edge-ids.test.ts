import { expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { EdgeIds } from './edge-ids.ts'

test('ids do not repeat over several blocks', () => {
  const ids = new EdgeIds(new SeededRandom(1))
  const seen = new Set<string>()
  for (let n = 0; n < 20_000; n += 1) {
    ids.take()
    seen.add(`${ids.low}/${ids.high}`)
  }
  expect(seen.size).toBe(20_000)
})

test('an id is never zero, even if the random bits are', () => {
  const ids = new EdgeIds({
    next: () => 0,
    fill: (target) => target.fill(0),
    split: () => new SeededRandom(1),
  })
  ids.take()
  expect(ids.low | ids.high).not.toBe(0)
})
