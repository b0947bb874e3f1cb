/**
 * The nearest of some names, for "did you mean". Distance counts inserted, deleted, changed and swapped
 * neighbouring letters (Damerau-Levenshtein, optimal string alignment), without regard to case.
 */

/** Names longer than this are not compared: they come from outside and cost time by the square. */
const NAME_LENGTH_MAX = 128

/**
 * The candidate that is nearest to `name`, or undefined if none is within a third of its length (at least 1,
 * at most 5 edits). Of equally near ones the first. Exact matches count as nearest, too.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length === 0 || name.length > NAME_LENGTH_MAX) return undefined
  const wanted = name.toLowerCase()
  let best: string | undefined
  // One more than what is allowed, so that "less than best" is the whole condition.
  let bestEdits = Math.min(5, Math.max(1, Math.floor(name.length / 3))) + 1
  for (const candidate of candidates) {
    if (candidate.length > NAME_LENGTH_MAX) continue
    const edits = editDistance(wanted, candidate.toLowerCase(), bestEdits - 1)
    if (edits >= bestEdits) continue
    best = candidate
    bestEdits = edits
    if (edits === 0) break
  }
  return best
}

/** Edits from `a` to `b`; `limit + 1` if there are more than `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    let rowMin = row
    for (let column = 1; column <= b.length; column += 1) {
      const edits = cell(a, b, row, column, { current, last, beforeLast })
      current.push(edits)
      if (edits < rowMin) rowMin = edits
    }
    // A swap reaches back two rows, so one hopeless row alone may still be stepped over by it.
    if (rowMin > limit && Math.min(...last) > limit) return limit + 1
    beforeLast = last
    last = current
  }
  return Math.min(last[b.length] ?? 0, limit + 1)
}

interface Rows {
  readonly current: readonly number[]
  readonly last: readonly number[]
  readonly beforeLast: readonly number[]
}

function cell(a: string, b: string, row: number, column: number, rows: Rows): number {
  const changed = a[row - 1] === b[column - 1] ? 0 : 1
  let edits = Math.min(
    at(rows.last, column) + 1,
    at(rows.current, column - 1) + 1,
    at(rows.last, column - 1) + changed,
  )
  const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
  if (swapped) edits = Math.min(edits, at(rows.beforeLast, column - 2) + 1)
  return edits
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] ?? Number.POSITIVE_INFINITY
}
