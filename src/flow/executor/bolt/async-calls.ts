/**
 * The calls of one task that did not end at once: promises, retries, and what waits behind them.
 *
 *   adopt(promise) ─▶ RUNNING ─▶ resolved ─▶ DONE ──▶ settled in its turn
 *   enqueue(tuple) ─▶ WAITING ─▶ RUNNING     │
 *   retry(error)   ─▶ RESTING ─▶ RUNNING     ╰▶ rejected, timed out ─▶ RESTING again, or given up
 *
 * Turns: with order `input` calls take effect in the order of their tuples; with `key`, and always for keyed
 * bolts, a call starts when the one before it of the same key has ended; with `none` as they come.
 *
 * Invariants
 *   A1  `openCount` ≤ concurrency: the executor hands nothing over while `isFull`.
 *   A2  A call takes effect at most once; what its promise does after a time-out counts for nothing.
 */
import { UserCodeError } from '../../../base/errors.ts'
import type { Stoppable } from '../../../host/host.ts'
import type { Result } from '../../../topology/definition.ts'
import type { CallScope, ScopedTuple } from '../../route/stream-ref.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import type { EngineTuple } from '../tuple.ts'
import { isPromise } from '../user-code.ts'
import type { CallCollector } from './call-collector.ts'
import type { ErrorActions } from './error-actions.ts'

const State = { WAITING: 0, RUNNING: 1, RESTING: 2, DONE: 3, GIVEN_UP: 4, ENDED: 5 } as const

export class Call {
  /** undefined: a tick or a timer. */
  readonly tuple: EngineTuple | undefined
  readonly key: unknown
  state: number = State.WAITING
  collector: CallCollector | undefined = undefined
  /** What the call is about where it has no tuple: a timer that waits behind a call of its key. */
  occasion: unknown = undefined
  /** What a keyed bolt's state keeps for the call. */
  stateCall: unknown = undefined
  retriesDone = 0
  error: unknown = undefined
  timer: Stoppable | undefined = undefined
  /** Counts attempts, so that a late promise knows that it is late. */
  attempt = 0

  constructor(tuple: EngineTuple | undefined, key: unknown) {
    this.tuple = tuple
    this.key = key
  }
}

/** The task whose calls these are. */
export interface CallOwner {
  readonly errors: Pick<ErrorActions, 'wantsRetry' | 'retryWaitMs'>
  detach(call: Call): void
  settle(call: Call): void
  discard(call: Call): void
  invokeFor(call: Call): Result
  keyOf(tuple: EngineTuple): unknown
  giveUp(tuple: EngineTuple, error: unknown, attempts: number): void
}

export class AsyncCalls implements CallScope {
  openCount = 0
  private readonly self: TaskIdentity
  private readonly services: EngineServices
  private readonly owner: CallOwner
  private readonly onRoom: () => void
  private readonly concurrency: number
  private readonly byInput: boolean
  private readonly byKey: boolean
  /** Order `input`: all open calls, oldest first. */
  private queue: Call[] = []
  /** Order `key`: the running call of a key and those that wait behind it. */
  private readonly keys = new Map<unknown, Call[]>()
  private readonly open = new Set<Call>()
  /** Calls whose turn has come while another one was being started. */
  private starting: Call[] = []
  private readonly signals = new Map<ScopedTuple, AbortController>()
  private isClosed = false

  constructor(
    self: TaskIdentity,
    services: EngineServices,
    owner: CallOwner,
    home: { readonly isKeyed: boolean; readonly onRoom: () => void },
  ) {
    this.self = self
    this.services = services
    this.owner = owner
    this.onRoom = home.onRoom
    const { concurrency, order } = self.settings
    this.concurrency = concurrency
    this.byKey = order === 'key' || home.isKeyed
    this.byInput = order === 'input' && concurrency > 1
  }

  /** HOT. */
  get isFull(): boolean {
    return this.openCount >= this.concurrency
  }

  /** HOT. True: the tuple must not simply be run now, there is something it has to stand behind. */
  mustQueue(tuple: EngineTuple): boolean {
    if (this.openCount === 0) return false
    return this.byInput || (this.byKey && this.keys.has(this.owner.keyOf(tuple)))
  }

