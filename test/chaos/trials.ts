/** Trials of one fault on one running cluster, and the line that is printed of them. */
import { setTimeout as passed } from 'node:timers/promises'
import type { RealFault } from './fault.ts'
import { effectOf, type Quantiles, quantilesOf } from './figures.ts'
import type { RealCluster } from './real-cluster.ts'
import type { ChaosRun } from './run.ts'

export interface FaultReport {
  readonly fault: string
  readonly trials: number
  readonly tasksBackMs: Quantiles | undefined
  readonly dataWholeMs: Quantiles | undefined
  /** From the end of a fault that lasts until all that was due before has arrived. */
  readonly wholeAgainMs: Quantiles | undefined
  /** From the fault to the answer of the next submit: only where a leader is struck. */
  readonly submitMs: Quantiles | undefined
  readonly emitted: number
  readonly lost: number
  readonly duplicated: number
  /** Trials in which tasks had to start again. */
  readonly restarted: number
  /** How long all of it took. */
  readonly seconds: number
}

export interface TrialOptions {
  readonly trials: number
  readonly chance: () => number
  readonly seconds?: number
  readonly onTrial?: (number: number) => void
}

interface Noted {
  /** When each fault struck, and when what it does itself was over. */
  readonly times: readonly number[]
  readonly ends: readonly number[]
  readonly submits: readonly number[]
  readonly begunMs: number
}

/** Shorter ones are a moment. */
const LASTING_MS = 900
/** Of a lull before the first fault. */
const WARM_MS = 2_000
const EFFECT_MS = 1_000
/** Trees that nobody can fail are failed by their time, 30 s; then they are read again. */
const WHOLE_MS_MAX = 60_000
/** What was due so long after tasks were back shows that they all are. */
const AFTER_MS = 300
const LOOK_MS = 100
/** Drawn from 0 to this: faults shall not beat in time with the heartbeats. */
const SPREAD_MS = 1_000
const SEATS = 3

export async function runTrials(
  cluster: RealCluster,
  run: ChaosRun,
  fault: RealFault,
  options: TrialOptions,
): Promise<FaultReport> {
  const begunMs = Date.now()
  const { chance, seconds } = options
  await passed(WARM_MS)
  const times: number[] = []
  const ends: number[] = []
  const submits: number[] = []
  for (let trial = 1; trial <= options.trials; trial += 1) {
    const atMs = Date.now()
    const heal = await fault.strike({ cluster, run, chance, seconds })
    // Whom to strike had to be found first, but for faults that take their time themselves.
    times.push(fault.strikesLeader === true ? Date.now() : atMs)
    ends.push(Date.now())
    if (fault.strikesLeader === true) submits.push(await submitMs(cluster, times.at(-1) ?? atMs))
    await untilWhole(cluster, run, fault, times.at(-1) ?? atMs)
    await heal()
    await cluster.until('the cluster is whole again', 60_000, async () => {
      // One that was replaced and still ends would be taken for one whose loss is felt.
      return cluster.workers().length === SEATS && (await cluster.areNodesUp())
    })
    options.onTrial?.(trial)
    await passed((fault.restMs ?? 0) + SPREAD_MS * chance())
  }
  return await reportOf(run, fault.name, { times, ends, submits, begunMs })
}

async function reportOf(
  run: ChaosRun,
  fault: string,
  { times, ends, submits, begunMs }: Noted,
): Promise<FaultReport> {
  const verdict = await run.finish()
  const [sights, firsts] = [run.sights(), run.firsts()]
  const emission = run.emission(sights)
  const untilOf = (index: number) => times[index + 1] ?? Number.POSITIVE_INFINITY
  const effects = times.map((atMs, index) => effectOf(atMs, untilOf(index), sights, firsts, emission))
  const lasting = ends.flatMap((endMs, index) => {
    if (endMs - (times[index] ?? endMs) < LASTING_MS) return []
    return effectOf(endMs, untilOf(index), sights, firsts, emission).dataWholeMs ?? []
  })
  return {
    fault,
    trials: times.length,
    tasksBackMs: quantilesOf(effects.flatMap(({ tasksBackMs }) => tasksBackMs ?? [])),
    dataWholeMs: quantilesOf(effects.flatMap(({ dataWholeMs }) => dataWholeMs ?? [])),
    wholeAgainMs: quantilesOf(lasting),
    submitMs: quantilesOf(submits),
    emitted: verdict.emitted,
    lost: verdict.lost.length,
    duplicated: verdict.duplicated,
    restarted: effects.filter(({ tasksBackMs }) => tasksBackMs !== undefined).length,
    seconds: Math.round((Date.now() - begunMs) / 1_000),
  }
}

/** As soon as what was to come of the fault has come, and no word that was due is missing. */
export async function untilWhole(
  cluster: RealCluster,
  run: ChaosRun,
  fault: RealFault,
  struckMs: number,
): Promise<void> {
  const fromMs = struckMs + (fault.effectMs ?? EFFECT_MS)
  const isWhole = (): boolean => {
    const back = run.firsts().flatMap(({ atMs }) => (atMs > struckMs ? [atMs] : []))
    if (Date.now() < fromMs || (fault.restarts && back.length === 0)) return false
    return run.isWholeUpTo(Math.max(fromMs, ...back.map((atMs) => atMs + AFTER_MS)))
  }
  await cluster.until(`${fault.name}: all words are seen`, WHOLE_MS_MAX, isWhole, LOOK_MS)
}

/** How long until a new topology was accepted; it is killed again. */
async function submitMs(cluster: RealCluster, sinceMs: number): Promise<number> {
  const name = `small-${sinceMs}`
  const done = await cluster.submitSmall(name)
  const tookMs = Date.now() - sinceMs
  if (done.code !== 0) throw new Error(`submit after the fault ended with ${done.code}: ${done.err}`)
  await cluster.command('kill', name, '-y', '-w', '0s')
  return tookMs
}
