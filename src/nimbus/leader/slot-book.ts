/**
 * Who holds which slot while a round is written, batch by batch. Pure: round.ts asks before it writes.
 *
 * The plan gives a slot away that its holder leaves. But the holder's write may fail, and a holder that has
 * to drain first leaves later: until then two topologies would have a worker in one slot.
 */
import type { AssignmentRecord } from '../../cluster/records.ts'
import type { Batch } from './round-case.ts'

export class SlotBook {
  /** `node:port` → topology. */
  private readonly holders = new Map<string, string>()
  private readonly slots = new Map<string, readonly string[]>()

  constructor(assignments: Iterable<AssignmentRecord>) {
    for (const record of assignments) this.take(record)
  }

  /** Other topologies that still hold a slot which this batch takes. */
  holdersOf(batch: Batch): readonly string[] {
    const holders = batch.writes.flatMap((write) => {
      if (write.kind !== 'put-assignment') return []
      return slotsOf(write.record).flatMap((slot) => this.holders.get(slot) ?? [])
    })
    return holders.filter((holder) => holder !== batch.topologyId)
  }

  /** It stands on the board now. */
  written(batch: Batch): void {
    for (const write of batch.writes) {
      if (write.kind === 'delete-assignment') this.release(write.id)
      else if (write.kind === 'put-assignment') this.take(write.record)
    }
  }

  private take(record: AssignmentRecord): void {
    this.release(record.topologyId)
    const slots = slotsOf(record)
    this.slots.set(record.topologyId, slots)
    for (const slot of slots) this.holders.set(slot, record.topologyId)
  }

  private release(topologyId: string): void {
    for (const slot of this.slots.get(topologyId) ?? []) {
      if (this.holders.get(slot) === topologyId) this.holders.delete(slot)
    }
    this.slots.delete(topologyId)
  }
}

/**
 * The next batch to write: the first that takes nobody's slot, or else the first that takes only slots of
 * others that wait as well: they change places. undefined: what is left waits for the next round.
 */
export function nextBatch(waiting: readonly Batch[], book: SlotBook): Batch | undefined {
  const free = waiting.find((batch) => book.holdersOf(batch).length === 0)
  if (free !== undefined) return free
  const ids = new Set(waiting.map(({ topologyId }) => topologyId))
  return waiting.find((batch) => book.holdersOf(batch).every((holder) => ids.has(holder)))
}

function slotsOf({ workers }: AssignmentRecord): readonly string[] {
  return workers.map(({ node, port }) => `${node}:${port}`)
}
