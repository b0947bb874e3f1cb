// Method: distances against a plain recursive definition, then what "near enough" means.
import { describe, expect, test } from 'vitest'
import { editDistance, nearest } from './nearest.ts'

function slow(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length
  const changed = a.at(-1) === b.at(-1) ? 0 : 1
  const shorter = (text: string, by: number) => text.slice(0, text.length - by)
  let edits = Math.min(
    slow(shorter(a, 1), b) + 1,
    slow(a, shorter(b, 1)) + 1,
    slow(shorter(a, 1), shorter(b, 1)) + changed,
  )
  if (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)) {
    edits = Math.min(edits, slow(shorter(a, 2), shorter(b, 2)) + 1)
  }
  return edits
}

describe('edit distance', () => {
  const words: string[] = ['']
  for (let from = 0; from < words.length && words.length < 63; from += 1) {
    for (const letter of 'ab') words.push((words[from] ?? '') + letter)
  }

  test('is the definition, for all pairs of words of two letters up to length five', () => {
    const chosen = words.filter((_, index) => index % 2 === 0)
    for (const a of chosen) {
      for (const b of chosen) {
        const exact = slow(a, b)
        expect(editDistance(a, b, 99), `${a} ${b}`).toBe(exact)
        for (const limit of [0, 1, 2]) expect(editDistance(a, b, limit)).toBe(Math.min(exact, limit + 1))
      }
    }
  })
})

describe('nearest', () => {
  const keys = ['topology.workers', 'topology.acker.executors', 'topology.debug', 'sentence', 'word']

  test.each([
    ['topology.worker', 'topology.workers'],
    ['TOPOLOGY.DEBUG', 'topology.debug'],
    ['sentense', 'sentence'],
    ['wrod', 'word'],
    ['topology.debug', 'topology.debug'],
  ])('%s means %s', (name, wanted) => expect(nearest(name, keys)).toBe(wanted))

  test('what is far from all has no nearest', () => {
    expect(nearest('count', keys)).toBeUndefined()
    expect(nearest('', keys)).toBeUndefined()
    expect(nearest('x'.repeat(10_000), keys)).toBeUndefined()
    expect(nearest('word', [])).toBeUndefined()
  })

  test('of equally near ones the first is taken', () => {
    expect(nearest('cat', ['bat', 'rat'])).toBe('bat')
  })
})
