/**
 * The executor of one or more tasks of a bolt: takes tuples from its inbox, in bounded steps.
 *
 *   offer ─▶ chained and nothing before it? ─▶ run at once
 *         ╲▶ inbox ─▶ step ─▶ task.run
 *
 * Ticks, timers and other control calls come first: they are kept apart from the inbox, at most one tick a
 * task waits.
 *
 * Invariants
 *   E1  A tuple runs only while no gate is closed for this executor and no task of it is full; so what one
 *       call emits
 *       is all by which an outbox can exceed its bound.
 *   E2  Tuples of one feeder run in the order they were offered: a chained one never overtakes those in the
 *       inbox.
 */
import { assert } from '../../../base/assert.ts'
import type { Emitter, Receiver } from '../../route/target.ts'
import type { Gate } from '../../transfer/gate.ts'
import { Inbox } from '../inbox.ts'
import type { EngineTuple } from '../tuple.ts'
import { Step, type Steppable, type WorkLoop } from '../work-loop.ts'
import type { BoltTask, TaskHome } from './bolt-task.ts'

export class BoltExecutor implements Steppable, Receiver, Emitter, TaskHome {
  readonly componentId: string
  readonly inbox: Inbox
  isScheduled = false
  private waitedMs = 0
  private readonly loop: WorkLoop
  private tasks: readonly BoltTask[] = []
  private firstTask = 0
  private only: BoltTask | undefined = undefined
  private blockedOn: Gate | undefined = undefined
  private blockedSinceMs = 0
  private isRunning = false
  private isStarted = false
  private isClosed = false
  private control: Array<() => void> = []

  constructor(componentId: string, inboxCapacity: number, loop: WorkLoop) {
    this.componentId = componentId
    this.inbox = new Inbox(inboxCapacity)
    this.loop = loop
  }

  /** Tasks ascend without gaps: an executor has a block of them. */
  setTasks(tasks: readonly BoltTask[]): void {
    const [first] = tasks
    assert(first !== undefined, 'an executor has a task')
    this.tasks = tasks
    this.firstTask = first.self.task
    this.only = tasks.length === 1 ? first : undefined
  }

  get allTasks(): readonly BoltTask[] {
    return this.tasks
  }

  /** All tasks are prepared: tuples may run. */
  start(): void {
    this.isStarted = true
    this.loop.schedule(this)
  }

  /** Time spent waiting at gates, the wait that is going on included. */
  get blockedMs(): number {
    if (this.blockedOn === undefined) return this.waitedMs
    return this.waitedMs + Math.max(0, this.loop.nowMs - this.blockedSinceMs)
  }

  get isBlocked(): boolean {
    return this.blockedOn !== undefined
  }

  /** Nothing waits here and nothing is open. */
  get isQuiet(): boolean {
    if (this.inbox.count > 0 || this.control.length > 0) return false
    return this.tasks.every((task) => task.inFlightCount === 0)
  }

  load(): number {
    return this.inbox.count / this.inbox.capacity
  }

  /** HOT. */
  offer(tuple: EngineTuple, isChained: boolean): Gate | undefined {
    if (isChained && this.inbox.count === 0 && this.loop.directLeft > 0 && this.canRun()) {
      this.loop.directLeft -= 1
      this.isRunning = true
      const task = this.only ?? this.taskOf(tuple)
      task.run(tuple)
      this.isRunning = false
      // Who feeds a blocked chained executor waits at the same gate: nothing in its inbox would close it.
      return this.blockedOn
    }
    // A promise of a worker that is gone may still emit; nobody will ever take it from the inbox.
    if (this.isClosed) return undefined
    const isOpen = this.inbox.push(tuple)
    if (!this.isScheduled) this.loop.schedule(this)
    return isOpen ? undefined : this.inbox
  }

  /** A control call: runs before waiting tuples, never during a synchronous call. */
  callSoon(callback: () => void): void {
    this.control.push(callback)
    this.loop.schedule(this)
  }

  step(limit: number): number {
    if (!this.isStarted) return Step.IDLE
    if (this.control.length > 0 && !this.runControl()) return Step.IDLE
    let done = 0
    this.isRunning = true
    while (done < limit && this.blockedOn === undefined && !this.isFull()) {
      const tuple = this.inbox.shift()
      if (tuple === undefined) break
      done += 1
      const task = this.only ?? this.taskOf(tuple)
      task.run(tuple)
    }
    this.isRunning = false
    if (this.blockedOn !== undefined || this.isFull()) return Step.IDLE
    return this.inbox.count > 0 ? Step.MORE : Step.IDLE
  }

  blockOn(gate: Gate): void {
    if (this.blockedOn !== undefined) return
    this.blockedOn = gate
    this.blockedSinceMs = this.loop.nowMs
    gate.addWaiter(this)
  }

  onGateOpened(): void {
    this.blockedOn = undefined
    this.waitedMs += Math.max(0, this.loop.nowMs - this.blockedSinceMs)
    this.loop.schedule(this)
  }

  onRoom(): void {
    if (this.isStarted) this.loop.schedule(this)
  }

  close(): void {
    this.isClosed = true
    this.isStarted = false
    for (const task of this.tasks) task.close()
    this.inbox.clear()
    this.control = []
  }

  /** HOT. */
  private isFull(): boolean {
    if (this.only !== undefined) return this.only.isFull
    for (const task of this.tasks) if (task.isFull) return true
    return false
  }

  /** HOT. */
  private canRun(): boolean {
    return (
      this.isStarted &&
      !this.isRunning &&
      this.blockedOn === undefined &&
      this.control.length === 0 &&
      !this.isFull()
    )
  }

  /**
   * What control calls emit is bounded like everything else, so they wait at gates and for busy tasks, too.
   * @returns false: some are left
   */
  private runControl(): boolean {
    const calls = this.control
    let done = 0
    this.isRunning = true
    for (const call of calls) {
      if (this.blockedOn !== undefined || this.isFull()) break
      done += 1
      call()
    }
    this.isRunning = false
    this.control = this.control.slice(done)
    return done === calls.length
  }

  private taskOf(tuple: EngineTuple): BoltTask {
    const task = this.tasks[tuple.targetTask - this.firstTask]
    assert(task !== undefined, 'a tuple is offered to the executor of its task')
    return task
  }
}
