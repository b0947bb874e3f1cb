/**
 * Who holds which slot while a round is written, batch by batch. Pure: round.ts asks before it writes.
 *
 * The plan gives a slot away that its holder leaves. But the holder's write may fail, and a holder that has
 * to drain first leaves later: until then two topologies would have a worker in one slot.
 */
import type { AssignmentRecord } from '../../cluster/records.ts'
import type { Batch } from './round-case.ts'

/** A slot that is taken from its holder. */
export interface Claim {
  readonly slot: string
  readonly holder: string
}

export class SlotBook {
  /** `node:port` → topology. */
  private readonly holders = new Map<string, string>()
  private readonly slots = new Map<string, readonly string[]>()

  constructor(assignments: Iterable<AssignmentRecord>) {
    for (const record of assignments) this.take(record)
  }

  /** Slots that this batch takes and another topology still holds. */
  claimsOf(batch: Batch): readonly Claim[] {
    const claims = batch.writes.flatMap((write) => {
      if (write.kind !== 'put-assignment') return []
      return slotsOf(write.record).flatMap((slot): Claim[] => {
        const holder = this.holders.get(slot)
        return holder === undefined ? [] : [{ slot, holder }]
      })
    })
    return claims.filter(({ holder }) => holder !== batch.topologyId)
  }

  /** It has no slot after this batch that it has not now. */
  takesNothing({ topologyId, writes }: Batch): boolean {
    const own = new Set(this.slots.get(topologyId))
    return writes.every((write) => {
      return write.kind !== 'put-assignment' || slotsOf(write.record).every((slot) => own.has(slot))
    })
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
  const free = waiting.find((batch) => book.claimsOf(batch).length === 0)
  if (free !== undefined) return free
  const ids = new Set(waiting.map(({ topologyId }) => topologyId))
  return waiting.find((batch) => book.claimsOf(batch).every(({ holder }) => ids.has(holder)))
}

/** The holder gives that slot up with its own batch. */
export function isGivenUp({ slot, holder }: Claim, batch: Batch | undefined): boolean {
  return (batch?.writes ?? []).some((write) => {
    if (write.kind === 'delete-assignment') return write.id === holder
    if (write.kind !== 'put-assignment' || write.record.topologyId !== holder) return false
    return !slotsOf(write.record).includes(slot)
  })
}

function slotsOf({ workers }: AssignmentRecord): readonly string[] {
  return workers.map(({ node, port }) => `${node}:${port}`)
}
