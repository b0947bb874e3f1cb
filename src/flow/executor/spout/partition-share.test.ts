import { expect, test } from 'vitest'
import { taskOfPartition } from './partition-share.ts'

function loads(names: readonly string[], taskCount: number): number[] {
  const counts = Array.from({ length: taskCount }, () => 0)
  for (const name of names) {
    const task = taskOfPartition(name, taskCount)
    counts[task] = (counts[task] ?? 0) + 1
  }
  return counts
}

test.each([
  ['partitions of a topic', (n: number) => `clicks-${n}`],
  ['numbers', (n: number) => String(n)],
  ['files', (n: number) => `/logs/part-${String(n).padStart(5, '0')}.json`],
  ['names with numbers before', (n: number) => `eu-1/shard ${n}`],
])('%s are dealt in turn', (_what, nameOf) => {
  for (const taskCount of [1, 2, 3, 7, 16]) {
    const counts = loads(
      Array.from({ length: 50 }, (_, n) => nameOf(n)),
      taskCount,
    )
    expect(Math.max(...counts) - Math.min(...counts), `${taskCount} tasks`).toBeLessThanOrEqual(1)
  }
})

test('other names are spread by their hash, and every name has its task', () => {
  const names = Array.from({ length: 26 * 26 }, (_, n) =>
    String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26)),
  )
  for (const count of loads(names, 4)) expect(Math.abs(count - names.length / 4)).toBeLessThan(60)
  for (const name of ['', 'a', 'ä', '٣', '9'.repeat(400), 'x'.repeat(10_000), 'line\n7']) {
    const task = taskOfPartition(name, 5)
    expect(Number.isInteger(task) && task >= 0 && task < 5, name.slice(0, 20)).toBe(true)
  }
})

// Positions of a run are read by the tasks that these say, in every version.
test('the task of a name never changes', () => {
  const names = ['a', 'b', 'clicks-0', 'clicks-1', '/logs/2026-11-29.txt', 'book.txt']
  expect(names.map((name) => taskOfPartition(name, 1_000))).toMatchInlineSnapshot(`
    [
      850,
      435,
      786,
      787,
      779,
      33,
    ]
  `)
})
