/**
 * One task of a bolt, whatever its form: hands tuples to user code and sees to it that each gets its answer.
 *
 *   run(tuple) ─▶ invoke ─▶ returned ────────────────▶ settle: emits take effect, ack
 *                    │  ╲─▶ a promise ─▶ AsyncCalls ─▶ settle later, in the order asked for
 *                    └────▶ threw ─────▶ ErrorActions: retry, fail, dead letter, skip, restart, stop
 *
 * Invariants
 *   B1  Every tuple handed over is answered exactly once: acked or failed, whatever user code does. Rich
 *       bolts answer
 *       themselves; theirs are answered here only when a call threw.
 *   B2  Nothing that user code throws leaves this class.
 */
import { UserCodeError } from '../../../base/errors.ts'
import type { Result } from '../../../topology/definition.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { Answer, type EngineTuple } from '../tuple.ts'
import { isPromise } from '../user-code.ts'
import { AsyncCalls, type Call, type CallOwner } from './async-calls.ts'
import { ErrorActions } from './error-actions.ts'

/** What a task needs of the executor that steps it. */
export interface TaskHome {
  /** A call was opened or closed: whether tuples can be taken may have changed. */
  onRoom(): void
}

export abstract class BoltTask implements CallOwner {
  readonly self: TaskIdentity
  prepared: unknown = undefined
  protected readonly services: EngineServices
  readonly calls: AsyncCalls
  private readonly acks: EngineServices['acks']
  readonly errors: ErrorActions
  private readonly sampleEvery: number
  private untilSample: number

  constructor(self: TaskIdentity, services: EngineServices, home: TaskHome, isKeyed = false) {
    this.self = self
    this.services = services
    this.acks = services.acks
    this.sampleEvery =
      services.settings.statsSampleRate > 0 ? Math.round(1 / services.settings.statsSampleRate) : 0
    this.untilSample = this.sampleEvery > 0 ? 1 : 0
    this.calls = new AsyncCalls(self, services, this, { isKeyed, onRoom: () => home.onRoom() })
    for (const stream of services.streams) stream.scopes[self.task] = this.calls
    this.errors = new ErrorActions(self, services)
  }

  /** HOT. True: no further tuple before a call has ended. */
  get isFull(): boolean {
    return this.calls.isFull
  }

  /** Tuples taken and not answered yet. */
  get inFlightCount(): number {
    return this.calls.openCount
  }

  /** Calls that have not ended: promises, retries, and what waits behind them; not what a bolt holds back. */
  get openCallCount(): number {
    return this.calls.openCount
  }

  abstract prepare(): Promise<void>
  abstract cleanup(): Promise<void>
  abstract tick(): void

  /** HOT. Hands a tuple over. Never throws. */
  run(tuple: EngineTuple): void {
    const { self } = this
    self.stats.executedCount += 1
    if (this.calls.openCount > 0 && this.calls.mustQueue(tuple)) {
      this.calls.enqueue(tuple)
      return
    }
    this.untilSample -= 1
    if (this.untilSample === 0 || self.hooks !== undefined) this.runMeasured(tuple)
    else this.runPlain(tuple)
  }

  /** HOT. Faults of tests come first. Called in `invoke` and `invokeFor`, after their own bookkeeping. */
  protected beforeUserCall(): void {
    const { beforeCall } = this.services
    if (beforeCall !== undefined) beforeCall(this.self.componentId, 'execute')
  }

  /** Calls user code once. Returns what it returned; throws what it threw. */
  protected abstract invoke(tuple: EngineTuple): Result
  /** The synchronous call in hand is done. */
  protected abstract settleNow(tuple: EngineTuple): void
  /** The synchronous call in hand threw. */
  protected abstract discardNow(tuple: EngineTuple): void
  /** The call in hand returned a promise: what belongs to it goes along with `call`. */
  abstract detach(call: Call): void
  /** An asynchronous call may take effect now. */
  abstract settle(call: Call): void
  /** An asynchronous call failed: what it did is forgotten. */
  abstract discard(call: Call): void
  /** Calls user code for `call`, once more or for the first time. */
  abstract invokeFor(call: Call): Result
  abstract keyOf(tuple: EngineTuple): unknown

  private runPlain(tuple: EngineTuple): void {
    let promise: PromiseLike<unknown> | undefined
    try {
      const result: Result = this.invoke(tuple)
      if (result === undefined) {
        this.calls.forgetSignal(tuple)
        this.settleNow(tuple)
        return
      }
      // Here, too, user code runs: `then` may be a getter.
      if (isPromise(result)) promise = result
    } catch (error) {
      this.discardNow(tuple)
      this.onThrow(tuple, error)
      return
    }
    if (promise === undefined) this.finish(tuple)
    else this.calls.adopt(tuple, promise)
  }

  /** HOT. */
  private finish(tuple: EngineTuple): void {
    this.calls.forgetSignal(tuple)
    try {
      this.settleNow(tuple)
    } catch (error) {
      this.discardNow(tuple)
      this.onThrow(tuple, error)
    }
  }

  private runMeasured(tuple: EngineTuple): void {
    const { self, services } = this
    this.untilSample = this.sampleEvery
    const startMs = services.host.clock.monotonicMs()
    this.runPlain(tuple)
    const durationMs = services.host.clock.monotonicMs() - startMs
    self.stats.executeMs.record(durationMs)
    for (const hook of self.hooks ?? []) hook.execute?.(tuple, durationMs)
  }

  /** The first failure of a call; `AsyncCalls` counts the further ones. */
  private onThrow(tuple: EngineTuple, error: unknown): void {
    this.self.stats.threwCount += 1
    if (tuple.answer !== Answer.OPEN) {
      // A rich bolt answered and threw then: the answer stands, the error is shown.
      this.services.desk.report({ componentId: this.self.componentId, task: this.self.task, error })
      return
    }
    if (this.errors.wantsRetry(error, 0)) this.calls.retry(tuple, error)
    else this.giveUp(tuple, error, 1)
  }

  /** All attempts are used up: acts as the policy says, and answers the tuple. */
  giveUp(tuple: EngineTuple, error: unknown, attempts: number): void {
    this.errors.act(tuple, error, attempts)
    this.onAnswered(tuple)
  }

  /** HOT. The tuple of an atomic call is done. */
  protected ack(tuple: EngineTuple): void {
    tuple.answer = Answer.ACKED
    const { self } = this
    self.stats.ackedCount += 1
    if (self.hooks !== undefined) for (const hook of self.hooks) hook.ack?.(tuple)
    this.acks.ack(tuple)
  }

  /** A tuple was answered outside of `ack`. */
  protected onAnswered(_tuple: EngineTuple): void {
    // Rich bolts keep count of open tuples.
  }

  /** Runs a call that belongs to no tuple (a tick, a timer): what it throws is reported. */
  protected reportThrow(error: unknown): void {
    const { componentId, task, stats } = this.self
    stats.threwCount += 1
    const wrapped = new UserCodeError(
      'EXECUTE_THREW',
      `${componentId} threw outside of a tuple`,
      {
        component: componentId,
        task,
      },
      { cause: error },
    )
    this.services.desk.report({ componentId, task, error: wrapped })
    this.services.desk.countFailure({ componentId, task, error: wrapped })
  }

  /** Ends everything that is open: the task goes away. */
  close(): void {
    this.calls.close()
    this.self.end.abort()
  }
}
