/**
 * One task of a spout, whatever its form: makes a tree of each tracked emit, keeps it pending, tells the
 * verdict.
 *
 *   emitTuple ─▶ root ─▶ edges out ─▶ registered ─▶ pending ─▶ verdict ─▶ queue ─▶ onAcked / onFailed
 *                                                      ╰──── deadline, loss of a link or worker ──▶ failed
 *
 * Verdicts are queued and told at the next step, never from within an emit: calls of one task never overlap.
 *
 * Invariants
 *   S1  Every tracked emit gets exactly one verdict; its place among the pending is given back once, then.
 *   S2  `pendingCount` ≤ maxSpoutPending + what one call of nextTuple emits.
 */
import { UserCodeError } from '../../../base/errors.ts'
import type { AnyValues, FailReason, Failure } from '../../../topology/tuple.ts'
import { Pending } from '../../ack/pending.ts'
import type { RootOwner, TreeRoot } from '../../ack/tree-root.ts'
import type { StreamOutput } from '../../route/stream-output.ts'
import type { Target } from '../../route/target.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { messageOf } from '../user-code.ts'
import type { SpoutEmits } from './spout-collector.ts'

/** What a spout's task needs of the executor that steps it. */
export interface SpoutHome {
  /** Something can go on: a verdict to tell, an item that arrived. */
  wake(): void
}

/** How a call for the next item ended. */
export const Next = {
  /** Something was emitted: ask again. */
  EMITTED: 0,
  /** Nothing now; ask again after the empty wait. */
  EMPTY: 1,
  /** Nothing now; `wake` will be called. */
  WAITING: 2,
  /** Nothing ever again. */
  FINISHED: 3,
} as const

export abstract class SpoutTask implements RootOwner, SpoutEmits {
  readonly self: TaskIdentity
  /** Tracked tuples in flight: emitted, verdict not told yet. */
  pendingCount = 0
  /**
   * Those of them that failed and can be emitted again now: asking for the next item takes one of these
   * first.
   */
  readyReplayCount = 0
  isFinished = false
  /** The task is gone. A promise of its user code may still emit: nobody would ever answer. */
  isTaskGone = false
  protected readonly services: EngineServices
  protected readonly home: SpoutHome
  protected readonly pending = new Pending()
  private verdicts: TreeRoot[] = []
  /** Message ids of emits that need no acks: told as acked at the next step. */
  private untracked: unknown[] = []
  private readonly timeoutMs: number
  private readonly sampleEvery: number
  private untilSample: number
  /** Targets of the direct emit in hand. */
  private direct: readonly Target[] | undefined = undefined

  constructor(self: TaskIdentity, services: EngineServices, home: SpoutHome) {
    this.self = self
    this.services = services
    this.home = home
    const { settings } = services
    this.timeoutMs = settings.enableMessageTimeouts ? settings.messageTimeoutMs : Number.POSITIVE_INFINITY
    this.sampleEvery =
      settings.statsSampleRate > 0 ? Math.max(1, Math.round(1 / settings.statsSampleRate)) : 0
    this.untilSample = this.sampleEvery > 0 ? 1 : 0
  }

  abstract open(): Promise<void>
  abstract close(): Promise<void>
  /** HOT. Emits what comes next. One of Next. Never throws. */
  abstract next(): number
  activate(): void {
    // Sources of the engine have nothing to tell.
  }
  deactivate(): void {
    // The same.
  }

  protected abstract onAcked(root: TreeRoot): void
  protected abstract onFailed(root: TreeRoot, failure: Failure): void
  /** An emit that nothing tracks is as good as acked. */
  protected abstract onUntracked(messageId: unknown): void

  /** HOT. See SpoutEmits. */
  emitTuple(
    output: StreamOutput,
    values: AnyValues,
    messageId: unknown,
    direct: readonly Target[] | undefined,
  ): void {
    if (this.isTaskGone) return
    if (messageId === undefined || !this.services.acks.isTracking) {
      this.emitUntracked(output, values, messageId, direct)
      return
    }
    this.direct = direct
    this.emitTracked(output, values, messageId, undefined, 0)
  }