  /** Takes a tuple that stands behind others. */
  enqueue(tuple: EngineTuple): void {
    const call = this.add(tuple)
    const behind = this.byKey ? this.keys.get(call.key) : undefined
    if (behind === undefined || behind[0] === call) this.start(call)
  }

  /** A call of this key is open: what is about the same key has to stand behind it. */
  isBusy(key: unknown): boolean {
    return this.keys.has(key)
  }

  /** Takes a call without a tuple that stands behind others of its key. */
  enqueueFor(key: unknown, occasion: unknown): void {
    const call = this.add(undefined, key)
    call.occasion = occasion
    if (this.keys.get(key)?.[0] === call) this.start(call)
  }

  /** Takes over a call that returned a promise. `tuple` undefined: a tick, or a timer of a key. */
  adopt(tuple: EngineTuple | undefined, promise: PromiseLike<unknown>, key?: unknown): void {
    const call = this.add(tuple, key)
    call.state = State.RUNNING
    this.owner.detach(call)
    this.wait(call, promise)
  }

  /** Takes over a call that threw at once and shall be tried again. */
  retry(tuple: EngineTuple, error: unknown): void {
    const call = this.add(tuple)
    this.rest(call, error)
  }

  /** Made at first reading: most calls never look at it. */
  signalOf(tuple: ScopedTuple): AbortSignal {
    let controller = this.signals.get(tuple)
    if (controller === undefined) {
      controller = new AbortController()
      if (this.isClosed || tuple.root?.isClosed === true) controller.abort()
      // Nobody would take it out again.
      else if (!tuple.isAnswered) this.signals.set(tuple, controller)
    }
    return controller.signal
  }

  /** HOT. The synchronous call of this tuple has ended. */
  forgetSignal(tuple: EngineTuple): void {
    if (this.signals.size > 0) this.signals.delete(tuple)
  }

  /** Aborts calls whose tree has got its verdict elsewhere, and forgets those of tuples that are done. */
  sweep(): void {
    for (const [tuple, controller] of this.signals) {
      const isClosed = tuple.root?.isClosed === true
      if (isClosed && !tuple.isAnswered) controller.abort()
      if (isClosed || tuple.isAnswered) this.signals.delete(tuple)
    }
  }

  /** Of tuples in hand whose signal was read. */
  get signalCount(): number {
    return this.signals.size
  }

  /** The task ends: nothing takes effect any more. */
  close(): void {
    this.isClosed = true
    for (const call of this.open) {
      call.timer?.stop()
      if (call.state === State.RUNNING) this.services.host.userCallEnded()
      if (call.collector !== undefined || call.stateCall !== undefined) this.owner.discard(call)
      call.state = State.ENDED
    }
    for (const controller of this.signals.values()) controller.abort()
    this.open.clear()
    this.signals.clear()
    this.keys.clear()
    this.queue = []
    this.openCount = 0
  }

  private add(tuple: EngineTuple | undefined, given?: unknown): Call {
    const key = this.byKey && tuple !== undefined ? this.owner.keyOf(tuple) : given
    const call = new Call(tuple, key)
    this.open.add(call)
    this.openCount += 1
    if (this.byInput && tuple !== undefined) this.queue.push(call)
    if (this.byKey && (tuple !== undefined || key !== undefined)) {
      const line = this.keys.get(key)
      if (line === undefined) this.keys.set(key, [call])
      else line.push(call)
    }
    return call
  }

  /**
   * Calls that end at once let the next one of their key start: a loop, because a long line would be a deep
   * stack.
   */
  private startInTurn(call: Call): void {
    this.starting.push(call)
    if (this.starting.length > 1) return
    for (const each of this.starting) if (each.state === State.WAITING) this.start(each)
    this.starting = []
  }

  private start(call: Call): void {
    call.state = State.RUNNING
    call.attempt += 1
    let promise: PromiseLike<unknown> | undefined
    try {
      const result: Result = this.owner.invokeFor(call)
      if (isPromise(result)) promise = result
    } catch (error) {
      this.services.host.userCallBegan()
      this.onThrow(call, error)
      return
    }
    if (promise !== undefined) this.wait(call, promise)
    else {
      this.services.host.userCallBegan()
      this.onReturn(call)
    }
  }

