/**
 * Common part of the sources whose replays the engine does: `spoutFrom` and `replayableSpout`.
 *
 *   items ─▶ emit, tracked ─▶ acked ──▶ done
 *                   ▲            ╰ failed ─▶ rest a little ─▶ emitted again, at most maxReplays times
 *                   ╰───────────────────────────╯              ╰▶ dead letter, done once that is safe
 *
 * Invariants
 *   I1  Every item taken from the source ends as acked, as a dead letter, or is still pending or resting.
 *   I2  Resting items count as pending, so replays are bounded by maxSpoutPending like everything else.
 */
import { isStreamError, UsageError, UserCodeError } from '../../../base/errors.ts'
import type { EventTimeSpec } from '../../../config/topology-config.ts'
import { DEAD_LETTER_STREAM } from '../../../topology/topology.ts'
import type { AnyValues, DeadLetter, Failure } from '../../../topology/tuple.ts'
import type { TreeRoot } from '../../ack/tree-root.ts'
import type { StreamOutput } from '../../route/stream-output.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { messageOf } from '../user-code.ts'
import { Next, type SpoutHome, SpoutTask } from './spout-task.ts'

/** Longest rest before a replay of an item that keeps failing. The first replay does not wait. */
const REST_MAX_MS = 1_000
const REST_FIRST_MS = 10

/** A dead letter on its way to its readers, and the item that it is about. */
class SentLetter {
  readonly letter: DeadLetter
  readonly messageId: unknown

  constructor(letter: DeadLetter, messageId: unknown) {
    this.letter = letter
    this.messageId = messageId
  }
}

interface Replay {
  readonly values: AnyValues
  readonly messageId: unknown
  readonly failedBefore: number
}

export abstract class SourceTask extends SpoutTask {
  protected readonly output: StreamOutput
  private readonly timeOf: ((values: unknown) => number) | undefined
  private replays: Replay[] = []
  /** Items that failed by themselves and wait for their next attempt. */
  restingCount = 0

  constructor(
    self: TaskIdentity,
    services: EngineServices,
    home: SpoutHome,
    eventTime: EventTimeSpec | undefined,
  ) {
    super(self, services, home)
    this.output = self.outputs.outputOf('default')
    const { of } = eventTime ?? {}
    this.timeOf = of === undefined ? undefined : (values) => of(values as never)
  }

  /** HOT. */
  next(): number {
    const replay = this.replays.shift()
    if (replay !== undefined) {
      this.readyReplayCount -= 1
      this.self.stats.replayedCount += 1
      this.emitAdmitted(replay.values, replay.messageId, replay.failedBefore, true)
      this.pendingCount -= 1 // It had kept its place while it rested.
      return Next.EMITTED
    }
    return this.nextItem()
  }

  /** HOT. Emits the next item of the source by `emitItem`, or says why there is none. */
  protected abstract nextItem(): number
  /** The item is done: acked, given up, or not tracked at all. */
  protected abstract onItemDone(messageId: unknown): void

  /** HOT. What carries an item: an object is its own values, anything else becomes the field `value`. */
  protected emitItem(item: unknown, messageId: unknown, failedBefore: number): void {
    this.emitAdmitted(valuesOf(item), messageId, failedBefore, false)
  }

  private emitAdmitted(
    values: AnyValues,
    messageId: unknown,
    failedBefore: number,
    isAdmitted: boolean,
  ): void {
    try {
      const admitted = isAdmitted ? values : this.self.outputs.admit(this.output, values, false)
      const time = this.timeOf === undefined ? undefined : this.timeOf(admitted)
      if (this.services.acks.isTracking)
        this.emitTracked(this.output, admitted, messageId, time, failedBefore)
      else {
        this.output.emitRoot(admitted, undefined, time)
        this.onItemDone(messageId)
      }
    } catch (error) {
      this.onPoison(values, messageId, error)
    }
  }

  protected get hasReplays(): boolean {
    return this.replays.length > 0 || this.restingCount > 0
  }

  protected onAcked(root: TreeRoot): void {
    const { messageId } = root
    this.onItemDone(messageId instanceof SentLetter ? messageId.messageId : messageId)
  }

  protected onUntracked(messageId: unknown): void {
    this.onItemDone(messageId)
  }

  protected onFailed(root: TreeRoot, failure: Failure): void {
    if (root.messageId instanceof SentLetter) {
      this.keepLetter(root.messageId)
      return
    }
    const values = root.values as AnyValues
    // That a link broke, or that a task is placed nowhere for a while, says nothing about the tuple.
    const failedBefore = root.failedBefore + (failure.reason === 'link-lost' ? 0 : 1)
    const { maxReplays } = this.self.settings
    if (failedBefore > maxReplays) {
      const message =
        `failed ${failedBefore} times, last in ${failure.component ?? 'an unknown place'}: ` +
        `${failure.message ?? failure.reason}`
      const error = new UserCodeError('REPLAYS_EXHAUSTED', message, {
        component: this.self.componentId,
        failedBefore,
      })
      if (this.deadLetter(values, root.messageId, error, failedBefore)) {
        this.services.desk.report({ componentId: this.self.componentId, task: this.self.task, error })
        return
      }
    }
    this.rest({ values, messageId: root.messageId, failedBefore }, failure.reason)
  }

