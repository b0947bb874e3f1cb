/**
 * Reporter: counts results and closes a run with one plain line, `N passed, N failed` or `N passed, N failed,
 * N skipped`. Continuous integration reads that line; people read the reporter before it.
 */
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** How a run ended, as numbers. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The closing line of a tally. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  const base = `${passed} passed, ${failed} failed`
  return skipped === 0 ? base : `${base}, ${skipped} skipped`
}

/** The sum of several tallies. */
export function addTallies(...tallies: readonly Tally[]): Tally {
  let [passed, failed, skipped] = [0, 0, 0]
  for (const tally of tallies) {
    passed += tally.passed
    failed += tally.failed
    skipped += tally.skipped
  }
  return { passed, failed, skipped }
}

/**
 * Counts the tests of a run. A file that cannot be loaded and an error outside any test are failures as well.
 */
export function tallyOf(modules: readonly TestModule[], strayErrorCount: number): Tally {
  let [passed, failed, skipped] = [0, strayErrorCount, 0]
  for (const module of modules) {
    let failedHere = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') passed += 1
      else if (state === 'failed') failedHere += 1
      else skipped += 1
    }
    if (failedHere === 0 && module.state() === 'failed') failedHere = 1
    failed += failedHere
  }
  return { passed, failed, skipped }
}

/** Keeps the tally of the last run; prints its line only when `isLast`, for there may be more to come. */
export class ClosingLine implements Reporter {
  tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  private readonly isLast: boolean

  constructor(isLast = true) {
    this.isLast = isLast
  }

  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): void {
    this.tally = tallyOf(modules, strayErrors.length)
    // The run's other output is still being written; the process's end is the one moment after it.
    if (this.isLast) process.once('exit', () => process.stdout.write(`${closingLine(this.tally)}\n`))
  }
}
