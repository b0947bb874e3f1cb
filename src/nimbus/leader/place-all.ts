/**
 * One plan for all topologies, whatever the scheduler throws. Pure; a part of a round's decision.
 *
 *   all ─throws─▶ none: throws as well?    nobody's fault: nothing is placed in this round
 *                 the fewest of the most important that it throws for: the last of them is the culprit
 *                 the culprit alone        throws as well: quarantine; else it is set apart
 *                 the others together      throws as well: the next culprit
 *
 * Bounds: `TRIES_MAX` questions to the scheduler in a round, and `SEARCH_MS`, by the clock that it is given:
 * the leader's loop waits meanwhile. When they are used up, the next round goes on from there. Who is set
 * apart is not asked about for a while (apart-book.ts).
 *
 * Invariants
 *   P1  what is known to go well together has its plan in every round of a search, also in those in which it
 *       rests
 *   P2  who comes or goes does not begin a search anew: what was known is a guess then. Nobody is blamed for
 *       what was not seen in the same round
 */
import type { SchedulePlan, TopologyPlan } from '../../schedule/plan.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import { attempt, messageOf } from './attempt.ts'
import type { RoundFacts, SearchState } from './facts.ts'
import { type Candidate, inOrder, scheduleRequest } from './schedule-request.ts'

/** A choice, for where no time passes (the simulator): two culprits or three. */
const TRIES_MAX = 24
/** A choice: nobody who waits for the leader notices. A plan for a thousand nodes takes up to 60 ms. */
const SEARCH_MS = 250

export type Place = (request: ScheduleRequest) => SchedulePlan

export interface Placed {
  readonly plans: ReadonlyMap<string, TopologyPlan>
  /** undefined: nothing could be asked. */
  readonly request: ScheduleRequest | undefined
  /** Who has no plan in this round though it is not to blame alone, and why. */
  readonly leftOut: ReadonlyMap<string, string>
  /** Of those, who was found to be set apart from now on. */
  readonly culprits: ReadonlyMap<string, string>
  /** undefined: it has ended, or there is none. */
  readonly search: SearchState | undefined
}

type Plan = Pick<Placed, 'plans' | 'request'>

const NO_PLAN = { request: undefined, plans: new Map() } as const

export function placeAll(
  facts: RoundFacts,
  candidates: readonly Candidate[],
  place: Place,
  quarantine: Map<string, string>,
): Placed {
  const leftOut = new Map<string, string>()
  const asked = inOrder(candidates).filter(({ record: { id } }) => {
    const why = facts.setApart.get(id)
    if (why !== undefined) leftOut.set(id, why)
    return why === undefined
  })
  const search = new Search(facts, place)
  if (facts.search !== undefined && facts.isSearchResting) {
    const { plan, waiting, state } = search.resting(asked, facts.search)
    for (const [id, why] of waiting) leftOut.set(id, why)
    return { ...plan, leftOut, culprits: new Map(), search: state }
  }
  const all = search.run(asked)
  if (all !== undefined) return { ...all, leftOut, culprits: new Map(), search: undefined }
  const none = search.run([])
  if (none === undefined) {
    for (const { record } of asked) leftOut.set(record.id, search.why)
    return { ...NO_PLAN, leftOut, culprits: new Map(), search: undefined }
  }
  const found = search.withoutCulprits(asked, none, { ...knownOf(facts.search, asked), quarantine })
  for (const [id, why] of [...found.culprits, ...found.waiting]) leftOut.set(id, why)
  return { ...found.plan, leftOut, culprits: found.culprits, search: found.state }
}

interface Known {
  /** So many of the first ones go well together, it seems. */
  readonly fine: number
  /** For so many it throws, it seems. */
  readonly tooMany: number
}

/** What was found out before, for those who are asked about now: who is new among them is counted in. */
function knownOf(before: SearchState | undefined, asked: readonly Candidate[]): Known {
  const ranks = new Map(before?.ids.map((id, rank) => [id, rank]))
  const firstWith = (count = 0): number => {
    return asked.findLastIndex(({ record }) => (ranks.get(record.id) ?? count) < count) + 1
  }
  const fine = firstWith(before?.fine)
  const tooMany = firstWith(before?.tooMany)
  // All together throws in any case.
  if (fine >= asked.length) return { fine: 0, tooMany: asked.length }
  return { fine, tooMany: tooMany > fine ? tooMany : asked.length }
}

interface Left {
  readonly plan: Plan
  readonly waiting: ReadonlyMap<string, string>
  readonly state: SearchState | undefined
}

interface Found extends Left {
  readonly culprits: ReadonlyMap<string, string>
}

