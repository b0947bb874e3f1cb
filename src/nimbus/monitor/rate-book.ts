/**
 * Figures of one topology over time: counters of its workers summed through their restarts, rates over the
 * last 10 s, and the component that holds the others back.
 *
 * Route: heartbeats → take; every second → look; api/topology-status reads.
 *
 * Invariants
 *   F1  a total never falls: what a worker had counted before it started anew stays counted
 *   F2  bounded by the workers and components of the topology; a worker that is taken out is folded into
 *       the rest
 */
import type { ComponentBeat, SeatBeat } from '../../cluster/seat-messages.ts'

/** Rates are over so long. */
const WINDOW_MS = 10_000
/** Looks kept: one a second, and one more at each end. */
const LOOKS_MAX = 14
/** From so full an inbox on, who feeds it may be held back. */
const FULL_SHARE = 0.8

/** Counters of a component, over all its workers. */
export interface Totals {
  readonly emittedCount: number
  readonly executedCount: number
  readonly ackedCount: number
  readonly failedCount: number
  readonly deadLetterCount: number
  readonly busyMs: number
  readonly blockedMs: number
}

/** A component now. */
export interface ComponentFigures extends Totals {
  readonly component: string
  readonly kind: 'spout' | 'bolt'
  readonly executors: number
  readonly tasks: number
  readonly inboxFill: number
  readonly executeP50: number
  readonly executeP99: number
  readonly completeP50: number
  readonly completeP99: number
  readonly lagCount: number | undefined
}

export interface Bottleneck {
  readonly component: string
  readonly since: number
  readonly evidence: string
}

interface WorkerCount {
  incarnation: number
  beat: SeatBeat
}

interface Look {
  readonly atMs: number
  readonly totals: ReadonlyMap<string, Totals>
}

export class RateBook {
  private readonly workers = new Map<number, WorkerCount>()
  /** Counted by incarnations that are over. */
  private readonly past = new Map<string, Totals>()
  private readonly looks: Look[] = []
  private holding: Bottleneck | undefined = undefined

  get bottleneck(): Bottleneck | undefined {
    return this.holding
  }

  take(worker: number, incarnation: number, beat: SeatBeat): void {
    const before = this.workers.get(worker)
    // An older incarnation that still speaks is not counted twice.
    if (before !== undefined && incarnation < before.incarnation) return
    if (before !== undefined && incarnation > before.incarnation) this.fold(before.beat)
    this.workers.set(worker, { incarnation, beat })
  }

  /** Workers that the assignment does not have any more. */
  keepOnly(isThere: (worker: number) => boolean): void {
    for (const [worker, { beat }] of this.workers) {
      if (isThere(worker)) continue
      this.fold(beat)
      this.workers.delete(worker)
    }
  }

  /** Call it about once a second. `nowMs` is monotonic, `at` for people. */
  look(nowMs: number, at: number): void {
    const figures = this.figures()
    this.looks.push({ atMs: nowMs, totals: new Map(figures.map((each) => [each.component, each])) })
    while (this.looks.length > 2 && (this.looks[1]?.atMs ?? nowMs) <= nowMs - WINDOW_MS) this.looks.shift()
    if (this.looks.length > LOOKS_MAX) this.looks.shift()
    this.holding = judgeBottleneck(figures, this.holding, at)
  }

  figures(): readonly ComponentFigures[] {
    const beats = new Map<string, ComponentBeat[]>()
    for (const { beat } of this.workers.values()) {
      for (const each of beat.components) {
        const list = beats.get(each.component)
        if (list === undefined) beats.set(each.component, [each])
        else list.push(each)
      }
    }
    return [...beats].map(([component, list]) => summed(component, list, this.past.get(component)))
  }

  /** What was counted within the window, and how long that is. */
  since(
    component: string,
    now: Totals,
    nowMs: number,
  ): { readonly counts: Totals; readonly seconds: number } {
    // The oldest that knew it: a component that has just begun was not there when the oldest was taken.
    const first = this.looks.find(({ totals }) => totals.has(component))
    const before = first?.totals.get(component) ?? now
    const seconds = Math.max(0.001, (nowMs - (first?.atMs ?? nowMs)) / 1_000)
    return { counts: mapTotals((name) => Math.max(0, now[name] - before[name])), seconds }
  }

  private fold(beat: SeatBeat): void {
    for (const each of beat.components) {
      const before = this.past.get(each.component) ?? ZERO
      this.past.set(
        each.component,
        mapTotals((name) => before[name] + each[name]),
      )
    }
  }
}

const names = [
  'emittedCount',
  'executedCount',
  'ackedCount',
  'failedCount',
  'deadLetterCount',
  'busyMs',
  'blockedMs',
] as const

const ZERO: Totals = mapTotals(() => 0)

function mapTotals(countOf: (name: (typeof names)[number]) => number): Totals {
  return {
    emittedCount: countOf('emittedCount'),
    executedCount: countOf('executedCount'),
    ackedCount: countOf('ackedCount'),
    failedCount: countOf('failedCount'),
    deadLetterCount: countOf('deadLetterCount'),
    busyMs: countOf('busyMs'),
    blockedMs: countOf('blockedMs'),
  }
}

function summed(component: string, list: readonly ComponentBeat[], past: Totals = ZERO): ComponentFigures {
  const sum = (pick: (beat: ComponentBeat) => number): number =>
    list.reduce((total, each) => total + pick(each), 0)
  const most = (pick: (beat: ComponentBeat) => number): number =>
    list.reduce((found, each) => Math.max(found, pick(each)), 0)
  const totals = mapTotals((name) => past[name] + sum((beat) => beat[name]))
  const lags = list.flatMap(({ lagCount }) => (lagCount === undefined ? [] : [lagCount]))
  return {
    ...totals,
    component,
    kind: list[0]?.kind ?? 'bolt',
    executors: sum(({ executors }) => executors),
    tasks: sum(({ tasks }) => tasks),
    // The fullest holds its feeders back, however empty the others are.
    inboxFill: most(({ inboxFill }) => inboxFill),
    executeP50: most(({ executeP50 }) => executeP50),
    executeP99: most(({ executeP99 }) => executeP99),
    completeP50: most(({ completeP50 }) => completeP50),
    completeP99: most(({ completeP99 }) => completeP99),
    lagCount: lags.length === 0 ? undefined : lags.reduce((total, each) => total + each, 0),
  }
}

/** A full inbox names the one who reads it, if it is not itself held back by the next. */
function judgeBottleneck(
  figures: readonly ComponentFigures[],
  before: Bottleneck | undefined,
  at: number,
): Bottleneck | undefined {
  const [worst] = figures
    .filter(({ kind, inboxFill }) => kind === 'bolt' && inboxFill >= FULL_SHARE)
    .sort((a, b) => a.blockedMs / (a.busyMs + 1) - b.blockedMs / (b.busyMs + 1) || b.inboxFill - a.inboxFill)
  if (worst === undefined) return undefined
  const { component, inboxFill, executeP50 } = worst
  const fill = Math.round(inboxFill * 100)
  const evidence = `its fullest inbox is ${fill} % full, a call takes ${executeP50.toFixed(2)} ms`
  return { component, since: before?.component === component ? before.since : at, evidence }
}
