/**
 * Topologies that the scheduler throws for together with others: not asked about for a while, since finding
 * out who they are takes many plans. Pure: it is told the time.
 *
 *   offence ─▶ apart, APART_MS ─▶ asked about again ─▶ offence ─▶ twice as long … APART_MAX_MS
 *              ╰─ another by now ─▶─────╯╰─ no offence for APART_MAX_MS ─▶ forgotten
 *
 * It is another when something is different that the scheduler looks at (`circumstances`): what was changed,
 * or has lost a worker, does not wait for half an hour.
 *
 * Bound: the topologies on the board; round.ts says who is gone.
 */

import type { RoundFacts } from '../facts.ts'

export const APART_MS = 60_000
/** A choice: a search every half an hour costs nobody anything. */
export const APART_MAX_MS = 1_800_000

interface Apart {
  readonly why: string
  /** Of its last offence. */
  readonly circumstances: string
  readonly forMs: number
  /** Monotonic. */
  readonly endMs: number
}

export class ApartBook {
  private readonly apart = new Map<string, Apart>()

  offended(topologyId: string, why: string, nowMs: number, circumstances: string): void {
    const before = this.apart.get(topologyId)
    const forMs = before === undefined ? APART_MS : Math.min(before.forMs * 2, APART_MAX_MS)
    this.apart.set(topologyId, { why, circumstances, forMs, endMs: nowMs + forMs })
  }

  /** Who is not asked about now, and why. */
  setApart(nowMs: number, circumstancesOf: (topologyId: string) => string): ReadonlyMap<string, string> {
    for (const [id, { endMs }] of this.apart) if (nowMs - endMs >= APART_MAX_MS) this.apart.delete(id)
    const found = new Map<string, string>()
    for (const [id, { endMs, why, circumstances }] of this.apart) {
      if (nowMs < endMs && circumstances === circumstancesOf(id)) found.set(id, why)
    }
    return found
  }

  forget(isThere: (topologyId: string) => boolean): void {
    for (const id of this.apart.keys()) if (!isThere(id)) this.apart.delete(id)
  }
}

type Circumstances = Pick<RoundFacts, 'view' | 'deadNodes' | 'lostWorkers'>

/** What of a round's facts makes a topology another one for the scheduler, as a key. */
export function circumstances({
  view,
  deadNodes,
  lostWorkers,
}: Circumstances): (topologyId: string) => string {
  let nodes: string | undefined
  return (id) => {
    nodes ??= JSON.stringify(
      [...view.supervisors.values()]
        .map(({ node, ports }) => [node, ports, view.nodes.get(node)?.record.isDraining ?? false])
        .concat([...deadNodes].map((node) => [node]))
        .map((each) => JSON.stringify(each))
        .sort(),
    )
    return JSON.stringify([view.topologies.get(id)?.version, lostWorkers.get(id) ?? [], nodes])
  }
}