  /** Replays what was lost at once; what failed by itself gets a moment, growing with its failures. */
  private rest(replay: Replay, reason: Failure['reason']): void {
    this.pendingCount += 1
    const isOwnFault = reason === 'explicit' || reason === 'error'
    const waitMs =
      isOwnFault && replay.failedBefore > 1
        ? Math.min(REST_MAX_MS, REST_FIRST_MS * 2 ** (replay.failedBefore - 2))
        : 0
    if (waitMs === 0) {
      this.replayNow(replay)
      return
    }
    this.restingCount += 1
    this.services.host.timers.after(waitMs, () => {
      this.restingCount -= 1
      this.replayNow(replay)
      this.home.wake()
    })
  }

  private replayNow(replay: Replay): void {
    this.replays.push(replay)
    this.readyReplayCount += 1
  }

  /** An item that cannot even be emitted would circle for ever: it is given up at once. */
  protected onPoison(values: AnyValues, messageId: unknown, error: unknown): void {
    const { componentId, task } = this.self
    this.self.stats.threwCount += 1
    this.services.desk.report({ componentId, task, error })
    this.services.desk.countFailure({ componentId, task, error })
    if (!this.deadLetter(values, messageId, error, 1)) {
      // No room for the letter: standing still loses nothing.
      this.services.desk.stopTopology({ componentId, task, error })
    }
  }

  /** False: no room. Else the item is done, or will be when its letter has been read. */
  private deadLetter(values: AnyValues, messageId: unknown, error: unknown, attempts: number): boolean {
    const letter = {
      component: this.self.componentId,
      task: this.self.task,
      stream: `${this.self.componentId}:default`,
      values,
      code: isStreamError(error) ? error.code : 'SPOUT_THREW',
      message: messageOf(error),
      attempts,
      at: this.services.host.clock.now(),
    }
    const output = this.self.outputs.byId.get(DEAD_LETTER_STREAM)
    if (!this.sendLetter(output, letter, messageId)) {
      if (!this.services.desk.storeDeadLetter(letter)) return false
      this.onItemDone(messageId)
    }
    this.self.stats.deadLetteredCount += 1
    return true
  }

  /** Its reader refused the letter: the store takes it, so that it is not lost. */
  private keepLetter({ letter, messageId }: SentLetter): void {
    if (this.services.desk.storeDeadLetter(letter)) {
      this.onItemDone(messageId)
      return
    }
    const { componentId, task } = this.self
    const text = `a dead letter of ${componentId} was refused by its reader, and there is no room to keep it`
    const error = new UserCodeError('REPLAYS_EXHAUSTED', text, { component: componentId, task })
    this.services.desk.report({ componentId, task, error })
    this.services.desk.stopTopology({ componentId, task, error })
  }

  /** False: nobody reads them, or this one cannot be sent, so the store must take it. */
  private sendLetter(output: StreamOutput | undefined, letter: DeadLetter, messageId: unknown): boolean {
    if (output === undefined || output.routes.length === 0) return false
    try {
      if (this.services.acks.isTracking) {
        this.emitTracked(output, { ...letter }, new SentLetter(letter, messageId), undefined, 0)
      } else {
        output.emitRoot({ ...letter }, undefined, undefined)
        this.onItemDone(messageId)
      }
      return true
    } catch (error) {
      this.services.desk.report({ componentId: this.self.componentId, task: this.self.task, error })
      return false
    }
  }

  /** The source cannot go on, and trying again would not help: everything stays for a look. */
  protected stop(error: unknown): void {
    const { componentId, task } = this.self
    const wrapped = isStreamError(error)
      ? error
      : new UserCodeError(
          'SOURCE_ENDED_WITH_ERROR',
          `${componentId} ended with an error: ${messageOf(error)}`,
          {
            component: componentId,
            task,
          },
          { cause: error },
        )
    this.self.stats.threwCount += 1
    this.services.desk.report({ componentId, task, error: wrapped })
    this.services.desk.stopTopology({ componentId, task, error: wrapped })
  }
}

/** HOT. */
function valuesOf(item: unknown): AnyValues {
  if (typeof item === 'object' && item !== null && !Array.isArray(item)) {
    if (!(item instanceof Uint8Array) && !(item instanceof Date)) return item as AnyValues
  }
  return { value: item }
}

/** For callers that need a typed error for a source that is none. */
export function notIterable(componentId: string, found: unknown): UsageError {
  const kind = found === null ? 'null' : typeof found
  return new UsageError(
    'VALUE_INVALID',
    `the source of ${componentId} gave ${kind}, something iterable is wanted`,
    { component: componentId },
  )
}
