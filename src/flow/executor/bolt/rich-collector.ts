/**
 * The collector of a rich bolt: emits, acks and fails take effect at once, in or outside of a call.
 */
import { UsageError } from '../../../base/errors.ts'
import type { AnchorOptions } from '../../../topology/collector.ts'
import type { Failure } from '../../../topology/tuple.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { Answer, EngineTuple } from '../tuple.ts'
import { messageOf } from '../user-code.ts'

const NO_ANCHORS: readonly EngineTuple[] = []

export class RichCollector {
  readonly watermark = Number.NEGATIVE_INFINITY
  private readonly self: TaskIdentity
  private readonly services: EngineServices
  private readonly onAnswered: (tuple: EngineTuple) => void

  constructor(self: TaskIdentity, services: EngineServices, onAnswered: (tuple: EngineTuple) => void) {
    this.self = self
    this.services = services
    this.onAnswered = onAnswered
  }

  /** HOT. */
  emit(streamOrValues: unknown, valuesOrOptions?: unknown, maybeOptions?: AnchorOptions): void {
    const isNamed = typeof streamOrValues === 'string'
    const { outputs } = this.self
    const output = outputs.outputOf(streamOrValues)
    const values = outputs.admit(output, isNamed ? valuesOrOptions : streamOrValues, false)
    const anchor = (isNamed ? maybeOptions : (valuesOrOptions as AnchorOptions | undefined))?.anchor
    if (anchor instanceof EngineTuple) output.emitAnchored(values, this.open(anchor))
    else if (anchor === undefined) output.emitRoot(values, undefined, undefined)
    else output.emitJoined(values, this.anchorsOf(anchor))
    this.services.loop.arm()
  }

  emitDirect(task: number, streamId: string, values: unknown, options?: AnchorOptions): void {
    const { outputs } = this.self
    const output = outputs.outputOf(streamId)
    const admitted = outputs.admit(output, values, true)
    const anchors = this.anchorsOf(options?.anchor)
    for (const target of output.directTargets(task)) output.emitDirect(target, admitted, anchors)
    this.services.loop.arm()
  }

  /** HOT. @throws UsageError ACK_TWICE */
  ack(given: unknown): void {
    const tuple = this.take(given, 'acked')
    tuple.answer = Answer.ACKED
    const { self } = this
    self.stats.ackedCount += 1
    if (self.hooks !== undefined) for (const hook of self.hooks) hook.ack?.(tuple)
    this.services.acks.ack(tuple)
    this.onAnswered(tuple)
    this.services.loop.arm()
  }

  /** @throws UsageError ACK_TWICE */
  fail(given: unknown, why?: unknown): void {
    const tuple = this.take(given, 'failed')
    tuple.answer = Answer.FAILED
    const { self } = this
    const message = why === undefined ? undefined : messageOf(why)
    self.stats.failedCount += 1
    const failure: Failure = { reason: 'explicit', component: self.componentId, message, failedBefore: 0 }
    for (const hook of self.hooks ?? []) hook.fail?.(tuple, failure)
    this.services.acks.fail(tuple, 'explicit', self.componentId, message)
    this.onAnswered(tuple)
    this.services.loop.arm()
  }

  resetTimeout(given: unknown): void {
    if (!(given instanceof EngineTuple)) throw this.notOurs(given)
    this.services.acks.reset(given)
  }

  private anchorsOf(anchor: AnchorOptions['anchor']): readonly EngineTuple[] {
    if (anchor === undefined) return NO_ANCHORS
    const list: readonly unknown[] = Array.isArray(anchor) ? anchor : [anchor]
    return list.map((each) => this.open(each))
  }

  /** An anchor must not be answered yet: its edges have been summed up. */
  private open(anchor: unknown): EngineTuple {
    if (!(anchor instanceof EngineTuple)) throw this.notOurs(anchor)
    if (anchor.answer === Answer.OPEN) return anchor
    throw new UsageError(
      'EMIT_AFTER_ACK',
      `${this.self.componentId} emitted with an anchor that it had answered already; emit first, then ack`,
      { component: this.self.componentId },
    )
  }

  private take(given: unknown, how: string): EngineTuple {
    if (!(given instanceof EngineTuple) || given.targetTask !== this.self.task) throw this.notOurs(given)
    if (given.answer === Answer.OPEN) return given
    const before = given.answer === Answer.ACKED ? 'acked' : 'failed'
    throw new UsageError(
      'ACK_TWICE',
      `${this.self.componentId} ${how} a tuple of ${given.sourceComponent}:${given.sourceStream} ` +
        `that it had ${before} already`,
      { component: this.self.componentId },
    )
  }

  private notOurs(given: unknown): UsageError {
    const what = given instanceof EngineTuple ? `a tuple of task ${given.targetTask}` : typeof given
    return new UsageError(
      'ACK_TWICE',
      `${this.self.componentId} answered ${what}, which is not a tuple of its own`,
      {
        component: this.self.componentId,
      },
    )
  }
}
