/**
 * Plans again around what stays where it is for now. Pure; a part of a round's decision.
 *
 * A plan counts on the slots of who moves. What lives moves by a rebalance only, when it has drained: until
 * then who was lost, or begins, must not wait for such a slot while others are free.
 *
 *   plan ─▶ batches ─▶ who keeps a slot that another needs at once? ─▶ plan again, those held ─▶ batches
 *
 * Invariants
 *   H1  a rebalance keeps its own plan and waits for the slot it moves to, or it would end without the move:
 *       as long as its holder may leave, and no longer than SLOT_MS. Then it moves to what there is
 *   H2  what is held goes on as the first plan says, as long as that takes no slot
 *   H3  nobody drains for a slot whose holder is not going to leave it
 *   H4  who waits for a slot, or goes without, is told so (`waiting`)
 *   H5  who must leave where it is does not wait for a slot whose holder stays while others are free
 */
import type { TopologyPlan } from '../../schedule/plan.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import { type Claim, isGivenUp, SlotBook } from './books/slot-book.ts'
import type { Place } from './place-all.ts'
import { withoutSlots } from './planned-moves.ts'
import type { Batch, Case } from './round-case.ts'

/** Plans in a row, each around more that is held. What is left then waits (slot-book.ts). */
const AGAIN_MAX = 2
/**
 * A drained rebalance waits so long for slots of others, from the end of its time to drain. Who began to
 * drain then has left by now: 30 s, if not told otherwise, a minute for its keyed state, and some to spare.
 */
export const SLOT_MS = 120_000
/** Slots that are waited for and told by name. */
const SLOTS_TOLD_MAX = 3

export interface Around {
  readonly cases: readonly Case[]
  readonly request: ScheduleRequest
  readonly place: Place
  /** The first ones, by topology. */
  readonly plans: ReadonlyMap<string, TopologyPlan>
  readonly batches: ReadonlyMap<string, Batch>
  readonly batchOf: (each: Case, plan: TopologyPlan | undefined) => Batch | undefined
  /** Topologies whose writes fail round after round: nobody counts on what they would give up. */
  readonly unwritable: ReadonlySet<string>
  /** Topologies that do not begin to leave for something better just now. */
  readonly resting: ReadonlySet<string>
  /** A rebalance that has waited for as long as it may. */
  readonly isLate: (each: Case) => boolean
  readonly giveUp: (each: Case, why: string) => Batch
}

/** By topology. */
export interface PlacedAround {
  readonly batches: ReadonlyMap<string, Batch>
  /** What each goes by in this round. */
  readonly plans: ReadonlyMap<string, TopologyPlan>
  /** Which slots are waited for, in words. */
  readonly waiting: ReadonlyMap<string, string>
}

export function placeAround(around: Around): PlacedAround {
  const { cases, request, place, batchOf } = around
  const book = new SlotBook(cases.flatMap(({ assignment }) => assignment?.record ?? []))
  const held = new Set<string>()
  const stays = staying(around, { batches: around.batches, book })
  let { batches, plans } = around
  for (let again = 0; again < AGAIN_MAX; again += 1) {
    const keepers = keepersOf(around, batches, book).filter((keeper) => !held.has(keeper))
    if (keepers.length === 0) break
    for (const keeper of keepers) held.add(keeper)
    const second = tryPlace(place, { ...request, held })
    if (second === undefined) break
    const nextBatches = new Map<string, Batch>()
    const nextPlans = new Map(around.plans)
    for (const each of cases) {
      const { id } = each.topology.record
      const plan = second.get(id)
      const isKept = keepsFirst(around, each, { book, held, stays })
      const batch = isKept ? around.batches.get(id) : batchOf(each, plan)
      if (batch !== undefined) nextBatches.set(id, batch)
      if (!isKept && plan !== undefined) nextPlans.set(id, plan)
    }
    batches = nextBatches
    plans = nextPlans
  }
  return endWaits(around, { batches, plans, book })
}

/** Who keeps a slot that another needs at once, or must have to leave where it is. */
function keepersOf(around: Around, batches: ReadonlyMap<string, Batch>, book: SlotBook): readonly string[] {
  const stays = staying(around, { batches, book })
  const keepers = around.cases.flatMap((each) => {
    const kept = keptFrom(around, batches.get(each.topology.record.id), { batches, book })
    return mayWait(around, each, { kept, stays }) ? [] : kept.map(({ holder }) => holder)
  })
  return [...new Set([...keepers, ...blockersOf(around, { batches, book })])]
}

interface Seen {
  readonly batches: ReadonlyMap<string, Batch>
  readonly book: SlotBook
}

/** Slots that it takes and whose holders do not give them up in this round. */
function keptFrom(around: Around, batch: Batch | undefined, { batches, book }: Seen): readonly Claim[] {
  const claims = batch === undefined ? [] : book.claimsOf(batch)
  return claims.filter((claim) => !isLeft(around, claim, batches))
}

function isLeft({ unwritable }: Around, claim: Claim, batches: ReadonlyMap<string, Batch>): boolean {
  return !unwritable.has(claim.holder) && isGivenUp(claim, batches.get(claim.holder))
}

