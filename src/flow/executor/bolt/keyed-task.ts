/**
 * A task of a `keyedBolt`: atomic calls with the state of the tuple's key.
 *
 * State and emits of a call take effect together, when it has returned. Calls of one key never overlap, so
 * two open calls never write to the same slot.
 */
import { Backoff } from '../../../base/backoff.ts'
import type { Stoppable } from '../../../host/host.ts'
import type { KeyedCall } from '../../../state/keyed-call.ts'
import { type DueTimer, KeyedStore } from '../../../state/keyed-store.ts'
import type { MemoryAccount } from '../../../state/memory-account.ts'
import type { KeyedBoltDefinition, Result, RuntimeKeyedBoltSpec } from '../../../topology/definition.ts'
import { compileField } from '../../route/field-access.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import type { EngineTuple } from '../tuple.ts'
import { isPromise } from '../user-code.ts'
import type { Call } from './async-calls.ts'
import { BoltTask, type TaskHome } from './bolt-task.ts'
import { CallCollector } from './call-collector.ts'

export interface KeyedTaskParts {
  readonly definition: KeyedBoltDefinition
  readonly account: MemoryAccount
  /** A control call on the task's executor: before waiting tuples, never during a synchronous call. */
  readonly callSoon: (callback: () => void) => void
}

/** Longest time a timer is slept on; a clock that jumps is noticed then. */
const SLEEP_MAX_MS = 60_000

/** Waits before a timer whose handler threw fires again. */
const TIMER_WAITS = { firstMs: 100, factor: 2, maxMs: 10_000 }

export class KeyedTask extends BoltTask {
  readonly store: KeyedStore
  private readonly parts: KeyedTaskParts
  private readonly spec: RuntimeKeyedBoltSpec
  private readonly readKey: (values: object) => unknown
  private out: CallCollector
  private stateCall: KeyedCall | undefined = undefined
  private alarm: Stoppable | undefined = undefined
  private alarmAtMs = Number.POSITIVE_INFINITY
  /** The alarm has rung and stands among the control calls. */
  private isAlarmAsked = false
  private noTimerBeforeMs = 0
  private readonly timerWaits: Backoff

  constructor(self: TaskIdentity, services: EngineServices, home: TaskHome, parts: KeyedTaskParts) {
    super(self, services, home, true)
    this.parts = parts
    this.spec = parts.definition.spec
    this.readKey = keyReaderOf(parts.definition.key ?? [])
    this.store = new KeyedStore(parts.definition.states as never, {
      nowMs: () => services.host.clock.now(),
      account: parts.account,
      entriesPerKeyMax: services.settings.stateEntriesPerKeyMax,
      hasEventTime: false,
    })
    this.timerWaits = new Backoff(TIMER_WAITS, () => services.random.next())
    this.out = this.makeCollector()
  }

  async prepare(): Promise<void> {
    this.prepared = await this.spec.prepare?.(this.self.context)
    this.setAlarm()
  }

  async cleanup(): Promise<void> {
    this.alarm?.stop()
    await this.spec.cleanup?.(this.prepared)
  }

  /** State was put into the store: its timers are watched from now on. */
  onStateLoaded(): void {
    this.setAlarm()
  }

  tick(): void {
    // A tick has no key.
  }

  keyOf(tuple: EngineTuple): unknown {
    return lineKey(this.readKey(tuple.values))
  }

  /** HOT. */
  protected invoke(tuple: EngineTuple): Result {
    const stateCall = this.store.open(this.readKey(tuple.values))
    this.stateCall = stateCall
    this.out.begin()
    this.beforeUserCall()
    return this.spec.execute(tuple, this.out, stateCall.views, this.prepared)
  }

  /** HOT. */
  protected settleNow(tuple: EngineTuple): void {
    this.out.check(false)
    // Emits first: one that cannot be sent leaves the state as it was, so a retry does not count twice.
    this.out.flush(tuple)
    const { stateCall } = this
    this.stateCall = undefined
    stateCall?.commit()
    this.ack(tuple)
    if (this.store.timerCount > 0) this.setAlarm()
  }

  protected discardNow(_tuple: EngineTuple): void {
    this.out.discard()
    this.stateCall?.rollBack()
    this.stateCall = undefined
  }

  detach(call: Call): void {
    call.collector = this.out
    call.stateCall = this.stateCall
    this.stateCall = undefined
    this.out = this.makeCollector()
  }

