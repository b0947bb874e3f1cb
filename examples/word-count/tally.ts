/**
 * What the topology found out: each word with its latest count. Lives in this process, outside of all tasks.
 */
export class Tally {
  /** All words together: the sum of all counts. */
  wordsCount = 0
  private readonly counts = new Map<string, number>()

  get distinctCount(): number {
    return this.counts.size
  }

  /** Counts only grow, so a count that comes twice, or late, changes nothing. */
  note(word: string, count: number): void {
    const before = this.counts.get(word) ?? 0
    if (count <= before) return
    this.counts.set(word, count)
    this.wordsCount += count - before
  }

  /** The most frequent words; equal counts in alphabetical order. */
  top(rankMax: number): [word: string, count: number][] {
    const byCount = [...this.counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    return byCount.slice(0, rankMax)
  }
}
