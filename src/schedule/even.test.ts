import { expect, test } from 'vitest'
import type { ExecutorPlan } from '../topology/expand.ts'
import { placeEvenly } from './even.ts'

function plan(counts: Readonly<Record<string, number>>): ExecutorPlan[] {
  const executors: ExecutorPlan[] = []
  for (const [componentId, count] of Object.entries(counts)) {
    for (let n = 0; n < count; n += 1) {
      executors.push({ executor: executors.length + 1, componentId, tasks: [executors.length + 1] })
    }
  }
  return executors
}

test('workers differ by one executor at most, in total and of each component', () => {
  for (const counts of [{ a: 1 }, { a: 3, b: 5, c: 1 }, { a: 8, b: 8 }, { a: 1, b: 1, c: 1, d: 1, e: 13 }]) {
    for (let workers = 1; workers <= 9; workers += 1) {
      const executors = plan(counts)
      const placement = placeEvenly(executors, workers)
      expect(placement.length).toBe(executors.length)
      const groups = [
        executors,
        ...Object.keys(counts).map((id) => executors.filter((each) => each.componentId === id)),
      ]
      for (const group of groups) {
        const loads = new Array<number>(workers).fill(0)
        for (const { executor } of group) {
          const worker = placement[executor - 1] ?? 0
          loads[worker - 1] = (loads[worker - 1] ?? 0) + 1
        }
        expect(loads.reduce((sum, load) => sum + load, 0)).toBe(group.length)
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(2)
      }
    }
  }
})

test('the same plan gives the same placement', () => {
  expect(placeEvenly(plan({ a: 2, b: 3 }), 2)).toEqual([1, 2, 1, 2, 1])
})
