/**
 * Shuffle and its kin: evenly over tasks, with an eye on how full they are.
 *
 * Storm's rules. Plain: the tasks in a shuffled order, walked round and round. Load-aware: each target has a
 * weight from 0 to 100 that rises by 1 at a refresh if its load is at most the smallest load + 0.05, and
 * falls by 10 if not; a ring of max(1000, 5 × targets) places is shared out by weight and walked. Local
 * first: the targets of this worker only, until their mean load is above the higher bound; back again once it
 * is below the lower one.
 *
 * Ours: a worker is one thread, and a bolt that is called directly never fills its inbox. So where targets of
 * this worker come first, the load of a target is at least the busy share of the loop it runs on, and tuples
 * leave only if that buys something: while somebody elsewhere is clearly less loaded, and to such ones only.
 * A way that costs encoding is not worth a draw.
 */
import type { Random } from '../../host/host.ts'
import { Route } from './route.ts'
import type { Target } from './target.ts'

const WEIGHT_MAX = 100
const RISE = 1
const FALL = 10
const LOAD_SLACK = 0.05
/** So much less loaded must a target elsewhere be to be worth the encoding. */
const WAY_LOAD = 0.1
/** Load of a worker that does not say: it counts as one that has no time to spare. */
const UNKNOWN_BUSY = 1
const RING_MIN = 1_000

export interface ShuffleOptions {
  readonly isLoadAware: boolean
  /** Targets of this worker first. Bounds of their mean load, 0 to 1. */
  readonly local:
    | {
        readonly higher: number
        readonly lower: number
        /** Share of its time that this worker's loop is at work. undefined: not known. */
        readonly busyShare: () => number | undefined
      }
    | undefined
  readonly random: Random
}

export class ShuffleRoute extends Route {
  private readonly options: ShuffleOptions
  private readonly locals: readonly number[]
  private readonly all: readonly number[]
  private readonly weights: number[]
  private isLocalOnly: boolean
  private ring: Int32Array
  private at = 0

  constructor(readerId: string, targets: readonly Target[], options: ShuffleOptions) {
    super(readerId, targets)
    this.options = options
    this.all = targets.map((_, index) => index)
    this.locals = this.all.filter((index) => targets[index]?.receiver !== undefined)
    this.weights = targets.map(() => WEIGHT_MAX)
    this.isLocalOnly = options.local !== undefined && this.locals.length > 0
    this.ring = this.makeRing()
  }

  /** HOT. */
  choose(): number {
    const at = this.at
    this.at = at + 1 === this.ring.length ? 0 : at + 1
    return this.ring[at] ?? 0
  }

  override refresh(): void {
    if (this.targets.length < 2) return
    const loads = this.loads()
    let isChanged = this.widenOrNarrow(loads)
    if (this.options.isLoadAware) {
      const least = Math.min(...this.candidates().map((index) => loads[index] ?? 0))
      for (const index of this.candidates()) {
        const before = this.weights[index] ?? WEIGHT_MAX
        const isLight = (loads[index] ?? 0) <= least + LOAD_SLACK
        const after = isLight ? Math.min(WEIGHT_MAX, before + RISE) : Math.max(0, before - FALL)
        this.weights[index] = after
        if (after !== before) isChanged = true
      }
    }
    if (isChanged) this.ring = this.makeRing()
  }

  /** As this route sees them: elsewhere, the way counts as load. */
  private loads(): readonly number[] {
    const { local, isLoadAware } = this.options
    if (local === undefined || !isLoadAware) return this.targets.map((target) => target.load())
    const busyHere = local.busyShare() ?? 0
    return this.targets.map((target) => {
      if (target.receiver !== undefined) return Math.max(target.load(), busyHere)
      return Math.max(target.load(), target.busyShare() ?? UNKNOWN_BUSY) + WAY_LOAD
    })
  }

  private widenOrNarrow(loads: readonly number[]): boolean {
    const { local } = this.options
    if (local === undefined || this.locals.length === 0) return false
    const mean = this.locals.reduce((sum, index) => sum + (loads[index] ?? 0), 0) / this.locals.length
    const isLocalOnly = this.isLocalOnly
      ? mean <= local.higher || this.leastElsewhere(loads) + LOAD_SLACK >= mean
      : mean < local.lower
    if (isLocalOnly === this.isLocalOnly) return false
    this.isLocalOnly = isLocalOnly
    return true
  }

  private leastElsewhere(loads: readonly number[]): number {
    return this.all.reduce((least, index) => {
      const isHere = this.targets[index]?.receiver !== undefined
      return isHere ? least : Math.min(least, loads[index] ?? 0)
    }, Number.POSITIVE_INFINITY)
  }

  private candidates(): readonly number[] {
    return this.isLocalOnly ? this.locals : this.all
  }

  private makeRing(): Int32Array {
    const candidates = this.candidates()
    const weights = candidates.map((index) => this.weights[index] ?? WEIGHT_MAX)
    const sum = weights.reduce((total, weight) => total + weight, 0)
    const places: number[] = []
    if (sum === 0 || weights.every((weight) => weight === weights[0])) {
      // All alike: one place each is the same share with a shorter walk.
      places.push(...candidates)
    } else {
      const length = Math.max(RING_MIN, candidates.length * 5)
      candidates.forEach((index, i) => {
        const count = Math.round(((weights[i] ?? 0) / sum) * length)
        for (let n = 0; n < count; n += 1) places.push(index)
      })
    }
    this.at = 0
    return shuffled(places, this.options.random)
  }
}

/** To a task chosen by chance. */
export class RandomRoute extends Route {
  private readonly random: Random

  constructor(readerId: string, targets: readonly Target[], random: Random) {
    super(readerId, targets)
    this.random = random
  }

  /** HOT. */
  choose(): number {
    return Math.floor(this.random.next() * this.targets.length)
  }
}

function shuffled(places: readonly number[], random: Random): Int32Array {
  const ring = Int32Array.from(places)
  for (let i = ring.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random.next() * (i + 1))
    const held = ring[i] ?? 0
    ring[i] = ring[j] ?? 0
    ring[j] = held
  }
  return ring
}
