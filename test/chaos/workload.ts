/** What the checked word count and its checker both know: numbers of words, and when lines are due. */

export const PARTITIONS: readonly string[] = ['even', 'odd']
/** More words than any line of the text has. */
export const WORDS_MAX = 64

export function numberOf(line: number, place: number): number {
  return line * WORDS_MAX + place
}

export function wordsOf(text: string): readonly string[] {
  return (text.toLowerCase().match(/[a-z']+/g) ?? []).slice(0, WORDS_MAX)
}

/** When a line is emitted for the first time, if nothing is in the way. */
export function lineDueMs(startMs: number, linesPerSecond: number, line: number): number {
  return startMs + (line * 1_000) / linesPerSecond
}
