/**
 * The collector of one atomic call: keeps its emits until the call has returned, then sends them, anchored to
 * the call's tuple. A call that threw has emitted nothing.
 *
 * One object serves all synchronous calls of a task, one after the other. A call that returned a promise
 * takes its collector along, and the task makes a new one.
 *
 * Invariants
 *   C1  Between `begin` and `flush`/`discard` the collector belongs to one call; outside it refuses emits.
 */
import { UsageError } from '../../../base/errors.ts'
import type { AnyValues } from '../../../topology/tuple.ts'
import type { StreamOutput } from '../../route/stream-output.ts'
import type { Target } from '../../route/target.ts'
import type { TaskOutputs } from '../task-identity.ts'
import type { EngineTuple } from '../tuple.ts'

const NO_ANCHORS: readonly EngineTuple[] = []

export class CallCollector {
  /** No event time is propagated yet past the sources, so no watermark was seen. */
  readonly watermark = Number.NEGATIVE_INFINITY
  count = 0
  private isOpen = false
  private readonly outputs: TaskOutputs
  private readonly onLateEmit: (error: UsageError) => void
  // Emits in order; entries above `count` are left-overs of earlier calls and mean nothing.
  private readonly streams: StreamOutput[] = []
  private readonly values: AnyValues[] = []
  /** Targets of direct emits, by position; undefined while the call made none. */
  private direct: Map<number, readonly Target[]> | undefined = undefined

  constructor(outputs: TaskOutputs, onLateEmit: (error: UsageError) => void) {
    this.outputs = outputs
    this.onLateEmit = onLateEmit
  }

  /** HOT. */
  begin(): void {
    this.isOpen = true
    this.count = 0
  }

  /** HOT. Part of the public contract: see BasicCollector. */
  emit(streamOrValues: unknown, values?: unknown): void {
    if (!this.isOpen) {
      this.refuseLate()
      return
    }
    const { outputs } = this
    const output = outputs.outputOf(streamOrValues)
    const given = typeof streamOrValues === 'string' ? values : streamOrValues
    const admitted = outputs.admit(output, given, false)
    const at = this.count
    this.streams[at] = output
    this.values[at] = admitted
    this.count = at + 1
  }

  emitDirect(task: number, streamId: string, values: unknown): void {
    if (!this.isOpen) {
      this.refuseLate()
      return
    }
    const output = this.outputs.outputOf(streamId)
    const admitted = this.outputs.admit(output, values, true)
    const at = this.count
    this.direct ??= new Map()
    this.direct.set(at, output.directTargets(task))
    this.streams[at] = output
    this.values[at] = admitted
    this.count = at + 1
  }

  /**
   * HOT. Looks at what a link would refuse, while nothing of the call has taken effect: after this its emits
   * can be sent. `isAlone`: nothing but the emits would be left behind, so a single tuple may try it out.
   * @throws UsageError VALUE_NOT_ENCODABLE, VALUE_OUT_OF_RANGE; UserCodeError TUPLE_TOO_LARGE
   */
  check(isAlone: boolean): void {
    const { tryEncode } = this.outputs
    const { count, streams, values } = this
    if (tryEncode === undefined || count === 0) return
    if (isAlone && count === 1 && streams[0]?.isSingle === true) return
    for (let i = 0; i < count; i += 1) {
      const output = streams[i]
      const emitted = values[i]
      if (output?.mayLeave === true && emitted !== undefined) tryEncode(output.ref, emitted)
    }
  }

  /** HOT. The call is done: what it emitted takes effect. `anchor` undefined: untracked (ticks). */
  flush(anchor: EngineTuple | undefined): void {
    this.isOpen = false
    const { count, streams, values } = this
    if (count === 0) return
    if (this.direct !== undefined) {
      this.flushMixed(anchor, this.direct)
      return
    }
    // Chained bolts run inside the loop, but in collectors of their own: `streams` and `values` stay as they
    // are.
    for (let i = 0; i < count; i += 1) {
      const output = streams[i]
      const emitted = values[i]
      if (output === undefined || emitted === undefined) continue
      if (anchor === undefined) output.emitRoot(emitted, undefined, undefined)
      else output.emitAnchored(emitted, anchor)
    }
    this.count = 0
  }

  /** The call threw: it has left no trace. */
  discard(): void {
    this.isOpen = false
    this.count = 0
    this.direct = undefined
  }

  private flushMixed(anchor: EngineTuple | undefined, direct: ReadonlyMap<number, readonly Target[]>): void {
    this.direct = undefined
    const anchors = anchor === undefined ? NO_ANCHORS : [anchor]
    for (let i = 0; i < this.count; i += 1) {
      const output = this.streams[i]
      const values = this.values[i]
      if (output === undefined || values === undefined) continue
      const targets = direct.get(i)
      if (targets !== undefined) for (const target of targets) output.emitDirect(target, values, anchors)
      else if (anchor !== undefined) output.emitAnchored(values, anchor)
      else output.emitRoot(values, undefined, undefined)
    }
    this.count = 0
  }

  private refuseLate(): void {
    this.onLateEmit(
      new UsageError(
        'EMIT_AFTER_ACK',
        'a bolt emitted after its call had returned, most likely from a promise that is not awaited; ' +
          'make execute async and await it, or use richBolt',
      ),
    )
  }
}
