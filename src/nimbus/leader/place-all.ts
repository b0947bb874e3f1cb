/**
 * One plan for all topologies, whatever the scheduler throws. Pure; a part of a round's decision.
 *
 *   all ─throws─▶ none: throws as well?    nobody's fault: nothing is placed in this round
 *                 the fewest of the most important that it throws for: the last of them is the culprit
 *                 the culprit alone        throws as well: quarantine; else it is set apart
 *                 the others together      throws as well: the next culprit
 *
 * Bounds: `TRIES_MAX` questions to the scheduler in a round, and `SEARCH_MS`, by the clock that it is given:
 * the leader's loop waits meanwhile. When they are used up, what is known to go well in this round has its
 * plan, and the next round goes on from there. Who is set apart is not asked about for a while
 * (apart-book.ts).
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

const NOTHING = { request: undefined, plans: new Map(), culprits: new Map() } as const

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
  const before = isOf(facts.search, asked) ? facts.search : undefined
  if (before !== undefined && facts.isSearchResting) {
    for (const id of before.ids) leftOut.set(id, before.why)
    return { ...NOTHING, leftOut, search: before }
  }
  const search = new Search(facts, place)
  const all = search.run(asked)
  if (all !== undefined) return { ...all, leftOut, culprits: new Map(), search: undefined }
  const none = search.run([])
  if (none === undefined) {
    for (const { record } of asked) leftOut.set(record.id, search.why)
    return { ...NOTHING, leftOut, search: undefined }
  }
  const found = search.withoutCulprits(asked, none, { before, quarantine })
  for (const [id, why] of [...found.culprits, ...found.waiting]) leftOut.set(id, why)
  return { ...found.plan, leftOut, culprits: found.culprits, search: found.state }
}

/** Who is asked about has not changed, so what is known of them goes on to hold, or nearly. */
function isOf(search: SearchState | undefined, asked: readonly Candidate[]): search is SearchState {
  if (search?.ids.length !== asked.length) return false
  return search.ids.every((id, index) => asked[index]?.record.id === id)
}

interface Found {
  readonly plan: Plan
  readonly culprits: ReadonlyMap<string, string>
  readonly waiting: ReadonlyMap<string, string>
  readonly state: SearchState | undefined
}

interface Begun {
  readonly before: SearchState | undefined
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

  /** `sorted` together throws, none of them does not. */
  withoutCulprits(sorted: readonly Candidate[], none: Plan, { before, quarantine }: Begun): Found {
    const culprits = new Map<string, string>()
    let left = sorted
    /** So many of the first ones are known to go well together; the plan is for the first `planned`. */
    let fine = before?.fine ?? 0
    let tooMany = before?.tooMany ?? left.length
    let planned = 0
    let plan = none
    while (left.length > 0) {
      // What is known of them together is known to be wrong: facts have changed since.
      if (fine >= tooMany) [fine, tooMany] = [0, left.length]
      while (tooMany - fine > 1 && this.mayAdvance()) {
        const middle = Math.floor((fine + tooMany) / 2)
        const found = this.run(left.slice(0, middle))
        if (found === undefined) tooMany = middle
        else [fine, planned, plan] = [middle, middle, found]
      }
      const culprit = left[fine]
      if (tooMany - fine > 1 || culprit === undefined || !this.mayAdvance()) break
      const { why } = this
      if (!this.throwsAlone(culprit, quarantine)) culprits.set(culprit.record.id, why)
      left = left.filter((each) => each !== culprit)
      tooMany = left.length
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