  private wait(call: Call, promise: PromiseLike<unknown>): void {
    const { host } = this.services
    const { attempt } = call
    host.userCallBegan()
    const { timeoutMs } = this.self.settings
    if (timeoutMs !== undefined) {
      call.timer = host.timers.after(timeoutMs, () => this.onTimeout(call, timeoutMs))
    }
    // A thenable that throws in `then` becomes a promise that is rejected; a promise stays what it is.
    Promise.resolve(promise).then(
      () => this.isCurrent(call, attempt) && this.onReturn(call),
      (error: unknown) => this.isCurrent(call, attempt) && this.onThrow(call, error),
    )
  }

  private isCurrent(call: Call, attempt: number): boolean {
    return call.state === State.RUNNING && call.attempt === attempt
  }

  private onReturn(call: Call): void {
    call.timer?.stop()
    this.services.host.userCallEnded()
    call.state = State.DONE
    this.advance(call)
  }

  private onTimeout(call: Call, timeoutMs: number): void {
    const { componentId, task } = this.self
    if (call.tuple !== undefined) this.signals.get(call.tuple)?.abort()
    const message = `${componentId} took longer than its timeout of ${timeoutMs} ms`
    this.onThrow(
      call,
      new UserCodeError('EXECUTE_TIMEOUT', message, { component: componentId, task, timeoutMs }),
    )
  }

  private onThrow(call: Call, error: unknown): void {
    call.timer?.stop()
    this.services.host.userCallEnded()
    this.self.stats.threwCount += 1
    call.error = error
    this.owner.discard(call)
    if (call.tuple !== undefined && this.owner.errors.wantsRetry(error, call.retriesDone)) {
      this.rest(call, error)
      return
    }
    call.state = State.GIVEN_UP
    this.advance(call)
  }

  private rest(call: Call, error: unknown): void {
    const { stats } = this.self
    call.state = State.RESTING
    call.error = error
    const waitMs = this.owner.errors.retryWaitMs(call.retriesDone)
    call.retriesDone += 1
    stats.retriedCount += 1
    if (call.tuple !== undefined) this.signals.delete(call.tuple)
    call.timer = this.services.host.timers.after(waitMs, () => this.start(call))
  }

  /** A call has ended: it takes effect in its turn, and so may others now. */
  private advance(call: Call): void {
    if (!this.byInput || call.tuple === undefined) this.end(call)
    else {
      let head = this.queue[0]
      while (head !== undefined && (head.state === State.DONE || head.state === State.GIVEN_UP)) {
        this.queue.shift()
        this.end(head)
        head = this.queue[0]
      }
    }
    this.services.loop.arm()
    this.onRoom()
  }

  private end(call: Call): void {
    const isDone = call.state === State.DONE
    call.state = State.ENDED
    this.open.delete(call)
    this.openCount -= 1
    const { tuple } = call
    if (isDone && !this.settle(call)) {
      this.takeBack(call)
      return
    }
    if (!isDone && tuple !== undefined) this.owner.giveUp(tuple, call.error, call.retriesDone + 1)
    if (tuple !== undefined) this.signals.delete(tuple)
    if (this.byKey) this.startNext(call)
  }

  /** @returns false: its emits were refused, and it may be tried again */
  private settle(call: Call): boolean {
    try {
      this.owner.settle(call)
    } catch (error) {
      this.self.stats.threwCount += 1
      call.error = error
      this.owner.discard(call)
      if (call.tuple === undefined) return true
      if (this.owner.errors.wantsRetry(error, call.retriesDone)) return false
      this.owner.giveUp(call.tuple, error, call.retriesDone + 1)
    }
    return true
  }

  /** To its old place, until its next attempt. */
  private takeBack(call: Call): void {
    this.open.add(call)
    this.openCount += 1
    if (this.byInput) this.queue.unshift(call)
    this.rest(call, call.error)
  }

  private startNext(call: Call): void {
    const line = this.keys.get(call.key)
    if (line === undefined) return
    if (line[0] !== call) return
    line.shift()
    const [next] = line
    if (next === undefined) this.keys.delete(call.key)
    else if (next.state === State.WAITING) this.startInTurn(next)
  }
}
