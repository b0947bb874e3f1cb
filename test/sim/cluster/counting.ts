/**
 * The topology of simulated clusters: numbers from sources that can go back, doubled on the way, collected
 * where the world sees them.
 *
 *   numbers ×s ─shuffle─▶ relay ×r ─fields(key)─▶ sum ×c (keyed state) ─fields(key)─▶ collect ×k
 *
 * The world's side (what was seen, by whom, when) lives in a Ledger outside of the workers, as files would.
 */
import { bolt } from '../../../src/topology/bolt.ts'
import { defineTopology } from '../../../src/topology/define-topology.ts'
import { keyedBolt } from '../../../src/topology/keyed-bolt.ts'
import { fields } from '../../../src/topology/schema/fields.ts'
import { plainSink } from '../../../src/topology/sink.ts'
import { replayableSpout } from '../../../src/topology/spout.ts'
import { valueState } from '../../../src/topology/state-declaration.ts'

const Numbered = fields({ id: 'string', key: 'int' })
const Summed = fields({ id: 'string', key: 'int', count: 'int' })

export const PENDING_MAX = 200

export interface CountingModel {
  readonly name: string
  readonly partitions: number
  /** Items of each partition. */
  readonly items: number
  readonly itemsPerSecond: number
  readonly workers: number
  readonly executors: {
    readonly numbers: number
    readonly relay: number
    readonly sum: number
    readonly collect: number
  }
  readonly keys: number
}

/** What came out, seen from outside. */
export class Ledger {
  readonly seen = new Map<string, number>()
  /** Task → how often it was prepared: restarts are seen by it. */
  readonly prepared = new Map<string, number>()
  /** Key → the most that its keyed state ever counted. */
  readonly counts = new Map<number, number>()

  note(id: string, key: number, count: number): void {
    this.seen.set(id, (this.seen.get(id) ?? 0) + 1)
    this.counts.set(key, Math.max(this.counts.get(key) ?? 0, count))
  }

  notePrepared(component: string, task: number): void {
    const key = `${component}/${task}`
    this.prepared.set(key, (this.prepared.get(key) ?? 0) + 1)
  }

  get repeatedCount(): number {
    return [...this.seen.values()].reduce((sum, times) => sum + times - 1, 0)
  }
}

export function idOf(partition: number, index: number): string {
  return `p${partition}/${index}`
}

function keyOf({ keys }: CountingModel, partition: number, index: number): number {
  return (index * 7 + partition) % keys
}

/** Key → items with it: what keyed state has counted in the end, if none is lost and nothing came twice. */
export function countsOf(model: CountingModel): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (let partition = 0; partition < model.partitions; partition += 1) {
    for (let index = 0; index < model.items; index += 1) {
      const key = keyOf(model, partition, index)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  return counts
}

export function missingOf(model: CountingModel, ledger: Ledger): string[] {
  const missing: string[] = []
  for (let partition = 0; partition < model.partitions; partition += 1) {
    for (let index = 0; index < model.items; index += 1) {
      if (!ledger.seen.has(idOf(partition, index))) missing.push(idOf(partition, index))
    }
  }
  return missing
}

/** `waitMs`: passes virtual time on the worker's own host. */
export function countingTopology(
  model: CountingModel,
  ledger: Ledger,
  waitMs: (node: string, forMs: number, signal: AbortSignal) => Promise<void>,
) {
  const batch = Math.max(1, Math.round(model.itemsPerSecond / 20))
  const numbers = replayableSpout({
    output: Numbered,
    partitions: () => Array.from({ length: model.partitions }, (_, partition) => `p${partition}`),
    async *read(partition, after: number | undefined, signal) {
      let next = (after ?? -1) + 1
      const number = Number(partition.slice(1))
      while (next < model.items && !signal.aborted) {
        const last = Math.min(model.items, next + batch)
        const items = []
        for (; next < last; next += 1) {
          items.push({
            values: { id: idOf(number, next), key: keyOf(model, number, next) },
            position: next,
          })
        }
        yield items
        await waitMs('', (1_000 * batch) / model.itemsPerSecond, signal)
      }
    },
  })
  const relay = bolt({
    input: Numbered,
    output: Numbered,
    prepare: (context) => ledger.notePrepared('relay', context.task),
    execute(tuple, out) {
      out.emit(tuple.values)
    },
  })
  const sum = keyedBolt({
    input: Numbered,
    key: 'key',
    output: Summed,
    state: { seen: valueState({ initial: () => 0 }) },
    prepare: (context) => ledger.notePrepared('sum', context.task),
    execute(tuple, out, { seen }) {
      seen.set(seen.get() + 1)
      out.emit({ id: tuple.values.id, key: tuple.values.key, count: seen.get() })
    },
  })
  const collect = plainSink({
    input: Summed,
    batch: { countMax: 50, linger: '5ms' },
    open: (context) => ledger.notePrepared('collect', context.task),
    write(items) {
      for (const { id, key, count } of items) ledger.note(id, key, count)
    },
  })
  return defineTopology({
    name: model.name,
    config: { workers: model.workers, messageTimeout: '10s', maxSpoutPending: PENDING_MAX },
    build(builder) {
      const { executors } = model
      const read = builder.setSpout('numbers', numbers, executors.numbers)
      const relayed = builder.setBolt('relay', relay, executors.relay).shuffleGrouping(read)
      const summed = builder.setBolt('sum', sum, executors.sum).fieldsGrouping(relayed, 'key')
      builder.setBolt('collect', collect, executors.collect).fieldsGrouping(summed, 'key')
    },
  })
}
