/**
 * One reader of a stream: picks the target tasks of each tuple. One file for each kind of grouping; the rules
 * are Storm's where Storm has the grouping (`storm.md` 1.4 in the references of the design).
 */
import type { Target } from './target.ts'

/** Answer of `choose`: the targets stand in `many`. */
export const MANY = -1

export abstract class Route {
  /** Component that reads. */
  readonly readerId: string
  /** Its tasks, ascending. */
  readonly targets: readonly Target[]
  /** Filled by `choose` when it answers MANY; valid until its next call. */
  many: readonly Target[] = []

  constructor(readerId: string, targets: readonly Target[]) {
    this.readerId = readerId
    this.targets = targets
  }

  /** HOT. Index of the target, or MANY. */
  abstract choose(values: object): number

  /** Called about once a second: loads may have changed. */
  refresh(): void {
    // Most groupings do not look at loads.
  }
}