interface Begun extends Known {
  readonly quarantine: Map<string, string>
}

/** One round's questions. */
class Search {
  /** What it threw last. */
  why = ''
  private readonly facts: RoundFacts
  private readonly place: Place
  private triesLeft = TRIES_MAX
  /** The longest question so far: the next one may take as long. */
  private longestMs = 0
  private hasAdvanced = false

  constructor(facts: RoundFacts, place: Place) {
    this.facts = facts
    this.place = place
  }

  /** undefined: it throws. */
  run(some: readonly Candidate[]): Plan | undefined {
    return this.ask(() => {
      try {
        const request = scheduleRequest(this.facts, some)
        const plans = new Map(this.place(request).topologies.map((each) => [each.topologyId, each]))
        return { request, plans }
      } catch (error) {
        this.why = messageOf(error)
        return undefined
      }
    })
  }

  /** P1: one question, for those that are known to go well. */
  resting(asked: readonly Candidate[], before: SearchState): Left {
    const known = new Set(before.ids.slice(0, before.fine))
    const fine = asked.filter(({ record }) => known.has(record.id))
    const plan = fine.length > 0 ? this.run(fine) : undefined
    const others = plan === undefined ? asked : asked.filter(({ record }) => !known.has(record.id))
    const isWrong = fine.length > 0 && plan === undefined
    const state = isWrong ? { ...before, fine: 0, tooMany: before.fine, why: this.why } : before
    const waiting = new Map(others.map(({ record }) => [record.id, state.why]))
    return { plan: plan ?? NO_PLAN, waiting, state }
  }

  /** `sorted` together throws, none of them does not. */
  withoutCulprits(sorted: readonly Candidate[], none: Plan, { quarantine, ...known }: Begun): Found {
    const culprits = new Map<string, string>()
    let left = sorted
    /** So many of the first ones go well together; the plan is for the first `planned`. */
    let { fine, tooMany } = known
    let planned = 0
    let plan = none
    /** P2: for the first `tooMany` it has thrown in this round. */
    let isSeen = tooMany === left.length
    const goesWell = (count: number): boolean => {
      const found = this.run(left.slice(0, count))
      if (found === undefined) [tooMany, isSeen] = [count, true]
      else [fine, planned, plan] = [count, count, found]
      return found !== undefined
    }
    // P1
    if (fine > 0 && !goesWell(fine)) fine = 0
    while (left.length > 0) {
      while (tooMany - fine > 1 && this.mayAdvance()) goesWell(Math.floor((fine + tooMany) / 2))
      const isFirst = !this.hasAdvanced
      if (tooMany - fine > 1 || !this.mayAdvance()) break
      if (!isSeen) {
        if (goesWell(tooMany)) {
          // What was known is wrong: facts have changed since. All that are left throw.
          ;[tooMany, isSeen] = [left.length, true]
          continue
        }
        // Or a round of slow plans would come this far each time, and no further.
        if (!isFirst && !this.mayAdvance()) break
      }
      const culprit = left[fine]
      if (culprit === undefined) break
      const { why } = this
      if (!this.throwsAlone(culprit, quarantine)) culprits.set(culprit.record.id, why)
      left = left.filter((each) => each !== culprit)
      ;[tooMany, isSeen] = [left.length, true]
      const rest = planned === left.length ? plan : this.mayAdvance() ? this.run(left) : 'unknown'
      if (rest === 'unknown') break
      if (rest !== undefined) return { plan: rest, culprits, waiting: new Map(), state: undefined }
    }
    const waiting = left.slice(planned).map(({ record }): [string, string] => [record.id, this.why])
    const ids = left.map(({ record }) => record.id)
    return { plan, culprits, waiting: new Map(waiting), state: { ids, fine, tooMany, why: this.why } }
  }

  /** A round gets on by one question at least; the next one is not begun if it would end too late. */
  private mayAdvance(): boolean {
    if (this.triesLeft <= 0) return false
    const isFirst = !this.hasAdvanced
    this.hasAdvanced = true
    return isFirst || this.facts.spentMs() + this.longestMs <= SEARCH_MS
  }

  private throwsAlone(culprit: Candidate, quarantine: Map<string, string>): boolean {
    const alone = (): SchedulePlan => this.place(scheduleRequest(this.facts, [culprit]))
    return this.ask(() => attempt(culprit.record.id, quarantine, alone)) === undefined
  }

  private ask<T>(question: () => T): T {
    this.triesLeft -= 1
    const beganMs = this.facts.spentMs()
    const answer = question()
    this.longestMs = Math.max(this.longestMs, this.facts.spentMs() - beganMs)
    return answer
  }
}
