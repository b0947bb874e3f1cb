/**
 * What a run under test has done: items of every stream, what sinks made visible, verdicts of sources.
 *
 * Outlives workers and their restarts. What a stream shows includes what was emitted again after a replay;
 * what was acked is counted once for each item of a source, however often it was replayed.
 */
import type { PositionedEntry } from '../../flow/executor/spout/acked-prefix.ts'
import type { TopologyContext } from '../../topology/context.ts'
import type { SinkDefinition } from '../../topology/definition.ts'
import type { TaskHook } from '../../topology/hook.ts'
import type { Worker } from '../../worker/worker.ts'
import { MockPosition } from './mock-source.ts'

export class Recordings {
  failedCount = 0
  private readonly streams = new Map<string, unknown[]>()
  private readonly sinks = new Map<string, SinkRecord>()
  private readonly acked = new Map<string, Set<number>>()

  /** Items acked, each counted once. */
  get ackedCount(): number {
    let count = 0
    for (const indices of this.acked.values()) count += indices.size
    return count
  }

  /** Items of a stream, `component:stream`, in the order of their emits. */
  itemsOf(stream: string): readonly unknown[] {
    return this.streams.get(stream) ?? []
  }

  sinkOf(componentId: string): SinkRecord {
    let sink = this.sinks.get(componentId)
    if (sink === undefined) {
      sink = new SinkRecord()
      this.sinks.set(componentId, sink)
    }
    return sink
  }

  /** Records what the tasks of a worker emit from now on. */
  watch(worker: Worker): void {
    for (const { self } of [...worker.boltTasks, ...worker.spoutTasks]) {
      for (const output of self.outputs.byId.values()) {
        const { componentId, streamId, carriesPlainValues } = output.ref
        const items = this.listOf(`${componentId}:${streamId}`)
        output.observer = carriesPlainValues
          ? (values) => items.push(values['value'])
          : (values) => items.push(values)
      }
    }
  }

  /** For each task of the topology: counts verdicts of sources. */
  makeHook(): TaskHook {
    return new VerdictCounter(this)
  }

  onAcked(componentId: string, position: MockPosition): void {
    const key = `${componentId}/${position.partition}`
    const indices = this.acked.get(key) ?? new Set()
    this.acked.set(key, indices.add(position.index))
  }

  private listOf(stream: string): unknown[] {
    const known = this.streams.get(stream)
    if (known !== undefined) return known
    const items: unknown[] = []
    this.streams.set(stream, items)
    return items
  }
}

class VerdictCounter implements TaskHook {
  private readonly recordings: Recordings
  private componentId = ''

  constructor(recordings: Recordings) {
    this.recordings = recordings
  }

  prepare(context: TopologyContext): void {
    this.componentId = context.component
  }

  spoutAck(messageId: unknown): void {
    const position = (messageId as PositionedEntry | undefined)?.position
    if (position instanceof MockPosition) this.recordings.onAcked(this.componentId, position)
  }

  spoutFail(): void {
    this.recordings.failedCount += 1
  }
}

/** A transaction of a recorded sink. */
class Recorded {
  readonly items: unknown[] = []
  isVisible = false
}

/** What a sink has made visible. */
export class SinkRecord {
  private readonly list: unknown[] = []
  private readonly byKey = new Map<unknown, unknown>()
  private readonly receipts = new Map<string, Recorded>()

  /**
   * In the order in which it became visible; of an idempotent sink with keys, each key where it was first.
   */
  get written(): unknown[] {
    return [...this.byKey.values(), ...this.list]
  }

  /** The same sink, recorded instead of written. Batches, attempts and transactions stay as they are. */
  recorded(definition: SinkDefinition, isLingering: boolean): SinkDefinition {
    const { retry, batch } = definition.spec
    const kept = {
      ...(retry === undefined ? {} : { retry }),
      ...(isLingering && batch !== undefined ? { batch } : {}),
      ...(isLingering ? {} : { batch: { ...batch, linger: '0ms' as const } }),
    }
    if (definition.sinkKind === 'transactional')
      return { ...definition, spec: { ...kept, ...this.transactions() } }
    const { spec } = definition
    const keyOf = spec.key === undefined ? undefined : (item: unknown) => spec.key?.(item)
    return { ...definition, spec: { ...kept, write: (items: readonly unknown[]) => this.add(items, keyOf) } }
  }

  private add(items: readonly unknown[], keyOf: ((item: unknown) => unknown) | undefined): void {
    if (keyOf === undefined) this.list.push(...items)
    else for (const item of items) this.byKey.set(keyText(keyOf(item)), item)
  }

  private transactions() {
    return {
      begin: () => new Recorded(),
      write: (transaction: unknown, items: readonly unknown[]) => {
        if (transaction instanceof Recorded) transaction.items.push(...items)
      },
      prepare: (transaction: unknown) => {
        const receipt = `receipt ${this.receipts.size + 1}`
        if (transaction instanceof Recorded) this.receipts.set(receipt, transaction)
        return receipt
      },
      // Twice is as good as once, as the contract of a sink says.
      commit: (receipt: unknown) => {
        const transaction = this.receipts.get(String(receipt))
        if (transaction === undefined || transaction.isVisible) return
        transaction.isVisible = true
        this.list.push(...transaction.items)
      },
      rollBack: () => {
        // What was written to it is forgotten with it.
      },
    }
  }
}

/** Lists are keys by value. */
function keyText(key: unknown): unknown {
  return Array.isArray(key) ? JSON.stringify(key.map(String)) : key
}
