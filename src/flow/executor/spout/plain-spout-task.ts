/** A task of a `spout`, Storm's form: it emits with message ids and replays by itself. */
import { Backoff } from '../../../base/backoff.ts'
import type { PlainSpoutDefinition, Result } from '../../../topology/definition.ts'
import type { Failure } from '../../../topology/tuple.ts'
import type { TreeRoot } from '../../ack/tree-root.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { isPromise } from '../user-code.ts'
import { SpoutCollector } from './spout-collector.ts'
import { Next, type SpoutHome, SpoutTask } from './spout-task.ts'

/** Waits after nextTuple threw, so that a broken spout does not spin. */
const THROW_WAITS = { firstMs: 10, factor: 2, maxMs: 10_000 }

export class PlainSpoutTask extends SpoutTask {
  private readonly definition: PlainSpoutDefinition
  private readonly collector: SpoutCollector
  private readonly throwWaits: Backoff
  private prepared: unknown = undefined
  private emittedCount = 0
  private isWaiting = false

  constructor(
    self: TaskIdentity,
    services: EngineServices,
    home: SpoutHome,
    definition: PlainSpoutDefinition,
  ) {
    super(self, services, home)
    this.definition = definition
    this.throwWaits = new Backoff(THROW_WAITS, () => services.random.next())
    this.collector = new SpoutCollector(self.outputs, {
      emitTuple: (output, values, messageId, direct) => {
        this.emittedCount += 1
        this.emitTuple(output, values, messageId, direct)
        this.services.loop.arm()
      },
      get pendingCount() {
        return pendingOf()
      },
    })
    const pendingOf = () => this.pendingCount
  }

  async open(): Promise<void> {
    this.prepared = await this.definition.spec.open?.(this.self.context, this.collector)
  }

  async close(): Promise<void> {
    await this.definition.spec.close?.(this.prepared)
  }

  override activate(): void {
    try {
      this.definition.spec.activate?.(this.prepared)
    } catch (error) {
      this.reportThrow(error)
    }
  }

  override deactivate(): void {
    try {
      this.definition.spec.deactivate?.(this.prepared)
    } catch (error) {
      this.reportThrow(error)
    }
  }

  /** HOT. */
  next(): number {
    if (this.isWaiting) return Next.WAITING
    const before = this.emittedCount
    try {
      this.services.beforeCall?.(this.self.componentId, 'nextTuple')
      const result: Result = this.definition.spec.nextTuple(this.collector, this.prepared)
      if (result !== undefined && isPromise(result)) {
        this.wait(result, before)
        return Next.WAITING
      }
    } catch (error) {
      this.rest(error)
      return Next.WAITING
    }
    this.throwWaits.reset()
    return this.emittedCount === before ? Next.EMPTY : Next.EMITTED
  }

  protected onAcked(root: TreeRoot): void {
    this.definition.spec.ack?.(root.messageId, this.prepared)
  }

  protected onFailed(root: TreeRoot, failure: Failure): void {
    this.definition.spec.fail?.(root.messageId, this.prepared, failure)
  }

  protected onUntracked(messageId: unknown): void {
    this.definition.spec.ack?.(messageId, this.prepared)
  }

  private wait(promise: PromiseLike<unknown>, before: number): void {
    const { host } = this.services
    this.isWaiting = true
    host.userCallBegan()
    Promise.resolve(promise).then(
      () => {
        host.userCallEnded()
        this.throwWaits.reset()
        const waitMs = this.emittedCount === before ? this.self.settings.spoutEmptyWaitMs : 0
        this.goOn(waitMs)
      },
      (error: unknown) => {
        host.userCallEnded()
        this.rest(error)
      },
    )
  }

  private rest(error: unknown): void {
    this.isWaiting = true
    this.reportThrow(error)
    this.goOn(this.throwWaits.nextMs())
  }

  private goOn(waitMs: number): void {
    if (waitMs === 0) {
      this.isWaiting = false
      this.home.wake()
      return
    }
    this.services.host.timers.after(waitMs, () => {
      this.isWaiting = false
      this.home.wake()
    })
  }
}
