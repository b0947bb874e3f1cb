/**
 * A word count written by hand, with no engine at all: split, choose one of two maps by the word's hash,
 * count. The least that has to be done; no acks, no queues, no bounds.
 */
import { bucketOf, hashText } from '../../src/base/hash.ts'
import type { DrivenWorkload } from '../measure.ts'

const SHARDS = 2
const LINES_A_TURN = 2_000

export function plainWordCount(lines: readonly string[]): DrivenWorkload {
  const shards = Array.from({ length: SHARDS }, () => new Map<string, number>())
  let wordCount = 0
  let at = 0
  let emitted: { readonly word: string; readonly count: number } | undefined

  const count = (word: string): void => {
    const counts = shards[bucketOf(hashText(word), SHARDS)]
    if (counts === undefined) return
    const now = (counts.get(word) ?? 0) + 1
    counts.set(word, now)
    wordCount += 1
    // The result that a bolt would emit; nobody reads it there either.
    emitted = { word, count: now }
  }

  const split = (line: string): void => {
    let from = 0
    for (let to = line.indexOf(' '); to >= 0; to = line.indexOf(' ', from)) {
      if (to > from) count(line.slice(from, to))
      from = to + 1
    }
    if (from < line.length) count(line.slice(from))
  }

  return {
    unit: 'words',
    count: () => (emitted === undefined ? 0 : wordCount),
    turn() {
      for (let i = 0; i < LINES_A_TURN; i += 1) {
        split(lines[at] ?? '')
        at = at + 1 === lines.length ? 0 : at + 1
      }
    },
  }
}
