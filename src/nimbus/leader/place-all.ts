/**
 * One plan for all topologies, whatever the scheduler throws. Pure; a part of a round's decision.
 *
 *   all ─throws─▶ none: throws as well?    nobody's fault: nothing is placed in this round
 *                 each alone               who it throws for alone is put in quarantine
 *                 the rest together        who it throws for among the others is left out, the least
 *                                          important first; tried again in the next round
 */
import type { SchedulePlan, TopologyPlan } from '../../schedule/plan.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import { attempt, messageOf } from './attempt.ts'
import type { RoundFacts } from './facts.ts'
import { type Candidate, inOrder, scheduleRequest } from './schedule-request.ts'

export type Place = (request: ScheduleRequest) => SchedulePlan

export interface Placed {
  readonly plans: ReadonlyMap<string, TopologyPlan>
  /** undefined: nothing could be asked. */
  readonly request: ScheduleRequest | undefined
  /** Who has no plan in this round though it is not to blame alone, and why. */
  readonly leftOut: ReadonlyMap<string, string>
}

export function placeAll(
  facts: RoundFacts,
  candidates: readonly Candidate[],
  place: Place,
  quarantine: Map<string, string>,
): Placed {
  const leftOut = new Map<string, string>()
  let why = ''
  const run = (some: readonly Candidate[]): Placed | undefined => {
    try {
      const request = scheduleRequest(facts, some)
      const plans = new Map(place(request).topologies.map((each) => [each.topologyId, each]))
      return { request, plans, leftOut }
    } catch (error) {
      why = messageOf(error)
      return undefined
    }
  }
  const all = run(candidates)
  if (all !== undefined) return all
  const none = run([])
  if (none === undefined) {
    for (const { record } of candidates) leftOut.set(record.id, why)
    return { request: undefined, plans: new Map(), leftOut }
  }
  let good = inOrder(candidates).filter((each) => {
    const alone = () => place(scheduleRequest(facts, [each]))
    return attempt(each.record.id, quarantine, alone) !== undefined
  })
  while (good.length > 0) {
    const placed = run(good)
    if (placed !== undefined) return placed
    const at = firstTooMany(good, (some) => run(some) !== undefined)
    const id = good[at]?.record.id ?? ''
    leftOut.set(id, why)
    good = good.filter((_, index) => index !== at)
  }
  return none
}

/** Index of the candidate with which the first part of the list throws. By halves: each round asks. */
function firstTooMany(good: readonly Candidate[], isFine: (part: typeof good) => boolean): number {
  let fine = 0
  let tooMany = good.length
  while (tooMany - fine > 1) {
    const middle = Math.floor((fine + tooMany) / 2)
    if (isFine(good.slice(0, middle))) fine = middle
    else tooMany = middle
  }
  return tooMany - 1
}
