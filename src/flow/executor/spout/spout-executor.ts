/**
 * The executor of one or more tasks of a spout: tells verdicts, then asks for items while there is room.
 *
 * Room is: the topology is active, no gate is closed, and fewer than `maxSpoutPending` tuples of the task are
 * in flight.
 */
import type { Stoppable } from '../../../host/host.ts'
import type { Emitter } from '../../route/target.ts'
import type { Gate } from '../../transfer/gate.ts'
import type { EngineServices } from '../services.ts'
import { Step, type Steppable } from '../work-loop.ts'
import { Next, type SpoutHome, type SpoutTask } from './spout-task.ts'

/** Verdicts are told in bunches, so that a chained topology does not go to and fro for each tuple. */
const VERDICT_BUNCH = 128

export class SpoutExecutor implements Steppable, Emitter, SpoutHome {
  readonly componentId: string
  isScheduled = false
  private waitedMs = 0
  private readonly services: EngineServices
  private tasks: readonly SpoutTask[] = []
  private blockedOn: Gate | undefined = undefined
  private blockedSinceMs = 0
  private isActive = false
  /** Nothing new is asked for; what failed is emitted again. */
  private isDraining = false
  private isStepping = false
  private isClosed = false
  private emptyWait: Stoppable | undefined = undefined
  private nextTask = 0

  constructor(componentId: string, services: EngineServices) {
    this.componentId = componentId
    this.services = services
  }

  setTasks(tasks: readonly SpoutTask[]): void {
    this.tasks = tasks
  }

  get allTasks(): readonly SpoutTask[] {
    return this.tasks
  }

  /** Time spent waiting at gates, the wait that is going on included. */
  get blockedMs(): number {
    if (this.blockedOn === undefined) return this.waitedMs
    return this.waitedMs + Math.max(0, this.services.loop.nowMs - this.blockedSinceMs)
  }

  get isBlocked(): boolean {
    return this.blockedOn !== undefined
  }

  /** Nothing of it is in flight. */
  get isQuiet(): boolean {
    return this.tasks.every((task) => task.pendingCount === 0 && task.verdictCount === 0)
  }

  activate(): void {
    this.isDraining = false
    if (this.isActive) return
    this.isActive = true
    for (const task of this.tasks) task.activate()
    this.wake()
  }

  drain(): void {
    this.deactivate()
    this.isDraining = true
    this.wake()
  }

  deactivate(): void {
    this.isDraining = false
    if (!this.isActive) return
    this.isActive = false
    for (const task of this.tasks) task.deactivate()
  }

  wake(): void {
    if (!this.isStepping && !this.isScheduled && !this.isClosed) this.services.loop.schedule(this)
  }

  blockOn(gate: Gate): void {
    if (this.blockedOn !== undefined) return
    this.blockedOn = gate
    this.blockedSinceMs = this.services.loop.nowMs
    gate.addWaiter(this)
  }

  onGateOpened(): void {
    this.blockedOn = undefined
    this.waitedMs += Math.max(0, this.services.loop.nowMs - this.blockedSinceMs)
    this.services.loop.schedule(this)
  }

  step(limit: number): number {
    if (this.isClosed) return Step.IDLE
    this.isStepping = true
    this.emptyWait?.stop()
    this.emptyWait = undefined
    let isMore = false
    let isEmpty = false
    const share = Math.max(1, Math.floor(limit / Math.max(1, this.tasks.length)))
    for (let i = 0; i < this.tasks.length; i += 1) {
      const task = this.tasks[(this.nextTask + i) % this.tasks.length]
      if (task === undefined) continue
      const ended = this.stepTask(task, share)
      if (ended === Next.EMITTED) isMore = true
      else if (ended === Next.EMPTY) isEmpty = true
    }
    this.nextTask = (this.nextTask + 1) % Math.max(1, this.tasks.length)
    this.isStepping = false
    if (isMore || this.hasVerdicts()) return Step.MORE
    if (isEmpty) this.waitEmpty()
    return Step.IDLE
  }

  close(): void {
    this.isClosed = true
    this.isActive = false
    this.isDraining = false
    this.emptyWait?.stop()
    for (const task of this.tasks) {
      task.isTaskGone = true
      task.self.end.abort()
    }
  }

  /** HOT. EMITTED: the share is used up and there may be more. */
  private stepTask(task: SpoutTask, share: number): number {
    const max = task.self.settings.maxSpoutPending
    // First: a source is finished only once it has heard of its last tree.
    task.tellVerdicts()
    for (let calls = 0; calls < share; calls += 1) {
      if (task.verdictCount >= VERDICT_BUNCH || !hasRoom(task, max)) task.tellVerdicts()
      if (!this.mayAsk(task) || task.isFinished || this.blockedOn !== undefined || !hasRoom(task, max)) {
        return this.endOf(task, Next.WAITING)
      }
      const ended = task.next()
      if (ended !== Next.EMITTED) return this.endOf(task, ended)
    }
    task.tellVerdicts()
    return Next.EMITTED
  }

  /** HOT. A task takes what is to be emitted again first. */
  private mayAsk(task: SpoutTask): boolean {
    return this.isActive || (this.isDraining && task.readyReplayCount > 0)
  }

  private endOf(task: SpoutTask, ended: number): number {
    // A verdict that is told now may be the last one, or give room, or an item to replay: look once more.
    const again = ended === Next.WAITING && task.verdictCount > 0
    task.tellVerdicts()
    if (again) return Next.EMITTED
    if (ended === Next.FINISHED && !task.isFinished) {
      task.isFinished = true
      this.services.desk.sourceFinished(task.self.task)
    }
    return ended
  }

  private hasVerdicts(): boolean {
    for (const task of this.tasks) if (task.verdictCount > 0) return true
    return false
  }

  private waitEmpty(): void {
    const waitMs = Math.min(...this.tasks.map((task) => task.self.settings.spoutEmptyWaitMs))
    this.emptyWait = this.services.host.timers.after(waitMs, () => this.wake())
  }
}

/**
 * HOT. Replays keep their place among the pending while they rest, so one that is ready needs no further
 * room.
 */
function hasRoom(task: SpoutTask, max: number): boolean {
  return task.pendingCount - task.readyReplayCount < max
}
