/**
 * One worker of a benchmark in a process of its own: `node bench/tcp/tcp-worker.ts PLAN`, forked by
 * two-processes.ts, which asks it questions over the channel that a fork has.
 *
 *   parent ── start ─▶ worker 1 ══ TCP on loopback ══ worker 2 ◀─ start ── parent
 *          ◀─ edge: counts, CPU, latency ───────────────────────────────▶
 */
import { randomBytes } from 'node:crypto'
import type { HistogramSnapshot } from '../../src/base/histogram.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { placeEvenly } from '../../src/schedule/even.ts'
import { buildTopology } from '../../src/topology/build.ts'
import { expand, settingsOf } from '../../src/topology/expand.ts'
import type { WorkerOwner } from '../../src/worker/desk.ts'
import { Office } from '../../src/worker/seat/office.ts'
import { PositionBook } from '../../src/worker/seat/position-book.ts'
import { figuresOf } from '../../src/worker/seat/run-figures.ts'
import { Worker } from '../../src/worker/worker.ts'
import { tcpBenches } from './tcp-benches.ts'

/** What a child is told when it starts. */
export interface ChildPlan {
  readonly bench: string
  readonly worker: number
  readonly addresses: readonly string[]
  readonly token: string
  readonly rate: number
}

export type Question = 'start' | 'edge' | 'drain'

/** What it answers to `edge` and `drain`. Numbers of this process only. */
export interface Answer {
  readonly question: Question
  readonly atMs: number
  readonly cpuMs: number
  readonly rssMb: number
  readonly isQuiet: boolean
  readonly executed: Readonly<Record<string, number>>
  readonly emitted: Readonly<Record<string, number>>
  readonly transferred: Readonly<Record<string, number>>
  readonly acked: number
  readonly failed: number
  readonly complete: HistogramSnapshot | undefined
  readonly errors: readonly string[]
}

/** So many errors of a child are told. */
const ERRORS_MAX = 5

function isPlan(value: unknown): value is ChildPlan {
  return typeof value === 'object' && value !== null && 'bench' in value && 'addresses' in value
}

async function run(plan: ChildPlan): Promise<void> {
  const make = tcpBenches.get(plan.bench)
  if (make === undefined) throw new Error(`there is no bench ${plan.bench}`)
  const bench = make(plan.rate)
  const host = createNodeHost({ name: `bench-${plan.worker}` })
  const { topology } = buildTopology(bench.def)
  const settings = settingsOf(topology)
  const expanded = expand(topology, settings)
  const errors: string[] = []
  const owner = ownerOf((text) => {
    if (errors.length < ERRORS_MAX) errors.push(text)
  })
  const spec = {
    topologyName: 'bench',
    topology,
    settings,
    expanded,
    placement: placeEvenly(expanded.executors, plan.addresses.length),
    worker: plan.worker,
    incarnation: 1,
    node: host.name,
    port: plan.worker,
    isDev: false,
  }
  const office = new Office({
    worker: spec,
    host,
    log: silentLogger,
    token: plan.token,
    addressOf: (worker) => plan.addresses[worker - 1] ?? '',
    ackLoss: undefined,
  })
  const worker = new Worker({
    spec,
    host,
    log: silentLogger,
    owner,
    positions: new PositionBook('bench', host.clock, undefined),
    linkTo: (peer) => office.linkTo(peer),
  })
  await office.open(worker)
  await worker.start()

  const answer = (question: Question): Answer => {
    const figures = figuresOf([worker], undefined, host.clock.now())
    const components = [...figures.components.values()]
    const cpu = process.cpuUsage()
    const pick = (name: 'executedCount' | 'emittedCount' | 'transferredCount') =>
      Object.fromEntries(components.map((each) => [each.componentId, each[name]]))
    return {
      question,
      atMs: performance.now(),
      cpuMs: (cpu.user + cpu.system) / 1000,
      rssMb: process.memoryUsage.rss() / 2 ** 20,
      isQuiet: worker.isQuiet && office.isQuiet,
      executed: pick('executedCount'),
      emitted: pick('emittedCount'),
      transferred: pick('transferredCount'),
      acked: figures.ackedCount,
      failed: figures.failedCount + figures.replayedCount,
      complete: bench.isAcked ? bench.meter?.complete.snapshot() : undefined,
      errors,
    }
  }
  obey(worker, answer)
}

/** Does what the parent asks for until the parent is gone. */
function obey(worker: Worker, answer: (question: Question) => Answer): void {
  process.on('message', (question: Question) => {
    if (question === 'start') worker.activate()
    if (question === 'drain') worker.drain()
    process.send?.(answer(question))
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.(answer('edge'))
}

function ownerOf(tell: (text: string) => void): WorkerOwner {
  return {
    onError: (_worker, shown) => tell(`${shown.code} ${shown.error.message}`),
    onErrorsHeldBack: () => undefined,
    onDeadLetter: () => false,
    onRestartWanted: (_worker, reported) => tell(String(reported.error)),
    onStopWanted: (_worker, reported) => tell(String(reported.error)),
    onSourceFinished: () => undefined,
    onSourceResumed: () => undefined,
    onBroken: (_worker, error) => tell(String(error)),
  }
}

/** Shared by the children of one run. */
export function freshToken(): string {
  return randomBytes(16).toString('hex')
}

if (process.send !== undefined && process.argv[2] !== undefined) {
  const plan: unknown = JSON.parse(process.argv[2])
  if (isPlan(plan)) await run(plan)
}
