/**
 * Who holds which slot while a round is written, batch by batch. Pure: round.ts asks before it writes.
 *
 * The plan gives a slot away that its holder leaves. But the holder's write may fail, and a holder that has
 * to drain first leaves later: until then two topologies would have a worker in one slot. Those that change
 * places leave all at once, or none of them.
 */
import type { AssignmentRecord } from '../../../cluster/records.ts'
import type { Batch } from '../round-case.ts'

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
    const slots = batch.writes.flatMap((write) => {
      return write.kind === 'put-assignment' ? slotsOf(write.record) : []
    })
    return this.claimsOn(batch.topologyId, slots)
  }

  /** Of these slots, those that another topology holds. */
  claimsOn(topologyId: string, slots: readonly string[]): readonly Claim[] {
    return slots.flatMap((slot): Claim[] => {
      const holder = this.holders.get(slot)
      return holder === undefined || holder === topologyId ? [] : [{ slot, holder }]
    })
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
 * What is written next, in one write: the first batch that takes nobody's slot; or else the fewest that take
 * slots of each other only, and give them up: they change places. Empty: what is left waits for the next
 * round.
 */
export function nextBatches(waiting: readonly Batch[], book: SlotBook): readonly Batch[] {
  const free = waiting.find((batch) => book.claimsOf(batch).length === 0)
  if (free !== undefined) return [free]
  const left = new Map(waiting.map((batch) => [batch.topologyId, batch]))
  const claims = new Map(waiting.map((batch) => [batch.topologyId, book.claimsOf(batch)]))
  for (let before = -1; before !== left.size; ) {
    before = left.size
    for (const id of [...left.keys()]) {
      const isServed = (claims.get(id) ?? []).every((claim) => isGivenUp(claim, left.get(claim.holder)))
      if (!isServed) left.delete(id)
    }
  }
  let fewest: readonly Batch[] = []
  for (const id of left.keys()) {
    const together = reachedFrom(id, claims)
    if (fewest.length === 0 || together.size < fewest.length)
      fewest = [...together].flatMap((each) => left.get(each) ?? [])
  }
  return fewest
}

/** A topology, those whose slots it takes, those whose slots they take. */
function reachedFrom(id: string, claims: ReadonlyMap<string, readonly Claim[]>): ReadonlySet<string> {
  const reached = new Set([id])
  // A set goes on with what is added meanwhile.
  for (const each of reached) for (const { holder } of claims.get(each) ?? []) reached.add(holder)
  return reached
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
