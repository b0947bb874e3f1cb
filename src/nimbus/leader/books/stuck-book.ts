/**
 * Workers that do not get up where they are although their node is there: a port that somebody else has, a
 * disk that is full. After `nimbus.task.launch.secs` they are placed elsewhere.
 *
 * The grace is for workers that begin. One that ran and runs no more is its supervisor's to restart; that
 * it backs off longer and longer does not count, for elsewhere it would crash just the same.
 *
 * Bound: the workers of the assignments on the board.
 */
import { RESTARTS_MAX, restartOf } from '../../../cluster/incarnation.ts'
import type { RoundFacts } from '../facts.ts'
import { slotOf } from '../running.ts'

export class StuckBook {
  /** `topology worker generation` → monotonic time at which it was first seen as assigned. */
  private since = new Map<string, number>()
  private hasRun = new Set<string>()

  /** Workers that shall be placed elsewhere, by topology. */
  look(facts: RoundFacts): ReadonlyMap<string, readonly number[]> {
    const since = new Map<string, number>()
    const hasRun = new Set<string>()
    const lost = new Map<string, readonly number[]>()
    for (const [id, { record }] of facts.view.assignments) {
      const stuck = record.workers.filter((worker) => {
        const key = `${id} ${worker.worker} ${worker.generation}`
        const first = this.since.get(key) ?? facts.nowMs
        since.set(key, first)
        const slot = slotOf(facts, id, worker)
        if (slot?.phase === 'running' || this.hasRun.has(key)) hasRun.add(key)
        // Restarts have run out: the next one would count as an old incarnation.
        if (slot !== undefined && restartOf(slot.incarnation) >= RESTARTS_MAX - 1) return true
        return !hasRun.has(key) && facts.nowMs - first > facts.settings.launchMs
      })
      if (stuck.length > 0)
        lost.set(
          id,
          stuck.map(({ worker }) => worker),
        )
    }
    this.since = since
    this.hasRun = hasRun
    return lost
  }
}
