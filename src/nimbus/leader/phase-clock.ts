/**
 * Deadlines of topologies, whatever the wall clock does. The record has the time of day, for the next leader
 * to go on from; who leads looks at it once, and counts what is left by a clock that never jumps.
 *
 * Invariants
 *   K1  a jump of the clock within a leadership changes no wait
 *   K2  with a clock that is wrong by whatever, a leader waits no longer than the length that was asked for
 */
import type { TopologyRecord } from '../../cluster/records.ts'
import type { Clock } from '../../host/host.ts'

interface Wait {
  /** As in the record: another one is another wait. */
  readonly deadline: number
  /** Monotonic. */
  readonly endMs: number
}

export class PhaseClock {
  private readonly clock: Clock
  private readonly waits = new Map<string, Wait>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Negative: it is over for so long. undefined: nothing is waited for. */
  leftMs({ id, phaseDeadline: deadline, phaseMs }: TopologyRecord): number | undefined {
    if (deadline === undefined) {
      this.waits.delete(id)
      return undefined
    }
    const nowMs = this.clock.monotonicMs()
    const known = this.waits.get(id)
    if (known?.deadline === deadline) return known.endMs - nowMs
    const left = Math.min(deadline - this.clock.now(), phaseMs ?? Number.POSITIVE_INFINITY)
    this.waits.set(id, { deadline, endMs: nowMs + left })
    return left
  }

  /** Topologies that are gone. */
  forget(isThere: (id: string) => boolean): void {
    for (const id of this.waits.keys()) if (!isThere(id)) this.waits.delete(id)
  }
}
