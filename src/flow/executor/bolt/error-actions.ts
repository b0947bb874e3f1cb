/**
 * What happens to a tuple whose call threw: the component's `onError`, with retries and waits.
 *
 *   threw ─▶ FatalTaskError ─────────────▶ fail the tree, restart the worker
 *         ─▶ attempts left and retryIf ──▶ wait, call again
 *         ─▶ action: fail · dead-letter · skip · restart-worker · stop-topology
 */
import { backoffMs } from '../../../base/backoff.ts'
import { hasCode, isStreamError, type StreamError, UsageError, UserCodeError } from '../../../base/errors.ts'
import { DEAD_LETTER_STREAM } from '../../../topology/topology.ts'
import type { FailReason } from '../../../topology/tuple.ts'
import type { EngineServices, ReportedError } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { Answer, type EngineTuple } from '../tuple.ts'
import { messageOf } from '../user-code.ts'

export class ErrorActions {
  private readonly self: TaskIdentity
  private readonly services: EngineServices

  constructor(self: TaskIdentity, services: EngineServices) {
    this.self = self
    this.services = services
  }

  wantsRetry(error: unknown, retriesDone: number): boolean {
    const { retries, retryIf } = this.self.settings.onError
    if (retriesDone >= retries || hasCode(error, 'FATAL_TASK')) return false
    if (retryIf === undefined) return true
    try {
      return retryIf(error)
    } catch (thrown) {
      // Who cannot say whether to try again gets no further attempt; the action is taken.
      const { componentId, task } = this.self
      this.services.desk.report({ componentId, task, error: thrown })
      return false
    }
  }

  retryWaitMs(retriesDone: number): number {
    const { firstMs, factor, maxMs } = this.self.settings.onError
    return backoffMs(retriesDone + 1, { firstMs, factor, maxMs }, this.services.random.next())
  }

  /** Answers the tuple as the policy says. */
  act(tuple: EngineTuple, error: unknown, attempts: number): void {
    const isOnPurpose = hasCode(error, 'FAIL_TUPLE')
    const reported: ReportedError = {
      componentId: this.self.componentId,
      task: this.self.task,
      error: isStreamError(error) ? error : this.wrap(error, tuple),
    }
    const { desk } = this.services
    if (!isOnPurpose) {
      desk.report(reported)
      desk.countFailure(reported)
    }
    const action = hasCode(error, 'FATAL_TASK') ? 'restart-worker' : this.self.settings.onError.action
    const reason: FailReason = isOnPurpose ? 'explicit' : 'error'
    if (action === 'skip') {
      this.self.stats.skippedCount += 1
      this.ack(tuple)
    } else if (action === 'dead-letter' && this.deadLetter(tuple, reported.error, attempts)) this.ack(tuple)
    else this.fail(tuple, reason, error)
    if (action === 'restart-worker') desk.restartWorker(reported)
    if (action === 'stop-topology') desk.stopTopology(reported)
  }

  private deadLetter(tuple: EngineTuple, error: unknown, attempts: number): boolean {
    const letter = {
      component: this.self.componentId,
      task: this.self.task,
      stream: `${tuple.sourceComponent}:${tuple.sourceStream}`,
      values: tuple.values,
      code: isStreamError(error) ? error.code : 'EXECUTE_THREW',
      message: messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error),
      attempts,
      at: this.services.host.clock.now(),
    }
    const output = this.self.outputs.byId.get(DEAD_LETTER_STREAM)
    const isRead = output !== undefined && output.routes.length > 0
    try {
      if (isRead) output.emitAnchored(letter, tuple)
      else if (!this.services.desk.storeDeadLetter(letter)) return false
    } catch (failed) {
      // A letter that cannot be sent either: the tree fails, so nothing is lost.
      this.services.desk.report({ componentId: this.self.componentId, task: this.self.task, error: failed })
      return false
    }
    this.self.stats.deadLetteredCount += 1
    return true
  }

  private ack(tuple: EngineTuple): void {
    tuple.answer = Answer.ACKED
    this.self.stats.ackedCount += 1
    for (const hook of this.self.hooks ?? []) hook.ack?.(tuple)
    this.services.acks.ack(tuple)
  }

  private fail(tuple: EngineTuple, reason: FailReason, error: unknown): void {
    tuple.answer = Answer.FAILED
    const { self } = this
    self.stats.failedCount += 1
    const message = messageOf(error)
    for (const hook of self.hooks ?? []) {
      hook.fail?.(tuple, { reason, component: self.componentId, message, failedBefore: 0 })
    }
    this.services.acks.fail(tuple, reason, self.componentId, message)
  }

  private wrap(error: unknown, tuple: EngineTuple): StreamError {
    const { componentId, task } = this.self
    const from = `${tuple.sourceComponent}:${tuple.sourceStream}`
    const details = { component: componentId, task }
    // Where nothing looks at values before they are emitted, nothing freezes them.
    if (this.services.admit !== undefined && isWriteToFrozen(error)) {
      const what = `${componentId} wrote to the values of a tuple, at one of ${from}: ${messageOf(error)}`
      return new UsageError('TUPLE_WRITTEN', `${what}; copy before changing`, details, { cause: error })
    }
    return new UserCodeError(
      'EXECUTE_THREW',
      `${componentId} threw at a tuple of ${from}: ${messageOf(error)}`,
      details,
      { cause: error },
    )
  }
}

/** What a frozen object says to who writes to it. There is nothing but the text to tell it by. */
const WRITE_TO_FROZEN = /^Cannot (assign to read only|add|delete|define|redefine) property/

function isWriteToFrozen(error: unknown): boolean {
  return error instanceof TypeError && WRITE_TO_FROZEN.test(error.message)
}
