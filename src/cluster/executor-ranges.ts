/**
 * Executor numbers as text: `1-5,9`. A topology of 10,000 executors on even workers stays a few bytes a
 * worker, so an assignment stays far below what a record may hold.
 */
import { FormatError } from '../base/errors.ts'

const RANGES = /^(\d{1,6}(-\d{1,6})?)(,\d{1,6}(-\d{1,6})?)*$/

/** Numbers in any order, without repeats. */
export function formatRanges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b)
  const parts: string[] = []
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] ?? 0
    let end = at
    while (sorted[end + 1] === first + (end + 1 - at)) end += 1
    parts.push(end === at ? `${first}` : `${first}-${first + end - at}`)
    at = end + 1
  }
  return parts.join(',')
}

/**
 * Ascending. The empty text is no executors.
 * @throws FormatError RECORD_MALFORMED
 */
export function parseRanges(text: string): readonly number[] {
  if (text === '') return []
  if (!RANGES.test(text)) throw malformed(text)
  const numbers: number[] = []
  for (const part of text.split(',')) {
    const [from = 0, to = from] = part.split('-').map(Number)
    if (from < 1 || to < from || from <= (numbers.at(-1) ?? 0)) throw malformed(text)
    for (let number = from; number <= to; number += 1) numbers.push(number)
  }
  return numbers
}

function malformed(text: string): FormatError {
  return new FormatError('RECORD_MALFORMED', `'${text.slice(0, 100)}' are no executor ranges`)
}
