/**
 * Equal numbers of senders and readers in one worker: each sender has a reader of its own, called directly.
 */
import { Route } from './route.ts'
import type { Target } from './target.ts'

export class ForwardRoute extends Route {
  private readonly index: number

  constructor(readerId: string, targets: readonly Target[], index: number) {
    super(readerId, targets)
    this.index = index
  }

  /** HOT. */
  choose(): number {
    return this.index
  }
}