  invokeFor(call: Call): Result {
    const { tuple } = call
    if (tuple === undefined) return this.invokeTimer(call)
    const collector = this.makeCollector()
    const stateCall = this.store.open(this.readKey(tuple.values))
    call.collector = collector
    call.stateCall = stateCall
    collector.begin()
    this.beforeUserCall()
    return this.spec.execute(tuple, collector, stateCall.views, this.prepared)
  }

  settle(call: Call): void {
    call.collector?.check(false)
    call.collector?.flush(call.tuple)
    const stateCall = call.stateCall as KeyedCall | undefined
    call.stateCall = undefined
    stateCall?.commit()
    if (call.tuple !== undefined) this.ack(call.tuple)
    this.setAlarm()
  }

  discard(call: Call): void {
    call.collector?.discard()
    const stateCall = call.stateCall as KeyedCall | undefined
    call.stateCall = undefined
    stateCall?.rollBack()
    if (call.tuple === undefined && call.error !== undefined) this.onTimerThrew(call.error)
  }

  override close(): void {
    this.alarm?.stop()
    super.close()
  }

  private setAlarm(): void {
    const soonestMs = this.store.nextTimerMs
    if (soonestMs === undefined || soonestMs >= this.alarmAtMs || this.isAlarmAsked) return
    this.alarm?.stop()
    this.alarmAtMs = soonestMs
    const { clock, timers } = this.services.host
    const waitMs = Math.min(
      SLEEP_MAX_MS,
      Math.max(0, Math.max(soonestMs, this.noTimerBeforeMs) - clock.now()),
    )
    this.alarm = timers.after(waitMs, () => {
      this.isAlarmAsked = true
      this.parts.callSoon(() => this.onAlarm())
    })
  }

  private onAlarm(): void {
    this.alarmAtMs = Number.POSITIVE_INFINITY
    this.isAlarmAsked = false
    for (const due of this.store.dueTimers(this.services.host.clock.now())) {
      const key = lineKey(due.key)
      if (this.calls.isBusy(key)) this.calls.enqueueFor(key, due)
      else this.fire(due)
    }
    this.setAlarm()
  }

  /** A timer that had to wait for a call of its key. */
  private invokeTimer(call: Call): Result {
    const due = call.occasion as DueTimer
    const stateCall = this.store.openFired(due)
    if (stateCall === undefined) return undefined
    const collector = this.makeCollector()
    call.stateCall = stateCall
    call.collector = collector
    collector.begin()
    return this.callTimer(due, collector, stateCall)
  }

  private callTimer(due: DueTimer, out: CallCollector, stateCall: KeyedCall): Result {
    const handler = this.spec.onTimer?.[due.name]
    const timer = { key: due.key, time: due.timeMs }
    return handler?.call(this.spec.onTimer, timer, out, stateCall.views, this.prepared)
  }

  private fire(due: DueTimer): void {
    const stateCall = this.store.openFired(due)
    if (stateCall === undefined) return
    const { out } = this
    out.begin()
    try {
      const result = this.callTimer(due, out, stateCall)
      if (isPromise(result)) {
        this.stateCall = stateCall
        this.calls.adopt(undefined, result, lineKey(due.key))
        return
      }
    } catch (error) {
      out.discard()
      stateCall.rollBack()
      this.onTimerThrew(error)
      return
    }
    this.takeEffect(stateCall, out)
  }

  private takeEffect(stateCall: KeyedCall, out: CallCollector): void {
    try {
      out.check(false)
      out.flush(undefined)
    } catch (error) {
      out.discard()
      stateCall.rollBack()
      this.onTimerThrew(error)
      return
    }
    try {
      stateCall.commit()
      this.timerWaits.reset()
    } catch (error) {
      this.onTimerThrew(error)
    }
  }

  /**
   * Rolled back, the timer is due again: not at once, or a handler that always throws would do nothing else.
   */
  private onTimerThrew(error: unknown): void {
    this.noTimerBeforeMs = this.services.host.clock.now() + this.timerWaits.nextMs()
    this.reportThrow(error)
    this.setAlarm()
  }

  private makeCollector(): CallCollector {
    const { componentId, task } = this.self
    return new CallCollector(this.self.outputs, (error) =>
      this.services.desk.report({ componentId, task, error }),
    )
  }
}

/** A key by which calls stand in line: equal for equal keys. */
function lineKey(key: unknown): unknown {
  return Array.isArray(key) ? JSON.stringify(key.map(String)) : key
}

/** One key field: its value. Several: the list of their values. */
function keyReaderOf(fields: readonly string[]): (values: object) => unknown {
  const [only, ...rest] = fields.map(compileField)
  if (only !== undefined && rest.length === 0) return only
  const all = fields.map(compileField)
  return (values) => all.map((read) => read(values))
}
