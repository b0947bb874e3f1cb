/**
 * The turns of a program that can die and stand still, in real time: whatever calls it from outside goes
 * through here.
 *
 *   timer, I/O ──▶ enter ──┬─ lives ────────▶ called at once
 *                          ├─ stands still ─▶ waits ── goes on ──▶ called, one by one, in its order
 *                          └─ dead ─────────▶ never called
 *
 * Invariants
 *   V1  after its death nothing is called any more, and nothing that it held is left
 *   V2  what becomes ready while it stands still runs afterwards, in its order
 *   V3  what was stopped is not called, though it was waiting for its turn already
 */
import type { Stoppable, Timers } from '../../host/host.ts'

/** Something that the death of its program stops. */
export interface Held extends Stoppable {
  /** It has come to its end by itself. */
  letGo(): void
}

export class MortalTurns {
  readonly timers: Timers
  private readonly base: Timers
  private readonly held = new Set<Stoppable>()
  private waiting: (() => void)[] = []
  private isOver = false
  private isPaused = false

  /** @param base they go on, whatever becomes of the program */
  constructor(base: Timers) {
    this.base = base
    this.timers = {
      after: (delayMs, callback) => this.after(delayMs, callback),
      every: (periodMs, callback) => this.every(periodMs, callback),
      defer: (callback) => base.defer(() => this.enter(callback)),
    }
  }

  get isDead(): boolean {
    return this.isOver
  }

  die(): void {
    this.isOver = true
    this.waiting = []
    for (const each of this.held) each.stop()
    this.held.clear()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.base.defer(() => this.catchUp())
  }

  /** Everything that comes in from outside. */
  readonly enter = (call: () => void): void => {
    if (this.isOver) return
    if (this.isPaused || this.waiting.length > 0) this.waiting.push(call)
    else call()
  }

  /** What was asked for while it lived is not told to the dead. */
  through<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.enter(() => resolve(value)),
        (error: unknown) => this.enter(() => reject(error)),
      )
    })
  }

  holds(thing: Stoppable): Held {
    if (this.isOver) thing.stop()
    else this.held.add(thing)
    const letGo = () => void this.held.delete(thing)
    return {
      letGo,
      stop: () => {
        letGo()
        thing.stop()
      },
    }
  }

  /** Something of the program that calls it, until it is stopped. */
  calling(start: (call: (callback: () => void) => void) => Stoppable): Stoppable {
    let isStopped = false
    const call = (callback: () => void) =>
      this.enter(() => {
        if (!isStopped) callback()
      })
    const held = this.holds(start(call))
    return {
      stop: () => {
        isStopped = true
        held.stop()
      },
    }
  }

  private after(delayMs: number, callback: () => void): Stoppable {
    const own = this.calling((call) =>
      this.base.after(delayMs, () =>
        call(() => {
          own.stop()
          callback()
        }),
      ),
    )
    return own
  }

  private every(periodMs: number, callback: () => void): Stoppable {
    let isWaiting = false
    return this.calling((call) =>
      this.base.every(periodMs, () => {
        // Of the turns that it missed it makes up for one.
        if (isWaiting) return
        isWaiting = true
        call(() => {
          isWaiting = false
          callback()
        })
      }),
    )
  }

  /** One after the other, each in a turn of its own; what comes meanwhile goes behind. */
  private catchUp(): void {
    if (this.isPaused) return
    const call = this.waiting[0]
    if (call === undefined) return
    this.base.defer(() => this.catchUp())
    try {
      call()
    } finally {
      // Also if it threw: whoever made it hears of that once.
      this.waiting.shift()
    }
  }
}
