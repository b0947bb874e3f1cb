import { expect, test } from 'vitest'
import { RootIndex } from './root-index.ts'
import { TreeRoot } from './tree-root.ts'

const root = (low: number, high: number) => new TreeRoot(low, high, 1, true, undefined)

test('roots that share the low half of their ids are told apart, taken out in any order', () => {
  const same = [root(1, 1), root(1, 2), root(1, -1)]
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]
  for (const order of orders) {
    const index = new RootIndex()
    for (const each of [...same, root(2, 1)]) index.add(each)
    const left = new Set(same)
    for (const n of order) {
      const gone = same[n]
      if (gone === undefined) continue
      expect(index.remove(gone)).toBe(true)
      expect(index.remove(gone)).toBe(false)
      left.delete(gone)
      for (const each of same)
        expect(index.find(each.idLow, each.idHigh)).toBe(left.has(each) ? each : undefined)
    }
    expect(index.count).toBe(1)
  }
})

test('clear takes all out, chained ones too', () => {
  const index = new RootIndex()
  const all = [root(1, 1), root(1, 2), root(3, 4)]
  for (const each of all) index.add(each)
  expect(index.clear()).toBe(3)
  expect(index.count).toBe(0)
  expect(all.map((each) => [each.isQueued, each.nextInIndex])).toEqual(all.map(() => [false, undefined]))
})
