/** A task of a `bolt`: atomic calls, anchored and acked by the engine. */
import type { UsageError } from '../../../base/errors.ts'
import type { BasicBoltDefinition, Result, TaskStateViews } from '../../../topology/definition.ts'
import { compileKeyReader, type KeyReader } from '../../route/key-reader.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import type { EngineTuple } from '../tuple.ts'
import { isPromise } from '../user-code.ts'
import type { Call } from './async-calls.ts'
import { BoltTask, type TaskHome } from './bolt-task.ts'
import { CallCollector } from './call-collector.ts'

export interface BasicTaskParts {
  readonly definition: BasicBoltDefinition
  readonly taskState: TaskStateViews
  /** Key fields of the grouping that feeds it, by stream number: for order `key`. */
  readonly keyFields: ReadonlyMap<number, readonly string[]>
}

export class BasicTask extends BoltTask {
  private readonly parts: BasicTaskParts
  private readonly readKey: KeyReader
  private out: CallCollector

  constructor(self: TaskIdentity, services: EngineServices, home: TaskHome, parts: BasicTaskParts) {
    super(self, services, home)
    this.parts = parts
    this.readKey = compileKeyReader(parts.keyFields)
    this.out = this.makeCollector()
  }

  async prepare(): Promise<void> {
    const { spec } = this.parts.definition
    this.prepared = await spec.prepare?.(this.self.context, this.parts.taskState)
  }

  async cleanup(): Promise<void> {
    await this.parts.definition.spec.cleanup?.(this.prepared)
  }

  tick(): void {
    const { out } = this
    out.begin()
    let result: Result
    try {
      result = this.parts.definition.spec.onTick?.(out, this.prepared)
      if (isPromise(result)) this.calls.adopt(undefined, result)
      else {
        out.check(true)
        out.flush(undefined)
      }
    } catch (error) {
      out.discard()
      this.reportThrow(error)
    }
  }

  keyOf(tuple: EngineTuple): unknown {
    return this.readKey(tuple)
  }

  /** HOT. */
  protected invoke(tuple: EngineTuple): Result {
    const { out } = this
    out.begin()
    this.beforeUserCall()
    return this.parts.definition.spec.execute(tuple, out, this.prepared)
  }

  /** HOT. */
  protected settleNow(tuple: EngineTuple): void {
    this.out.check(true)
    this.out.flush(tuple)
    this.ack(tuple)
  }

  protected discardNow(_tuple: EngineTuple): void {
    this.out.discard()
  }

  detach(call: Call): void {
    call.collector = this.out
    this.out = this.makeCollector()
  }

  invokeFor(call: Call): Result {
    const collector = this.makeCollector()
    call.collector = collector
    collector.begin()
    if (call.tuple === undefined) return undefined
    this.beforeUserCall()
    return this.parts.definition.spec.execute(call.tuple, collector, this.prepared)
  }

  settle(call: Call): void {
    call.collector?.check(true)
    call.collector?.flush(call.tuple)
    if (call.tuple !== undefined) this.ack(call.tuple)
  }

  discard(call: Call): void {
    call.collector?.discard()
    if (call.tuple === undefined && call.error !== undefined) this.reportThrow(call.error)
  }

  private makeCollector(): CallCollector {
    return new CallCollector(this.self.outputs, (error) => this.onLateEmit(error))
  }

  private onLateEmit(error: UsageError): void {
    const { componentId, task } = this.self
    this.services.desk.report({ componentId, task, error })
  }
}
