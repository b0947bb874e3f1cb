/**
 * Topologies that the scheduler throws for together with others: not asked about for a while, since finding
 * out who they are takes many plans. Pure: it is told the time.
 *
 *   offence ─▶ apart, APART_MS ─▶ asked about again ─▶ offence ─▶ twice as long … APART_MAX_MS
 *                                        ╰─ no offence for APART_MAX_MS ─▶ forgotten
 *
 * Bound: the topologies on the board; round.ts says who is gone.
 */

export const APART_MS = 60_000
/** A choice: a search every half an hour costs nobody anything. */
export const APART_MAX_MS = 1_800_000

interface Apart {
  readonly why: string
  readonly forMs: number
  /** Monotonic. */
  readonly endMs: number
}

export class ApartBook {
  private readonly apart = new Map<string, Apart>()

  offended(topologyId: string, why: string, nowMs: number): void {
    const before = this.apart.get(topologyId)
    const forMs = before === undefined ? APART_MS : Math.min(before.forMs * 2, APART_MAX_MS)
    this.apart.set(topologyId, { why, forMs, endMs: nowMs + forMs })
  }

  /** Who is not asked about now, and why. */
  setApart(nowMs: number): ReadonlyMap<string, string> {
    for (const [id, { endMs }] of this.apart) if (nowMs - endMs >= APART_MAX_MS) this.apart.delete(id)
    return new Map([...this.apart].flatMap(([id, { endMs, why }]) => (nowMs < endMs ? [[id, why]] : [])))
  }

  forget(isThere: (topologyId: string) => boolean): void {
    for (const id of this.apart.keys()) if (!isThere(id)) this.apart.delete(id)
  }
}
