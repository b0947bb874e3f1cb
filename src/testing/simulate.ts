/**
 * `simulate`: one topology under many seeds, and for the first that fails the fewest faults that still do it.
 */
import type { TopologyDef } from '../topology/topology-def.ts'
import {
  Attempt,
  type CompletedRun,
  type CompleteOptions,
  reproduceText,
  withNote,
} from './complete-topology.ts'
import type { PlannedFault } from './faults/fault.ts'
import { freshSeed } from './local-cluster-host.ts'

/** Options of `simulate`. */
export interface SimulateOptions<H, A> extends CompleteOptions<H, A> {
  /** Runs, with seeds counted on from `seed`. Default 100. */
  readonly runs?: number
  /** Looks at a finished run, and throws if it is wrong. */
  readonly check: (run: CompletedRun<H>) => void
}

const RUNS = 100
/** Runs spent on finding fewer faults. */
const SHRINK_RUNS_MAX = 200

/**
 * Runs a topology under many seeds. Rejects at the first run that fails, with its seed and the shortest list
 * of faults that still fails (leaving out any one of them does not).
 */
export async function simulate<H, A = undefined>(
  topology: TopologyDef<H, A>,
  options: SimulateOptions<H, A>,
): Promise<void> {
  const first = options.seed ?? freshSeed()
  for (let seed = first; seed < first + (options.runs ?? RUNS); seed += 1) {
    const attempt = new Attempt(topology, options, seed)
    const failure = await failureOf(attempt, attempt.plan(), options)
    if (failure === undefined) continue
    const fewest = await fewestFaults(attempt.struck, async (faults) => {
      return (await failureOf(new Attempt(topology, options, seed), faults, options)) !== undefined
    })
    throw withNote(failure.error, `seed ${seed}; ${reproduceText(seed, fewest)}`)
  }
}

interface Failed {
  readonly error: unknown
}

async function failureOf<H, A>(
  attempt: Attempt<H, A>,
  faults: readonly PlannedFault[],
  options: SimulateOptions<H, A>,
): Promise<Failed | undefined> {
  try {
    await using run = await attempt.run(faults)
    options.check(run)
    return undefined
  } catch (error) {
    return { error }
  }
}

/** Leaves out halves, quarters, … and in the end single faults, as long as the rest still fails. */
async function fewestFaults(
  all: readonly PlannedFault[],
  fails: (faults: readonly PlannedFault[]) => Promise<boolean>,
): Promise<readonly PlannedFault[]> {
  let faults = all
  let runsLeft = SHRINK_RUNS_MAX
  let size = Math.ceil(faults.length / 2)
  while (size >= 1 && faults.length > 0 && runsLeft > 0) {
    let isShorter = false
    for (let at = 0; at < faults.length && runsLeft > 0; ) {
      const rest = [...faults.slice(0, at), ...faults.slice(at + size)]
      runsLeft -= 1
      if (await fails(rest)) {
        faults = rest
        isShorter = true
      } else at += size
    }
    if (size === 1 && !isShorter) break
    size = size === 1 ? 1 : Math.ceil(size / 2)
  }
  return faults
}
