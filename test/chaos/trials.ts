/** Trials of one fault on one running cluster, and the line that is printed of them. */
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { RealFault } from './faults.ts'
import { effectOf, type Quantiles, quantilesOf } from './figures.ts'
import type { RealCluster } from './real-cluster.ts'
import type { ChaosRun } from './run.ts'

export interface FaultReport {
  readonly fault: string
  readonly trials: number
  readonly tasksBackMs: Quantiles | undefined
  readonly dataWholeMs: Quantiles | undefined
  /** From the fault to the answer of the next submit: only where a leader is struck. */
  readonly submitMs: Quantiles | undefined
  readonly emitted: number
  readonly lost: number
  readonly duplicated: number
  /** Trials in which tasks had to start again. */
  readonly restarted: number
}

export interface TrialOptions {
  readonly trials: number
  readonly chance: () => number
  readonly seconds?: number
  readonly onTrial?: (number: number) => void
}

const SMALL = fileURLToPath(new URL('./small-topology.ts', import.meta.url))
/** Of a lull before the first fault. */
const WARM_MS = 2_000

export async function runTrials(
  cluster: RealCluster,
  run: ChaosRun,
  fault: RealFault,
  options: TrialOptions,
): Promise<FaultReport> {
  await passed(WARM_MS)
  const times: number[] = []
  const submits: number[] = []
  for (let trial = 1; trial <= options.trials; trial += 1) {
    const { chance, seconds } = options
    const strikesLeader = /leader$|^leader-/.test(fault.name) && !fault.name.startsWith('zk')
    const atMs = Date.now()
    const heal = await fault.strike({ cluster, run, chance, seconds })
    // Whom to strike had to be found first, but for faults that take their time themselves.
    times.push(strikesLeader ? Date.now() : atMs)
    if (strikesLeader) submits.push(await submitMs(cluster, times.at(-1) ?? atMs, trial))
    await passed(fault.settleMs * (0.9 + 0.2 * chance()))
    await heal()
    await cluster.until('the cluster is whole again', 60_000, async () => {
      const nodes = await cluster.nodes()
      const up = nodes.filter(({ state }) => state === 'up').length
      return up === cluster.supervisors.length && cluster.workers().length >= 3
    })
    options.onTrial?.(trial)
  }
  const verdict = await run.finish()
  const [sights, firsts] = [run.sights(), run.firsts()]
  const emission = run.emission(sights)
  const effects = times.map((atMs, index) => {
    return effectOf(atMs, times[index + 1] ?? Number.POSITIVE_INFINITY, sights, firsts, emission)
  })
  const isRestart = (effect: (typeof effects)[number]) => effect.tasksBackMs !== undefined
  return {
    fault: fault.name,
    trials: options.trials,
    tasksBackMs: quantilesOf(effects.flatMap(({ tasksBackMs }) => tasksBackMs ?? [])),
    dataWholeMs: quantilesOf(effects.flatMap(({ dataWholeMs }) => dataWholeMs ?? [])),
    submitMs: quantilesOf(submits),
    emitted: verdict.emitted,
    lost: verdict.lost.length,
    duplicated: verdict.duplicated,
    restarted: effects.filter(isRestart).length,
  }
}

/** How long until a new topology was accepted; it is killed again. */
async function submitMs(cluster: RealCluster, sinceMs: number, trial: number): Promise<number> {
  const name = `small-${trial}-${sinceMs}`
  const done = await cluster.command('submit', SMALL, '--name', name, '--inactive', '-y', '--timeout', '60s')
  const tookMs = Date.now() - sinceMs
  if (done.code !== 0) throw new Error(`submit after the fault ended with ${done.code}: ${done.err}`)
  await cluster.command('kill', name, '-y', '-w', '0s')
  return tookMs
}
