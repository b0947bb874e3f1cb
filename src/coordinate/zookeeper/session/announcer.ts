/**
 * Who is told of the session's state and of watches, and who waits for a connection.
 *
 * Everybody is told after the frame or timer that made the change has been dealt with, in the order of the
 * changes: listeners may call the coordinator, or close it, without getting between two halves of a change.
 */
import { type Deferred, deferred } from '../../../base/deferred.ts'
import type { Stoppable, Timers } from '../../../host/host.ts'
import type { SessionState } from '../../coordinator.ts'
import { relativePath } from '../node-path.ts'
import type { Telling } from './watch-table.ts'

type StateListener = (state: SessionState) => void

export class Announcer {
  private readonly timers: Timers
  private readonly root: string
  private readonly listeners = new Set<StateListener>()
  private readonly waiters = new Set<Deferred<void>>()
  private told: SessionState = 'connecting'
  private isSilent = false

  constructor(timers: Timers, root: string) {
    this.timers = timers
    this.root = root
  }

  onState(listener: StateListener): Stoppable {
    // The same function may listen twice.
    const own: StateListener = (state) => listener(state)
    this.listeners.add(own)
    return { stop: () => void this.listeners.delete(own) }
  }

  /** Until the next time the state is `connected`. @throws what `late` or `tellState` say */
  wait(timeoutMs: number, late: () => Error): Promise<void> {
    const waiter = deferred<void>()
    this.waiters.add(waiter)
    const timer = this.timers.after(timeoutMs, () => waiter.reject(late()))
    return waiter.promise.finally(() => {
      timer.stop()
      this.waiters.delete(waiter)
    })
  }

  /** Says it if it is news. `errorOfEnd`: for those that wait, if the state is final. */
  tellState(state: SessionState, errorOfEnd: () => Error): void {
    if (state === this.told) return
    this.told = state
    const isOver = state === 'expired' || state === 'closed'
    for (const waiter of this.waiters) {
      if (state === 'connected') waiter.resolve()
      else if (isOver) waiter.reject(errorOfEnd())
    }
    afterThis(() => {
      for (const listener of [...this.listeners]) if (this.listeners.has(listener)) listener(state)
    })
  }

  tellWatches(tellings: readonly Telling[]): void {
    for (const { entry, event } of tellings) {
      const path = relativePath(this.root, event.path)
      if (path === undefined) continue
      afterThis(() => {
        if (!entry.isStopped && !this.isSilent) entry.listener({ kind: event.kind, path })
      })
    }
  }

  /** Watches tell nothing more. */
  silence(): void {
    this.isSilent = true
  }
}

/** A throw of a listener is nobody's but the process's. */
function afterThis(callback: () => void): void {
  void Promise.resolve().then(callback)
}