  /** HOT. @returns the root, with its verdict perhaps given already */
  protected emitTracked(
    output: StreamOutput,
    values: AnyValues,
    messageId: unknown,
    time: number | undefined,
    failedBefore: number,
  ): TreeRoot {
    const { acks, loop } = this.services
    const root = acks.newRoot(this)
    root.messageId = messageId
    root.values = values
    root.failedBefore = failedBefore
    this.untilSample -= 1
    if (this.untilSample === 0) {
      this.untilSample = this.sampleEvery
      root.startMs = this.services.host.clock.monotonicMs()
    }
    output.sumLow = 0
    output.sumHigh = 0
    this.pendingCount += 1
    try {
      const { direct } = this
      if (direct === undefined) output.emitRoot(values, root, time)
      else {
        this.direct = undefined
        for (const target of direct) output.emitDirectRoot(target, values, root, time)
      }
    } catch (error) {
      // A bolt called within the emit may have failed the tree. The thrower hears of it, and nobody twice.
      if (root.isClosed) this.verdicts = this.verdicts.filter((each) => each !== root)
      this.pendingCount -= 1
      acks.forget(root)
      throw error
    }
    acks.register(root, output.sumLow, output.sumHigh, this.self.task)
    // A tree that was done at once (chained bolts, no readers) never enters the list.
    if (!root.isClosed) this.pending.add(root, loop.nowMs + this.timeoutMs)
    return root
  }

  private emitUntracked(
    output: StreamOutput,
    values: AnyValues,
    messageId: unknown,
    direct: readonly Target[] | undefined,
  ): void {
    if (direct === undefined) output.emitRoot(values, undefined, undefined)
    else for (const target of direct) output.emitDirectRoot(target, values, undefined, undefined)
    if (messageId === undefined) return
    this.pendingCount += 1
    this.untracked.push(messageId)
  }

  /** HOT. */
  onTreeDone(root: TreeRoot): void {
    if (root.deadlineMs !== 0) this.pending.remove(root)
    if (root.startMs >= 0) this.recordComplete(root)
    this.verdicts.push(root)
    this.home.wake()
  }

  onTreeFailed(
    root: TreeRoot,
    reason: FailReason,
    component: string | undefined,
    message: string | undefined,
  ): void {
    if (root.deadlineMs !== 0) this.pending.remove(root)
    root.failure = { reason, component, message, failedBefore: root.failedBefore }
    this.verdicts.push(root)
    this.home.wake()
  }

  onTreeReset(root: TreeRoot): void {
    if (root.deadlineMs !== 0) this.pending.renew(root, this.services.loop.nowMs + this.timeoutMs)
  }

  get verdictCount(): number {
    return this.verdicts.length + this.untracked.length
  }

  /** HOT. Tells what was queued. */
  tellVerdicts(): void {
    if (this.verdicts.length > 0) {
      const verdicts = this.verdicts
      this.verdicts = []
      for (const root of verdicts) this.tell(root)
    }
    if (this.untracked.length > 0) {
      const ids = this.untracked
      this.untracked = []
      for (const id of ids) {
        this.pendingCount -= 1
        this.guarded(() => this.onUntracked(id))
      }
    }
  }

  /** Fails what is past its deadline. Called about every 50 ms. */
  sweep(nowMs: number): void {
    for (let root = this.pending.due(nowMs); root !== undefined; root = this.pending.due(nowMs)) {
      this.self.stats.expiredCount += 1
      this.giveUp(root, 'timeout', `no verdict within ${this.timeoutMs} ms`)
    }
  }

  /** A link or a worker was lost: every open tree that had left this worker may have been there. */
  failWhatLeft(reason: 'worker-lost' | 'link-lost', message: string): void {
    for (const root of this.pending.select((each) => each.hasLeft)) this.giveUp(root, reason, message)
  }

  /** A tuple of another task of this worker that was thrown away, or all of them at an end in bad order. */
  protected giveUp(root: TreeRoot, reason: FailReason, message: string): void {
    this.services.acks.forget(root)
    this.onTreeFailed(root, reason, undefined, message)
  }

  private tell(root: TreeRoot): void {
    const { stats, hooks } = this.self
    this.pendingCount -= 1
    const { failure } = root
    try {
      if (failure === undefined) {
        stats.ackedCount += 1
        if (hooks !== undefined) for (const hook of hooks) hook.spoutAck?.(root.messageId, undefined)
        this.onAcked(root)
      } else {
        stats.failedCount += 1
        if (hooks !== undefined) for (const hook of hooks) hook.spoutFail?.(root.messageId, failure)
        this.onFailed(root, failure)
      }
    } catch (error) {
      this.reportThrow(error)
    }
  }

  private guarded(call: () => void): void {
    try {
      this.self.stats.ackedCount += 1
      call()
    } catch (error) {
      this.reportThrow(error)
    }
  }

  private recordComplete(root: TreeRoot): void {
    this.self.stats.completeMs.record(this.services.host.clock.monotonicMs() - root.startMs)
  }

  protected reportThrow(error: unknown): void {
    const { componentId, task, stats } = this.self
    stats.threwCount += 1
    const wrapped = new UserCodeError(
      'SPOUT_THREW',
      `${componentId} threw: ${messageOf(error)}`,
      { component: componentId, task },
      { cause: error },
    )
    this.services.desk.report({ componentId, task, error: wrapped })
    this.services.desk.countFailure({ componentId, task, error: wrapped })
  }
}
