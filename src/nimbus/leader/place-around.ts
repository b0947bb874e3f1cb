/**
 * Plans again around what stays where it is for now. Pure; a part of a round's decision.
 *
 * A plan counts on the slots of who moves. What lives moves by a rebalance only, when it has drained: until
 * then who was lost, or begins, must not wait for such a slot while others are free.
 *
 *   plan ─▶ batches ─▶ who keeps a slot that another needs at once? ─▶ plan again, those held ─▶ batches
 *
 * Invariants
 *   H1  a rebalance keeps its own plan: it waits for the slot it moves to, or it would end without the move
 *   H2  what is held goes on as the first plan says, as long as that takes no slot
 */
import type { TopologyPlan } from '../../schedule/plan.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import type { Place } from './place-all.ts'
import type { Batch, Case } from './round-case.ts'
import { isGivenUp, SlotBook } from './slot-book.ts'

/** Plans in a row, each around more that is held. What is left then waits (slot-book.ts). */
const AGAIN_MAX = 2

export interface Around {
  readonly cases: readonly Case[]
  readonly request: ScheduleRequest
  readonly place: Place
  /** Of the first plan, by topology. */
  readonly batches: ReadonlyMap<string, Batch>
  readonly batchOf: (each: Case, plan: TopologyPlan | undefined) => Batch | undefined
}

/** By topology. */
export function placeAround({ cases, request, place, batches, batchOf }: Around): ReadonlyMap<string, Batch> {
  const book = new SlotBook(cases.flatMap(({ assignment }) => assignment?.record ?? []))
  const held = new Set<string>()
  let found = batches
  for (let again = 0; again < AGAIN_MAX; again += 1) {
    const keepers = keepersOf(cases, found, book)
    if (keepers.length === 0) break
    for (const keeper of keepers) held.add(keeper)
    const plans = tryPlace(place, { ...request, held })
    if (plans === undefined) break
    const next = new Map<string, Batch>()
    for (const each of cases) {
      const { id } = each.topology.record
      const first = batches.get(id)
      const isKept = keepsFirst(each, first, { batches, book, held })
      const batch = isKept ? first : batchOf(each, plans.get(id))
      if (batch !== undefined) next.set(id, batch)
    }
    found = next
  }
  return found
}

/** Who keeps a slot in this round that another needs at once. */
function keepersOf(
  cases: readonly Case[],
  batches: ReadonlyMap<string, Batch>,
  book: SlotBook,
): readonly string[] {
  return cases.flatMap(({ topology, step }) => {
    const batch = batches.get(topology.record.id)
    if (batch === undefined || step === 'move') return []
    const kept = book.claimsOf(batch).filter((claim) => !isGivenUp(claim, batches.get(claim.holder)))
    return kept.map(({ holder }) => holder)
  })
}

interface Kept {
  readonly batches: ReadonlyMap<string, Batch>
  readonly book: SlotBook
  readonly held: ReadonlySet<string>
}

function keepsFirst(
  { topology, step }: Case,
  first: Batch | undefined,
  { batches, book, held }: Kept,
): boolean {
  // H2
  if (held.has(topology.record.id)) return first === undefined || book.takesNothing(first)
  // H1
  if (step !== 'move' || first === undefined) return false
  return book.claimsOf(first).some((claim) => !isGivenUp(claim, batches.get(claim.holder)))
}

/** undefined: it throws for what is held only, so the first plan is all there is. */
function tryPlace(place: Place, request: ScheduleRequest): ReadonlyMap<string, TopologyPlan> | undefined {
  try {
    return new Map(place(request).topologies.map((each) => [each.topologyId, each]))
  } catch {
    return undefined
  }
}
