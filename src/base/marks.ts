/**
 * Coverage marks: a rare branch names itself, a test asserts that *it* was reached. A test of a race that no
 * longer reaches its race fails instead of passing for nothing.
 *
 *   in the code     mark('link: second dial while the first is open')
 *   in the test     await expectMark('link: second dial while the first is open', () => …)
 */
import { assert, InvariantError } from './assert.ts'

/** How often each mark was passed; undefined while nobody looks, so that a mark costs one comparison. */
let passed: Map<string, number> | undefined

/** Says that this place was reached. Not for hot loops. */
export function mark(name: string): void {
  if (passed !== undefined) passed.set(name, (passed.get(name) ?? 0) + 1)
}

/** Test support: runs `body` and throws if it did not pass the mark. Not nested, not two at a time. */
export async function expectMark<T>(name: string, body: () => T | Promise<T>): Promise<T> {
  const { result, marks } = await collectMarks(body)
  if (!marks.has(name)) {
    const others = [...marks.keys()].sort().join(', ') || 'none'
    throw new InvariantError(`mark "${name}" was not passed; passed: ${others}`)
  }
  return result
}

/** Test support: runs `body` and tells which marks it passed how often. */
export async function collectMarks<T>(
  body: () => T | Promise<T>,
): Promise<{ readonly result: T; readonly marks: ReadonlyMap<string, number> }> {
  assert(passed === undefined, 'marks are collected once at a time')
  const marks = new Map<string, number>()
  passed = marks
  try {
    return { result: await body(), marks }
  } finally {
    passed = undefined
  }
}
