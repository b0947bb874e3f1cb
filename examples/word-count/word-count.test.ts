// Goal: the word count is right, in the test kit and over the whole book, and the demo says what it found.
// Method: the book is counted once more by a plain loop; the demo and the command run as processes of their
// own.
import { readFileSync } from 'node:fs'
import { completeTopology, mockSource } from 'typhoon/testing'
import { describe, expect, test } from 'vitest'
import { expectedOf, runExample, runFile } from '../run-example.ts'
import { Tally } from './tally.ts'
import { bookPath, wordCountInto } from './topology.ts'

/** The same question, asked of the file without an engine. */
function countPlainly(text: string) {
  const counts = new Map<string, number>()
  let words = 0
  for (const word of text.toLowerCase().match(/[a-z']+/g) ?? []) {
    counts.set(word, (counts.get(word) ?? 0) + 1)
    words += 1
  }
  const top = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 20)
  return { words, distinct: counts.size, top }
}

const book = readFileSync(bookPath, 'utf8')

test('counts words in lower case', async () => {
  await using run = await completeTopology(wordCountInto(new Tally()), {
    sources: (handles) => [
      mockSource(handles.lines, [{ value: "The cow's moon, the Moon." }, { value: '' }]),
    ],
  })
  const counts = run.read((handles) => handles.counts)
  expect(counts).toHaveLength(5)
  expect(counts).toContainEqual({ word: 'the', count: 2 })
  expect(counts).toContainEqual({ word: "cow's", count: 1 })
  expect(counts).toContainEqual({ word: 'moon', count: 2 })
  expect(run.acked).toBe(2)
})

test('a tally takes each count once, in whatever order they come', () => {
  const tally = new Tally()
  for (const count of [1, 3, 2, 3]) tally.note('b', count)
  for (const count of [1, 2, 3]) tally.note('a', count)
  tally.note('c', 4)
  expect(tally.top(2)).toEqual([
    ['c', 4],
    ['a', 3],
  ])
  expect([tally.wordsCount, tally.distinctCount]).toEqual([10, 3])
})

describe('over the whole book', () => {
  const plain = countPlainly(book)

  test('npm run demo -- --json finds what a plain loop finds', () => {
    const { status, stdout, stderr } = runFile('examples/word-count/demo.ts', '--json')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.endsWith('}\n') && stdout.indexOf('\n') === stdout.length - 1).toBe(true)
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({ ...plain, text: bookPath, failed: 0, replayed: 0 })
    const linesCount = book.split('\n').length - 1
    expect(found).toMatchObject({ sentences: linesCount, acked: linesCount })
    expect(found.seconds).toBeGreaterThan(0)
  })

  test('npm run demo shows progress, the most frequent words and the totals', () => {
    const { status, stdout, stderr } = runFile('examples/word-count/demo.ts')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ +100 % +214,403 words +\d+ k\/s +acked +21,424 +failed 0 +[\d.]+ s$/m)
    for (const [index, [word, count]] of plain.top.entries()) {
      const row = new RegExp(`^ +${index + 1} +${word} +${count.toLocaleString('en-US')} `, 'm')
      expect(stdout).toMatch(row)
    }
    expect(stdout).toContain('214,403 words, 16,683 different')
    expect(stdout).not.toContain('\u001b')
  })

  test('npm run demo refuses what it does not know', () => {
    const { status, stdout, stderr } = runFile('examples/word-count/demo.ts', '--jsonn')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('--jsonn')
  })

  test('typhoon run prints the 20 most frequent words', () => {
    const { status, stdout } = runExample('word-count')
    expect(stdout).toBe(expectedOf('word-count'))
    expect(status).toBe(0)
  })
})
