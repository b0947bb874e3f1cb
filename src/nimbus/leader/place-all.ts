/**
 * One plan for all topologies, whatever the scheduler throws. Pure; a part of a round's decision.
 *
 *   all ─throws─▶ none: throws as well?    nobody's fault: nothing is placed in this round
 *                 the fewest of the most important that it throws for: the last of them is the culprit
 *                 the culprit alone        throws as well: quarantine; else it is set apart
 *                 the others together      throws as well: the next culprit
 *
 * Bounds: `TRIES_MAX` questions to the scheduler in a round. When they are used up, what is known to go well
 * has its plan, and the next round goes on: who is set apart is not asked about for a while (round.ts).
 */
import type { SchedulePlan, TopologyPlan } from '../../schedule/plan.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import { attempt, messageOf } from './attempt.ts'
import type { RoundFacts } from './facts.ts'
import { type Candidate, inOrder, scheduleRequest } from './schedule-request.ts'

/** A choice: 1.5 s at worst with a thousand nodes, where one takes up to 60 ms. Two culprits or three. */
const TRIES_MAX = 24

export type Place = (request: ScheduleRequest) => SchedulePlan

export interface Placed {
  readonly plans: ReadonlyMap<string, TopologyPlan>
  /** undefined: nothing could be asked. */
  readonly request: ScheduleRequest | undefined
  /** Who has no plan in this round though it is not to blame alone, and why. */
  readonly leftOut: ReadonlyMap<string, string>
  /** Of those, who was found to be set apart from now on. */
  readonly culprits: ReadonlyMap<string, string>
}

type Plan = Pick<Placed, 'plans' | 'request'>

export function placeAll(
  facts: RoundFacts,
  candidates: readonly Candidate[],
  place: Place,
  quarantine: Map<string, string>,
): Placed {
  const leftOut = new Map<string, string>()
  const asked = candidates.filter(({ record: { id } }) => {
    const why = facts.setApart.get(id)
    if (why !== undefined) leftOut.set(id, why)
    return why === undefined
  })
  const search = new Search(facts, place)
  const all = search.run(asked)
  if (all !== undefined) return { ...all, leftOut, culprits: new Map() }
  const none = search.run([])
  if (none === undefined) {
    for (const { record } of asked) leftOut.set(record.id, search.why)
    return { request: undefined, plans: new Map(), leftOut, culprits: new Map() }
  }
  const { plan, culprits, waiting } = search.withoutCulprits(inOrder(asked), none, quarantine)
  for (const [id, why] of [...culprits, ...waiting]) leftOut.set(id, why)
  return { ...plan, leftOut, culprits }
}

/** One round's questions. */
class Search {
  /** What it threw last. */
  why = ''
  private readonly facts: RoundFacts
  private readonly place: Place
  private triesLeft = TRIES_MAX

  constructor(facts: RoundFacts, place: Place) {
    this.facts = facts
    this.place = place
  }

  /** undefined: it throws. */
  run(some: readonly Candidate[]): Plan | undefined {
    this.triesLeft -= 1
    try {
      const request = scheduleRequest(this.facts, some)
      const plans = new Map(this.place(request).topologies.map((each) => [each.topologyId, each]))
      return { request, plans }
    } catch (error) {
      this.why = messageOf(error)
      return undefined
    }
  }

  /** `sorted` together throws, none of them does not. */
  withoutCulprits(
    sorted: readonly Candidate[],
    none: Plan,
    quarantine: Map<string, string>,
  ): { plan: Plan; culprits: ReadonlyMap<string, string>; waiting: ReadonlyMap<string, string> } {
    const culprits = new Map<string, string>()
    let left = sorted
    /** So many of the first ones are known to go well together, and this is their plan. */
    let fine = 0
    let plan = none
    while (this.triesLeft > 0) {
      let tooMany = left.length
      while (tooMany - fine > 1 && this.triesLeft > 0) {
        const middle = Math.floor((fine + tooMany) / 2)
        const found = this.run(left.slice(0, middle))
        if (found === undefined) tooMany = middle
        else [fine, plan] = [middle, found]
      }
      if (tooMany - fine > 1) break
      const culprit = left[fine]
      if (culprit === undefined) break
      const { why } = this
      const { id } = culprit.record
      const alone = (): SchedulePlan => this.place(scheduleRequest(this.facts, [culprit]))
      this.triesLeft -= 1
      if (attempt(id, quarantine, alone) !== undefined) culprits.set(id, why)
      left = left.filter((each) => each !== culprit)
      const rest = fine === left.length ? plan : this.run(left)
      if (rest !== undefined) return { plan: rest, culprits, waiting: new Map() }
    }
    const waiting = left.slice(fine).map(({ record }): [string, string] => [record.id, this.why])
    return { plan, culprits, waiting: new Map(waiting) }
  }
}
