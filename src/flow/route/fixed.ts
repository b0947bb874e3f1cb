/**
 * Groupings that do not look at values: to the lowest task, to all of them; and those where somebody else
 * chooses.
 */
import { UsageError } from '../../base/errors.ts'
import { MANY, Route } from './route.ts'
import type { Target } from './target.ts'

/** To the task with the lowest number. */
export class GlobalRoute extends Route {
  /** HOT. */
  choose(): number {
    return 0
  }
}

/** Every tuple to every task. */
export class AllRoute extends Route {
  constructor(readerId: string, targets: readonly Target[]) {
    super(readerId, targets)
    this.many = targets
  }

  /** HOT. */
  choose(): number {
    return MANY
  }
}

/** The emitter names the task, so emits by stream reach nobody here; see `StreamOutput.emitDirect`. */
export class DirectRoute extends Route {
  private readonly nobody: readonly Target[] = []

  choose(): number {
    this.many = this.nobody
    return MANY
  }

  targetOf(task: number): Target | undefined {
    return this.targets.find((target) => target.task === task)
  }
}

/** What a user's grouping made. */
type Chooser = (values: Readonly<Record<string, unknown>>) => number | readonly number[]

/** A user's function chooses. */
export class CustomRoute extends Route {
  private readonly chooser: Chooser
  private readonly byTask = new Map<number, number>()

  constructor(readerId: string, targets: readonly Target[], chooser: Chooser) {
    super(readerId, targets)
    this.chooser = chooser
    for (const [index, target] of targets.entries()) this.byTask.set(target.task, index)
  }

  /** @throws UsageError TASK_UNKNOWN */
  choose(values: Readonly<Record<string, unknown>>): number {
    const chosen = this.chooser(values)
    if (typeof chosen === 'number') return this.indexOf(chosen)
    if (!Array.isArray(chosen)) throw this.unknown(chosen)
    const many: Target[] = []
    for (const task of chosen) {
      const target = this.targets[this.indexOf(task)]
      if (target !== undefined) many.push(target)
    }
    this.many = many
    return MANY
  }

  private indexOf(task: number): number {
    const index = this.byTask.get(task)
    if (index === undefined) throw this.unknown(task)
    return index
  }

  private unknown(found: unknown): UsageError {
    const tasks = this.targets.map((target) => target.task).join(', ')
    return new UsageError(
      'TASK_UNKNOWN',
      `the custom grouping of ${this.readerId} chose ${String(found)}, its tasks are ${tasks}`,
      { component: this.readerId, tasks },
    )
  }
}
