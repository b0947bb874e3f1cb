/**
 * Short history of figures, for judge-risk.ts and for the API: a ring of samples per subject (a node, a
 * worker) and figure. Knows no clock: samples come with their time.
 *
 * Invariants
 *   H1  at most SAMPLES_MAX samples a figure, SUBJECTS_MAX subjects, FIGURES_MAX figures a subject
 *   H2  samples of a figure are SAMPLE_EVERY_MS apart or more, oldest first
 *   H3  a subject that began anew (another life) has no samples from before, but of figures that outlive it
 */
import type { ResourceHistory } from '../../rpc/nimbus-api.ts'
import type { Sample } from './trend.ts'

/**
 * 60 samples of 5 s are 5 min: long enough for a leak that kills within 10, short enough to follow a change.
 */
export const SAMPLE_EVERY_MS = 5_000
export const SAMPLES_MAX = 60
/** Nodes and workers of the largest cluster we test, twice. */
const SUBJECTS_MAX = 12_000
const FIGURES_MAX = 16

export type Series = Readonly<Record<string, readonly Sample[]>>

interface Subject {
  life: number
  lastAt: number
  readonly figures: Map<string, Sample[]>
}

export class RiskHistory {
  private readonly subjects = new Map<string, Subject>()

  /**
   * `life`: incarnation of a worker; of a node, anything that changes when it begins anew. Figures named in
   * `lasting` are counted over lives: restarts.
   */
  record(
    subject: string,
    at: number,
    figures: Readonly<Record<string, number | undefined>>,
    { life = 0, lasting = [] }: { readonly life?: number; readonly lasting?: readonly string[] } = {},
  ): void {
    const kept = this.subjectOf(subject, life)
    if (kept.life !== life) {
      kept.life = life
      kept.lastAt = Number.NEGATIVE_INFINITY
      for (const name of [...kept.figures.keys()]) if (!lasting.includes(name)) kept.figures.delete(name)
    }
    if (at - kept.lastAt < SAMPLE_EVERY_MS) return
    kept.lastAt = at
    for (const [name, value] of Object.entries(figures)) {
      if (value !== undefined && Number.isFinite(value)) addSample(kept.figures, name, { at, value })
    }
  }

  series(subject: string): Series {
    return Object.fromEntries(this.subjects.get(subject)?.figures ?? [])
  }

  /** As the API gives it: a copy. */
  history(subject: string, atRisk: readonly string[]): ResourceHistory {
    const figures = this.subjects.get(subject)?.figures ?? []
    return {
      subject,
      series: Object.fromEntries([...figures].map(([name, list]) => [name, [...list]])),
      atRisk,
    }
  }

  forget(subject: string): void {
    this.subjects.delete(subject)
  }

  /** Forgets all others: those of nodes and topologies that are no more. */
  keepOnly(subjects: ReadonlySet<string>): void {
    for (const subject of [...this.subjects.keys()]) if (!subjects.has(subject)) this.subjects.delete(subject)
  }

  private subjectOf(subject: string, life: number): Subject {
    const known = this.subjects.get(subject)
    if (known !== undefined) return known
    if (this.subjects.size >= SUBJECTS_MAX) {
      // The one that came first goes: its history is the likeliest to be of something gone.
      const [oldest] = this.subjects.keys()
      if (oldest !== undefined) this.subjects.delete(oldest)
    }
    const begun = { life, lastAt: Number.NEGATIVE_INFINITY, figures: new Map<string, Sample[]>() }
    this.subjects.set(subject, begun)
    return begun
  }
}

function addSample(figures: Map<string, Sample[]>, name: string, sample: Sample): void {
  let list = figures.get(name)
  if (list === undefined) {
    if (figures.size >= FIGURES_MAX) return
    list = []
    figures.set(name, list)
  }
  list.push(sample)
  if (list.length > SAMPLES_MAX) list.shift()
}
