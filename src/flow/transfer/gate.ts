/**
 * A gate closes when what lies behind it is full. Executors that ran into it wait there and are scheduled
 * again when it opens: that is backpressure, and as every waiting executor fills its own inbox in turn, it
 * reaches the spout.
 */

/** What waits at a gate. */
export interface Waiter {
  onGateOpened(): void
}

export abstract class Gate {
  private waiters: Waiter[] = []

  /** False while whoever feeds this should hold on. */
  abstract isOpen(): boolean

  addWaiter(waiter: Waiter): void {
    this.waiters.push(waiter)
  }

  /** Called by the gate's owner when there is room again. */
  protected open(): void {
    if (this.waiters.length === 0) return
    const waiters = this.waiters
    this.waiters = []
    for (const waiter of waiters) waiter.onGateOpened()
  }
}
