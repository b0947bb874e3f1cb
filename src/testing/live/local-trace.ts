/**
 * Follows one tuple of a spout through its tree: who executed what was emitted for it, when, and for how
 * long.
 *
 * A hop's parent is known exactly inside a worker, where a tuple is the same object at both ends; over a link
 * it is taken to be the last hop of the sending task.
 */
import { UnavailableError } from '../../base/errors.ts'
import { parseDuration } from '../../config/duration.ts'
import type { TreeRoot } from '../../flow/ack/tree-root.ts'
import type { TaskIdentity } from '../../flow/executor/task-identity.ts'
import { EngineTuple } from '../../flow/executor/tuple.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { TraceOptions, TraceStep, TupleTrace } from '../../rpc/contract.ts'
import type { TaskHook } from '../../topology/hook.ts'
import type { AnyValues, Failure } from '../../topology/tuple.ts'
import type { Probes, SeenEmit } from './local-probes.ts'
import { maskedValues } from './local-tap.ts'

const TIMEOUT_MS = 30_000

export interface TraceSpec {
  readonly probes: Probes
  readonly host: Host
  readonly isSpout: (componentId: string) => boolean
  readonly workerOf: (task: number) => string
  readonly masked: ReadonlySet<string>
}

/** @throws UnavailableError OPERATION_TIMED_OUT: no tuple came, or its tree was not done in time */
export function traceTuple(spec: TraceSpec, options: TraceOptions): Promise<TupleTrace> {
  return new Tracer(spec, options).trace()
}

interface Hop {
  readonly tuple: EngineTuple
  readonly self: TaskIdentity
  readonly startMs: number
  readonly executeMs: number
}

interface Emitted {
  readonly atMs: number
  readonly anchor: EngineTuple | undefined
}

class Tracer {
  private readonly spec: TraceSpec
  private readonly options: TraceOptions
  private readonly hops: Hop[] = []
  private readonly emits = new WeakMap<object, Emitted>()
  private readonly stops: Stoppable[] = []
  private root: TreeRoot | undefined = undefined
  private startMs = 0
  private finish: (trace: TupleTrace) => void = () => undefined

  constructor(spec: TraceSpec, options: TraceOptions) {
    this.spec = spec
    this.options = options
  }

  async trace(): Promise<TupleTrace> {
    const { probes, host } = this.spec
    const { timeout } = this.options
    const timeoutMs = timeout === undefined ? TIMEOUT_MS : parseDuration(timeout)
    try {
      return await new Promise<TupleTrace>((resolve, reject) => {
        this.finish = resolve
        this.stops.push(
          probes.listen(
            () => true,
            (emit) => this.onEmit(emit),
          ),
        )
        this.stops.push(probes.hook((self) => this.hookOf(self)))
        this.stops.push(
          host.timers.after(timeoutMs, () => {
            const what = this.root === undefined ? 'no tuple came that fits' : 'its tree was not done'
            reject(
              new UnavailableError('OPERATION_TIMED_OUT', `trace: ${what} within ${timeoutMs / 1_000} s`),
            )
          }),
        )
      })
    } finally {
      for (const each of this.stops) each.stop()
    }
  }

  private onEmit({ self, values, anchor, root }: SeenEmit): void {
    if (this.root === undefined) this.begin(self, values, anchor, root)
    if (this.root === undefined || root === undefined || !this.isTraced(root)) return
    this.emits.set(values, { atMs: this.nowMs(), anchor })
  }

  private begin(
    self: TaskIdentity,
    values: AnyValues,
    anchor: EngineTuple | undefined,
    root: TreeRoot | undefined,
  ): void {
    const { spout, where } = this.options
    if (root === undefined || anchor !== undefined || !this.spec.isSpout(self.componentId)) return
    if ((spout !== undefined && spout !== self.componentId) || where?.(values) === false) return
    this.root = root
    this.startMs = this.nowMs()
  }

  private hookOf(self: TaskIdentity): TaskHook {
    return {
      execute: (tuple, durationMs) => {
        if (!(tuple instanceof EngineTuple) || !this.hasTraced(tuple)) return
        const executeMs = durationMs ?? 0
        this.hops.push({ tuple, self, startMs: this.nowMs() - executeMs, executeMs })
      },
      spoutAck: (messageId) => this.onVerdict(messageId, undefined),
      spoutFail: (messageId, failure) => this.onVerdict(messageId, failure),
    }
  }

  private onVerdict(messageId: unknown, failure: Failure | undefined): void {
    const { root } = this
    if (root === undefined || root.messageId !== messageId) return
    const failed = failure?.reason === 'timeout' ? 'expired' : 'failed'
    this.finish({
      id: `${hex(root.idHigh)}${hex(root.idLow)}`,
      outcome: failure === undefined ? 'acked' : failed,
      durationMs: this.nowMs() - this.startMs,
      steps: this.steps(),
    })
  }

  private steps(): TraceStep[] {
    const hops = this.hops.toSorted((a, b) => a.startMs - b.startMs)
    // Hops that began in the same instant are told apart by who emitted whom.
    const ordered: Hop[] = []
    const add = (hop: Hop): void => {
      if (ordered.includes(hop)) return
      const anchor = this.emits.get(hop.tuple.values)?.anchor
      const parent = hops.find((each) => each.tuple === anchor)
      if (parent !== undefined && parent !== hop) add(parent)
      ordered.push(hop)
    }
    for (const hop of hops) add(hop)
    return ordered.map((hop, index) => this.stepOf(hop, ordered.slice(0, index)))
  }

  private stepOf(hop: Hop, before: readonly Hop[]): TraceStep {
    const { tuple, self, startMs, executeMs } = hop
    const emitted = this.emits.get(tuple.values)
    let parent = before.findIndex((each) => each.tuple === emitted?.anchor)
    if (parent < 0 && emitted === undefined) {
      parent = before.findLastIndex((each) => each.self.task === tuple.sourceTask)
    }
    const sender = before[parent]
    const sentMs = emitted?.atMs ?? (sender === undefined ? this.startMs : sender.startMs + sender.executeMs)
    return {
      parent: parent < 0 ? undefined : parent,
      component: self.componentId,
      task: self.task,
      worker: this.spec.workerOf(self.task),
      stream: `${tuple.sourceComponent}:${tuple.sourceStream}`,
      values: maskedValues(tuple.values, this.spec.masked),
      arrivedMs: Math.max(0, sentMs - this.startMs),
      queuedMs: Math.max(0, startMs - sentMs),
      executeMs,
    }
  }

  private hasTraced(tuple: EngineTuple): boolean {
    if (tuple.root !== undefined && this.isTraced(tuple.root)) return true
    return tuple.more?.some(({ root }) => this.isTraced(root)) === true
  }

  private isTraced(root: TreeRoot): boolean {
    const traced = this.root
    if (traced === undefined || root === traced) return traced !== undefined
    return root.idLow === traced.idLow && root.idHigh === traced.idHigh && (root.idLow | root.idHigh) !== 0
  }

  private nowMs(): number {
    return this.spec.host.clock.monotonicMs()
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
