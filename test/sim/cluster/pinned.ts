/**
 * Pinned seeds: the same clusters in every test run. Each set is large enough to take every rare path by
 * itself, so that sets may run beside each other.
 */
import { simulateCluster } from './simulation.ts'

/** Seeds of each set. Four of them are two hundred. */
export const SET_SIZE = 50
/** For a set on a machine that does other things as well. */
export const SET_LIMIT_MS = 300_000

/** What a set must have seen, or it tests less than it did when it was written. */
const RARE = [
  // Of every kind of fault, one has struck.
  ...['kill-worker', 'pause-worker', 'crash-supervisor', 'pause-supervisor', 'crash-node', 'isolate-node'],
  ...['cut-pair', 'cut-one-way', 'reset-links', 'slow-net', 'lose-quorum', 'zk-leader', 'expire-session'],
  ...['cut-zk', 'crash-leader', 'crash-standby', 'pause-nimbus', 'pause-leader', 'isolate-nimbus'],
  // Operators have called.
  ...['rebalance', 'activate', 'deactivate', 'drain-node', 'undrain-node'],
  // Workers have ended by themselves, without a lease, and by a signal.
  ...['exit 0', 'exit 72', 'exit SIGKILL'],
  // What follows from it was there.
  ...['leader changed', 'nobody leads', 'node draining', 'unplaced', 'new layout'],
  ...['phase active', 'phase inactive', 'phase rebalancing', 'phase killed'],
  ...['run active', 'run inactive', 'run drain', 'state written out', 'state moved'],
] as const

export interface SetOutcome {
  /** In the order of the seeds, each with the way to run it again. */
  readonly violations: readonly string[]
  readonly rareNotSeen: readonly string[]
}

export async function runSet(first: number): Promise<SetOutcome> {
  const violations: string[] = []
  const seen = new Set<string>()
  for (let seed = first; seed < first + SET_SIZE; seed += 1) {
    const outcome = await simulateCluster(seed)
    for (const what of outcome.seen.keys()) seen.add(what)
    for (const text of outcome.violations) {
      violations.push(`npm run sim -- --cluster --seed ${seed}: ${text}  (${outcome.model})`)
    }
  }
  return { violations, rareNotSeen: RARE.filter((what) => !seen.has(what)) }
}
