/** A task of a `richBolt`: it anchors, acks and fails by itself. */
import type { Result, RichBoltDefinition, TaskStateViews } from '../../../topology/definition.ts'
import { compileKeyReader, type KeyReader } from '../../route/key-reader.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { Answer, type EngineTuple } from '../tuple.ts'
import { isPromise } from '../user-code.ts'
import type { Call } from './async-calls.ts'
import { BoltTask, type TaskHome } from './bolt-task.ts'
import { RichCollector } from './rich-collector.ts'

export interface RichTaskParts {
  readonly definition: Pick<RichBoltDefinition, 'spec'>
  readonly taskState: TaskStateViews
  readonly keyFields: ReadonlyMap<number, readonly string[]>
}

export class RichTask extends BoltTask {
  private readonly parts: RichTaskParts
  private readonly collector: RichCollector
  private readonly readKey: KeyReader
  /**
   * Untracked tuples taken and not answered: what a drain waits for. Tracked ones their spout counts, and
   * does so until they time out, even where a bolt never answers.
   */
  private unansweredCount = 0

  constructor(self: TaskIdentity, services: EngineServices, home: TaskHome, parts: RichTaskParts) {
    super(self, services, home)
    this.parts = parts
    this.readKey = compileKeyReader(parts.keyFields)
    this.collector = new RichCollector(self, services, (tuple) => {
      if (tuple.root === undefined) this.unansweredCount -= 1
    })
  }

  override get inFlightCount(): number {
    return Math.max(this.unansweredCount, this.calls.openCount)
  }

  async prepare(): Promise<void> {
    const { spec } = this.parts.definition
    this.prepared = await spec.prepare?.(this.self.context, this.parts.taskState, this.collector)
  }

  async cleanup(): Promise<void> {
    await this.parts.definition.spec.cleanup?.(this.prepared)
  }

  tick(): void {
    try {
      const result = this.parts.definition.spec.onTick?.(this.collector, this.prepared)
      if (isPromise(result)) this.calls.adopt(undefined, result)
    } catch (error) {
      this.reportThrow(error)
    }
  }

  keyOf(tuple: EngineTuple): unknown {
    return this.readKey(tuple)
  }

  /** HOT. */
  protected invoke(tuple: EngineTuple): Result {
    if (tuple.root === undefined) this.unansweredCount += 1
    this.beforeUserCall()
    return this.parts.definition.spec.execute(tuple, this.collector, this.prepared)
  }

  protected settleNow(_tuple: EngineTuple): void {
    // It answers by itself, now or later.
  }

  protected discardNow(tuple: EngineTuple): void {
    if (tuple.answer === Answer.OPEN && tuple.root === undefined) this.unansweredCount -= 1
  }

  detach(_call: Call): void {
    // Nothing belongs to a single call.
  }

  invokeFor(call: Call): Result {
    if (call.tuple === undefined) return undefined
    return this.invoke(call.tuple)
  }

  settle(_call: Call): void {
    // It has answered, or will.
  }

  discard(call: Call): void {
    if (call.tuple === undefined) {
      if (call.error !== undefined) this.reportThrow(call.error)
    } else this.discardNow(call.tuple)
  }

  /** A call that answered its tuple and was rejected then: the answer stands. */
  override giveUp(tuple: EngineTuple, error: unknown, attempts: number): void {
    if (tuple.answer === Answer.OPEN) super.giveUp(tuple, error, attempts)
    else this.reportThrow(error)
  }
}
