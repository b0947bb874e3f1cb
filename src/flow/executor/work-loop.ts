/**
 * The turns of a worker's executors on its one event loop.
 *
 *   schedule(executor) ──▶ ready queue ──▶ step, step, step … ──▶ flush links ──▶ give the event loop back
 *
 * An executor's step is bounded by a count of tuples; a turn of the loop by time. The clock is read once a
 * step, not once a tuple: `nowMs` is that reading, exact to a step's length, and good enough for deadlines.
 *
 * Invariants
 *   W1  An executor stands in the ready queue at most once.
 *   W2  Every executor that can go on is in the queue, or is being stepped, or waits at a gate that will
 *       open.
 */
import { InvariantError } from '../../base/assert.ts'
import type { Host } from '../../host/host.ts'

/** How a step ended. */
export const Step = {
  /** Nothing left to do until somebody schedules it. */
  IDLE: 0,
  /** Its share of the turn is used up; there is more. */
  MORE: 1,
} as const

export interface Steppable {
  /** Stands in the ready queue. Owned by the loop. */
  isScheduled: boolean
  /** One bounded turn. Never throws but for a broken invariant. */
  step(limit: number): number
}

/** What is told at the end of each turn: links, which send what is batched. */
export interface TurnEnd {
  flush(): void
}

/** Tuples of a step. More make the clock cheaper, fewer make turns fairer. Measured: bench/flow.bench.ts. */
const STEP_LIMIT = 256
/** Longest time before the event loop gets its turn. */
const TURN_MS = 2
/** Direct calls a step may make, for each tuple of its limit. */
const DIRECT_CALLS_PER_TUPLE = 16
/**
 * The same where time stands still while code runs: a topology that always has work must not turn for ever.
 */
const TURN_ROUNDS_MAX = 1_024

export class WorkLoop {
  /** Monotonic milliseconds at the start of this step. */
  nowMs: number
  /**
   * Direct calls from one bolt to the next that this step may still make; then tuples go through inboxes. So
   * a tuple that becomes a million does not keep the loop until the last of them is done.
   */
  directLeft = 0
  busyMs = 0
  turnCount = 0
  /**
   * Share of its time that the event loop was at work between the last two calls of `measure`, 0 to 1: turns,
   * and all that is read and decoded outside of them. undefined: not measured yet.
   */
  busyShare: number | undefined = undefined
  /** Set by a test or the simulator to stop all work without ending: a hung worker. */
  isHung = false
  /**
   * Monotonic milliseconds from which on no turn may begin: the worker's right to work is over. A process
   * that stood still for long finds out here, before its executors run again.
   */
  endsAtMs = Number.POSITIVE_INFINITY
  private readonly host: Host
  private readonly onBroken: (error: unknown) => void
  private readonly onOverdue: () => void
  private readonly stepLimit: () => number
  private turnEnds: readonly TurnEnd[] = []
  private ready: Steppable[] = []
  private isArmed = false
  private isStopped = false
  private measuredMs: number
  private measuredBusyMs: number

  constructor(
    host: Host,
    options: {
      readonly onBroken: (error: unknown) => void
      /** A turn would have begun after `endsAtMs`. It did not. */
      readonly onOverdue?: () => void
      readonly stepLimit?: () => number
    },
  ) {
    this.host = host
    this.onBroken = options.onBroken
    this.onOverdue = options.onOverdue ?? (() => undefined)
    this.stepLimit = options.stepLimit ?? (() => STEP_LIMIT)
    this.nowMs = host.clock.monotonicMs()
    this.measuredMs = this.nowMs
    this.measuredBusyMs = host.loopBusyMs()
  }

  get isIdle(): boolean {
    return this.ready.length === 0
  }

  schedule(executor: Steppable): void {
    if (executor.isScheduled) return
    executor.isScheduled = true
    this.ready.push(executor)
    this.arm()
  }

  /**
   * `flush` is called after each turn, so that what was batched leaves when there is nothing better to do.
   */
  atTurnEnd(end: TurnEnd): void {
    this.turnEnds = [...this.turnEnds, end]
  }

  /** It is not told any more. */
  forgetTurnEnd(end: TurnEnd): void {
    this.turnEnds = this.turnEnds.filter((each) => each !== end)
  }

  /** Called about once a second. */
  measure(): void {
    const { clock } = this.host
    const nowMs = clock.monotonicMs()
    const busyMs = this.host.loopBusyMs()
    const spanMs = nowMs - this.measuredMs
    if (spanMs <= 0) return
    this.busyShare = Math.min(1, (busyMs - this.measuredBusyMs) / spanMs)
    this.measuredMs = nowMs
    this.measuredBusyMs = busyMs
  }

  stop(): void {
    this.isStopped = true
    this.ready = []
  }

  resume(): void {
    this.isHung = false
    // Also if no executor is ready: what was batched before the stop still waits to be flushed.
    this.arm()
  }

  /** Asks for a turn even if no executor is ready: something waits to be flushed. */
  arm(): void {
    if (this.isArmed || this.isStopped) return
    this.isArmed = true
    this.host.timers.defer(() => this.turn())
  }

  private turn(): void {
    this.isArmed = false
    if (this.isStopped || this.isHung) return
    const { clock } = this.host
    const startMs = clock.monotonicMs()
    if (startMs > this.endsAtMs) {
      this.onOverdue()
      return
    }
    this.nowMs = startMs
    this.turnCount += 1
    let rounds = 0
    try {
      do {
        rounds += 1
        const batch = this.ready
        this.ready = []
        this.stepAll(batch)
        if (this.isStopped) return
      } while (this.ready.length > 0 && this.nowMs - startMs < TURN_MS && rounds < TURN_ROUNDS_MAX)
      for (const end of this.turnEnds) end.flush()
    } catch (error) {
      this.onBroken(error)
      if (error instanceof InvariantError) throw error
    }
    this.busyMs += clock.monotonicMs() - startMs
    if (this.ready.length > 0) this.arm()
  }

  private stepAll(batch: readonly Steppable[]): void {
    const { clock } = this.host
    for (const executor of batch) {
      executor.isScheduled = false
      const limit = this.stepLimit()
      this.directLeft = limit * DIRECT_CALLS_PER_TUPLE
      const outcome = executor.step(limit)
      if (outcome === Step.MORE) this.schedule(executor)
      this.nowMs = clock.monotonicMs()
    }
  }
}
