/** What a benchmark case is, how long it runs, and what it says. */

/** Times of a case. Counting starts after the warm-up; each window is measured by itself. */
export interface Plan {
  readonly warmMs: number
  readonly windowMs: number
  readonly windowCount: number
  /**
   * Tuples, starts and rounds of cases that count instead of watching the clock, as a share of the full
   * number.
   */
  readonly scale: number
}

/** `null`: the case has no such figure. */
export interface Figures {
  readonly tuplesPerSecond: number | null
  /** CPU seconds of the whole process, garbage collection included, per million tuples. */
  readonly cpuSecondsPerMillion: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly rssMb: number
  /** What a tuple is here. */
  readonly unit: string
  /** How many of them all windows saw. */
  readonly tuples: number
  /** Figures of this case only. */
  readonly more?: Readonly<Record<string, number | string | null>>
}

export interface Case {
  readonly name: string
  /** One line for people. */
  readonly what: string
  /** Flags of Node the case needs. */
  readonly nodeFlags?: readonly string[]
  /** Left out of the list: a part that another case runs. */
  readonly isPart?: boolean
  /** Why it cannot run on this machine; undefined, or left out: it can. */
  readonly whyNot?: () => string | undefined
  run(plan: Plan): Promise<Figures>
}

/** One line of `--json`. The first six fields are fixed. */
export interface Line extends Omit<Figures, 'more'> {
  readonly name: string
  readonly [more: string]: number | string | null
}

export function lineOf(name: string, figures: Figures): Line {
  const { tuplesPerSecond, cpuSecondsPerMillion, p50Ms, p99Ms, rssMb, unit, tuples, more } = figures
  return {
    name,
    tuplesPerSecond: tuplesPerSecond === null ? null : Math.round(tuplesPerSecond),
    cpuSecondsPerMillion: rounded(cpuSecondsPerMillion),
    p50Ms: rounded(p50Ms),
    p99Ms: rounded(p99Ms),
    rssMb: Math.round(rssMb),
    unit,
    tuples: Math.round(tuples),
    ...more,
  }
}

/** Four significant digits: more would only look exact. */
export function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4))
}

export function fullPlan(seconds: number): Plan {
  return { warmMs: 2500, windowMs: seconds * 1000, windowCount: 3, scale: Math.min(1, seconds / 3) }
}
