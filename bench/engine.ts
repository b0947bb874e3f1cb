/**
 * Runs a topology of the benchmarks in this process, the way `typhoon run` does, and measures it.
 *
 * Two workers stand on the one event loop, linked through memory: tuples between them are encoded, framed,
 * credited, sent and decoded as between processes, but share one core.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HistogramSnapshot } from '../src/base/histogram.ts'
import { silentLogger } from '../src/base/log.ts'
import { createNodeHost } from '../src/host/node-host.ts'
import { MemoryNet } from '../src/host/virtual/memory-net.ts'
import { LocalRun } from '../src/testing/local-run.ts'
import { buildTopology } from '../src/topology/build.ts'
import type { TopologyDef } from '../src/topology/topology-def.ts'
import type { RunFigures } from '../src/worker/seat/run-figures.ts'
import type { Figures, Plan } from './case.ts'
import { measure, type Workload } from './measure.ts'
import type { Meter } from './topologies/meter.ts'

/** A topology, and how to read it. */
export interface Bench {
  readonly def: TopologyDef
  readonly unit: string
  /** Tuples executed by this component are counted, or emitted by it if it is the spout. */
  readonly counted: string
  /** Each pair: all that the first emits, the second executes. */
  readonly edges: readonly (readonly [from: string, to: string])[]
  /** Every emit of the spout is acked. */
  readonly isAcked: boolean
  readonly workerCount?: number
  /** Latency by its samples. Without: by those of the engine. */
  readonly meter?: Meter
  /** Tuples a step; default: the engine's own. */
  readonly stepLimit?: number
  /** Called when the run has ended. */
  readonly dispose?: () => void
}

const DRAIN_MS = 20_000

export async function startRun(bench: Bench): Promise<LocalRun> {
  const host = createNodeHost({ name: 'bench' })
  const net = new MemoryNet({ nowMs: () => host.clock.monotonicMs(), random: host.random.split('net') })
  const { topology } = buildTopology(bench.def)
  const { stepLimit } = bench
  return await LocalRun.start({
    name: 'bench',
    topology,
    workerCount: bench.workerCount ?? 1,
    hostOf: () => host,
    netOf: (worker) => net.join(`worker-${worker}`, host.timers),
    host,
    log: silentLogger,
    isDev: false,
    ...(stepLimit === undefined ? {} : { stepLimitOf: () => () => stepLimit }),
  })
}

/** Starts, measures, drains, and checks that the books balance. */
export async function measureRun(bench: Bench, plan: Plan): Promise<Figures> {
  const run = await startRun(bench)
  let isEnded = false
  run.finished().then(
    () => {
      isEnded = true
    },
    () => undefined, // `settle` says why it stopped.
  )
  try {
    const figures = await measure(workOf(bench, run), plan)
    if (isEnded) throw new Error('the source ended before the last window did')
    await settle(bench, run)
    return { ...figures, more: { ...figures.more, latency: latencyOf(bench) } }
  } finally {
    await run.stop()
    bench.dispose?.()
  }
}

/** From the emit to: the spout's ack; the end of the tree by the engine's samples; the last bolt. */
function latencyOf(bench: Bench): string {
  if (!bench.isAcked) return 'one way'
  return bench.meter === undefined ? 'tree done' : 'complete'
}

export function workOf(bench: Bench, run: LocalRun): Workload {
  const { meter } = bench
  if (meter === undefined) {
    return {
      unit: bench.unit,
      count: () => countOf(bench, run.figures()),
      latency: () => run.figures().completeMs.snapshot(),
    }
  }
  const further = (): Record<string, HistogramSnapshot> => ({
    ...(bench.isAcked ? { oneWay: meter.oneWay.snapshot() } : {}),
    scheduled: meter.scheduled.snapshot(),
  })
  return {
    unit: bench.unit,
    count: () => countOf(bench, run.figures()),
    latency: () => (bench.isAcked ? meter.complete : meter.oneWay).snapshot(),
    further,
  }
}

/** @throws Error if something is left in flight, failed, or was counted in one place and not in the other */
export async function settle(bench: Bench, run: LocalRun): Promise<void> {
  if (run.stoppedBy !== undefined) throw new Error(`the topology stopped: ${String(run.stoppedBy)}`)
  if (!(await run.drain(DRAIN_MS))) throw new Error(`there still is something in flight after ${DRAIN_MS} ms`)
  await sleep(0)
  const figures = run.figures()
  for (const [from, to] of bench.edges) {
    const sent = componentOf(figures, from).transferredCount
    const done = componentOf(figures, to).executedCount
    if (sent !== done) throw new Error(`${from} emitted ${sent} tuples, but ${to} executed ${done}`)
  }
  if (figures.failedCount > 0 || figures.replayedCount > 0) {
    throw new Error(`${figures.failedCount} trees failed, ${figures.replayedCount} were replayed`)
  }
  if (!bench.isAcked) return
  const emitted = emittedBySpouts(figures)
  if (figures.ackedCount !== emitted) throw new Error(`${emitted} emitted, but ${figures.ackedCount} acked`)
}

function countOf(bench: Bench, figures: RunFigures): number {
  const component = componentOf(figures, bench.counted)
  return component.kind === 'spout' ? component.emittedCount : component.executedCount
}

function componentOf(figures: RunFigures, id: string) {
  const found = figures.components.get(id)
  if (found === undefined) throw new Error(`the topology of the bench has no ${id}`)
  return found
}

function emittedBySpouts(figures: RunFigures): number {
  let count = 0
  for (const each of figures.components.values()) if (each.kind === 'spout') count += each.emittedCount
  return count
}
