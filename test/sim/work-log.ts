/** What bolts did, as they say themselves, and what was seen of the order in which they got their tuples. */
import type { DeadLetter } from '../../src/topology/tuple.ts'
import { type Model, type ModelBolt, walk } from './model.ts'

export class WorkLog {
  readonly violations: string[] = []
  readonly seen = new Map<string, number>()
  private readonly done = new Map<string, Set<string>>()
  private readonly givenUp = new Set<string>()
  private readonly lastSequence = new Map<string, number>()
  private readonly model: Model

  constructor(model: Model) {
    this.model = model
  }

  violate(text: string): void {
    if (this.violations.length < 20) this.violations.push(text)
  }

  see(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }

  /** A bolt has done its work for a tuple. */
  onDone(bolt: ModelBolt, task: number, values: SimValues): void {
    for (const part of partsOf(values)) {
      const item = itemOf(part)
      const log = this.done.get(item) ?? new Set()
      log.add(`${bolt.id}|${part}|${values.hops}`)
      log.add(`${bolt.id}|${part}|${values.hops}|${task}`)
      this.done.set(item, log)
      if (part.includes('!'))
        this.violate(`I-atomic: ${bolt.id} got ${part}, which a call emitted that threw`)
    }
  }

  /** A tuple came to a task for the first time: those of one sender come in the order in which they left. */
  onArrived(receiver: string, values: SimValues): void {
    if (values.seq === 0) return
    const channel = `${values.from} → ${receiver}`
    const last = this.lastSequence.get(channel) ?? 0
    if (values.seq <= last) this.violate(`order: ${channel} brought ${values.seq} after ${last}`)
    this.lastSequence.set(channel, values.seq)
  }

  onDeadLetter(letter: DeadLetter): void {
    this.see('dead letter')
    const values = letter.values as SimValues
    for (const part of partsOf(values)) this.givenUp.add(`${letter.component}|${part}`)
  }

  isGivenUp(source: string, item: string): boolean {
    return this.givenUp.has(`${source}|${item}`)
  }

  /** What of an item's tree was not done; undefined: all was. */
  missingOf(
    source: string,
    item: string,
    tasksOf: (component: string) => readonly number[],
  ): string | undefined {
    const log = this.done.get(item)
    let missing: string | undefined
    walk(this.model, source, item, ({ bolt, part, hops, isForAll }) => {
      if (this.givenUp.has(`${bolt.id}|${part}`)) return false
      const keys = isForAll
        ? tasksOf(bolt.id).map((task) => `${bolt.id}|${part}|${hops}|${task}`)
        : [`${bolt.id}|${part}|${hops}`]
      for (const key of keys) if (log === undefined || !log.has(key)) missing ??= key
      return true
    })
    return missing
  }
}

/** What every tuple of a simulated topology carries. */
export interface SimValues {
  /** Lineages, one of each item it belongs to. */
  readonly parts: string
  readonly key: number
  readonly hops: number
  /** Sending task in its life, and its count of tuples; 0: from a source, or from where order is not kept. */
  readonly from: string
  readonly seq: number
}

export function partsOf({ parts }: SimValues): readonly string[] {
  return parts.split(',')
}

export function itemOf(part: string): string {
  const end = part.indexOf('>')
  return end < 0 ? part : part.slice(0, end)
}
