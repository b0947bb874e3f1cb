import { expect, test } from 'vitest'
import { Pending } from './pending.ts'
import { TreeRoot } from './tree-root.ts'

const root = (id: number) => new TreeRoot(id, id, 1, true, undefined)
const idsOf = (pending: Pending) => pending.select(() => true).map((each) => each.idLow)

test('roots fall due in the order of their deadlines, and a renewed one goes to the end', () => {
  const pending = new Pending()
  const [a, b, c] = [root(1), root(2), root(3)]
  pending.add(a, 100)
  pending.add(b, 200)
  pending.add(c, 300)
  pending.renew(a, 400)
  expect(idsOf(pending)).toEqual([2, 3, 1])
  expect(pending.due(199)).toBeUndefined()
  expect(pending.due(200)).toBe(b)
  pending.remove(b)
  expect(pending.due(300)).toBe(c)
  expect(b.deadlineMs).toBe(0)
})

test('any root can be taken out, at the ends and in the middle, and the list stays whole', () => {
  for (const gone of [[2], [1], [3], [1, 2], [2, 3], [1, 3], [3, 1, 2], [2, 1, 3]]) {
    const pending = new Pending()
    const roots = [root(1), root(2), root(3)]
    for (const each of roots) pending.add(each, 50)
    for (const id of gone) pending.remove(roots[id - 1] ?? root(0))
    const left = [1, 2, 3].filter((id) => !gone.includes(id))
    expect(idsOf(pending)).toEqual(left)
    expect(pending.count).toBe(left.length)
    pending.add(root(9), 60)
    expect(idsOf(pending)).toEqual([...left, 9])
  }
})

test('select takes those that are meant, oldest first', () => {
  const pending = new Pending()
  for (const id of [1, 2, 3, 4]) pending.add(root(id), id)
  expect(pending.select((each) => each.idLow % 2 === 0).map((each) => each.idLow)).toEqual([2, 4])
})
