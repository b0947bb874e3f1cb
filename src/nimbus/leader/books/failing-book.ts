/**
 * What cannot be written, round after round: whom it concerns, what is told of it, whose slots nobody counts
 * on meanwhile. Pure: it is told the time.
 *
 * Bound: the topologies on the board, and what is left over of others; round.ts says who is gone.
 */
import type { StreamError } from '../../../base/errors.ts'

/** So many failures in a row are no operator's call that came in between. */
const FAILURES_MAX = 3
/** After its last failure, so long nobody counts on a topology's writes. It goes on trying meanwhile. */
const DOUBT_MS = 10_000

interface Failing {
  readonly code: string
  readonly count: number
  readonly atMs: number
}

export class FailingBook {
  private readonly failing = new Map<string, Failing>()
  /** Topology → until when it does not change places with others, monotonic. */
  private readonly apart = new Map<string, number>()

  /** True: it should be told. Once, and one conflict alone is an operator's call that came in between. */
  failed(topologyId: string, { code, family }: Pick<StreamError, 'code' | 'family'>, nowMs: number): boolean {
    const before = this.failing.get(topologyId)
    const count = before?.code === code ? before.count + 1 : 1
    this.failing.set(topologyId, { code, count, atMs: nowMs })
    return count === (family === 'conflict' ? 2 : 1)
  }

  written(topologyId: string): void {
    this.failing.delete(topologyId)
  }

  /** They cannot change places in one write: it would be the same in the next round. */
  tooLarge(topologyIds: Iterable<string>, untilMs: number): void {
    for (const id of topologyIds) this.apart.set(id, untilMs)
  }

  /** Nobody should count on what these would give up. */
  unwritable(nowMs: number): ReadonlySet<string> {
    const failing = [...this.failing].filter(([, { count, atMs }]) => {
      return count >= FAILURES_MAX && nowMs - atMs < DOUBT_MS
    })
    const apart = [...this.apart].filter(([, untilMs]) => nowMs < untilMs)
    return new Set([...failing, ...apart].map(([id]) => id))
  }

  forget(isThere: (topologyId: string) => boolean): void {
    for (const kept of [this.failing, this.apart]) {
      for (const id of kept.keys()) if (!isThere(id)) kept.delete(id)
    }
  }
}