/** H1 */
function mayWait(
  { isLate }: Around,
  each: Case,
  { kept, stays }: { readonly kept: readonly Claim[]; readonly stays: ReadonlySet<string> },
): boolean {
  return each.step === 'move' && !kept.some(({ holder }) => stays.has(holder)) && !isLate(each)
}

/** Who is not going to leave what it has, though the plan has it elsewhere. */
function staying(around: Around, seen: Seen): ReadonlySet<string> {
  const stays = new Set([...around.unwritable, ...inVain(around, seen).keys()])
  for (const { topology } of around.cases) {
    const { id, phase } = topology.record
    const hasBegun = phase === 'rebalancing' || seen.batches.get(id)?.begins !== undefined
    if (around.resting.has(id) && !hasBegun) stays.add(id)
  }
  return stays
}

interface Held {
  readonly book: SlotBook
  readonly held: ReadonlySet<string>
  /** By the first plan. */
  readonly stays: ReadonlySet<string>
}

function keepsFirst(around: Around, each: Case, { book, held, stays }: Held): boolean {
  const { batches } = around
  const { id } = each.topology.record
  const first = batches.get(id)
  // H2
  if (held.has(id)) return first === undefined || book.takesNothing(first)
  const kept = keptFrom(around, first, { batches, book })
  return kept.length > 0 && mayWait(around, each, { kept, stays })
}

/** What still takes a slot that is kept: it waits, goes without, or is given up. */
function endWaits(
  around: Around,
  { batches, plans, book }: Seen & Pick<PlacedAround, 'plans'>,
): PlacedAround {
  const ended = new Map(batches)
  const waiting = new Map<string, string>()
  const stays = staying(around, { batches, book })
  for (const each of around.cases) {
    const { id } = each.topology.record
    const kept = keptFrom(around, batches.get(id), { batches, book })
    if (kept.length === 0) continue
    const why = whyWaiting(around, kept)
    waiting.set(id, why)
    if (mayWait(around, each, { kept, stays })) continue
    if (each.step === 'move') {
      ended.set(id, around.giveUp(each, why))
      continue
    }
    const lost = kept.filter(({ holder }) => around.unwritable.has(holder)).map(({ slot }) => slot)
    const plan = plans.get(id)
    if (lost.length === 0 || plan === undefined) continue
    const without = around.batchOf(each, withoutSlots(plan, new Set(lost), why))
    if (without === undefined) ended.delete(id)
    else ended.set(id, without)
  }
  for (const [id, why] of dropVain(around, ended, book)) waiting.set(id, why)
  return { batches: ended, plans, waiting }
}

/** H3: those that would drain for nothing do what they would do without. */
function dropVain(around: Around, batches: Map<string, Batch>, book: SlotBook): ReadonlyMap<string, string> {
  const dropped = new Map<string, string>()
  for (const [id, kept] of inVain(around, { batches, book })) {
    dropped.set(id, whyWaiting(around, kept))
    const otherwise = batches.get(id)?.begins?.otherwise
    if (otherwise === undefined) batches.delete(id)
    else batches.set(id, otherwise)
  }
  return dropped
}

/** Who would begin to drain for slots whose holders stay, and for which. */
function inVain(around: Around, { batches, book }: Seen): ReadonlyMap<string, readonly Claim[]> {
  const vain = new Map<string, readonly Claim[]>()
  const leaving = new Set<string>()
  for (const { topology } of around.cases) {
    const { id, phase, wanted } = topology.record
    const isLeaving = (phase === 'rebalancing' && wanted !== undefined) || batches.get(id)?.begins
    if (isLeaving && !around.unwritable.has(id)) leaving.add(id)
  }
  for (let before = -1; before !== vain.size; ) {
    before = vain.size
    for (const [id, { begins }] of batches) {
      if (begins === undefined || vain.has(id)) continue
      const claims = book.claimsOn(id, begins.countsOn)
      const kept = claims.filter((claim) => !leaving.has(claim.holder) && !isLeft(around, claim, batches))
      if (kept.length === 0) continue
      vain.set(id, kept)
      leaving.delete(id)
    }
  }
  return vain
}

/**
 * H5: who keeps a slot that another counts on which must leave where it is. One that must leave as well is
 * planned again itself first.
 */
function blockersOf(around: Around, seen: Seen): readonly string[] {
  const vain = inVain(around, seen)
  const isUrgent = (id: string): boolean => vain.has(id) && seen.batches.get(id)?.begins?.isLeaving === true
  return [...vain].flatMap(([id, kept]) => {
    return isUrgent(id) ? kept.flatMap(({ holder }) => (isUrgent(holder) ? [] : [holder])) : []
  })
}

function whyWaiting({ cases }: Around, kept: readonly Claim[]): string {
  const names = new Map(cases.map(({ topology: { record } }) => [record.id, record.name]))
  const slots = kept.map(({ slot, holder }) => `${slot} of ${names.get(holder) ?? holder}`)
  const told = [...new Set(slots)].sort().slice(0, SLOTS_TOLD_MAX)
  return `it waits for slots that others still hold: ${told.join(', ')}`
}

/** undefined: it throws for what is held only, so the first plan is all there is. */
function tryPlace(place: Place, request: ScheduleRequest): ReadonlyMap<string, TopologyPlan> | undefined {
  try {
    return new Map(place(request).topologies.map((each) => [each.topologyId, each]))
  } catch {
    return undefined
  }
}
