/**
 * One seed: draws a topology, machines and faults, runs it, checks it.
 *
 *   safety: faults, checks at every few events ─▶ heal ─▶ liveness: all is acked in time ─▶ end checks
 */
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import {
  dropAcks,
  dropLink,
  durationText,
  type Fault,
  hangWorker,
  killWorker,
  type PlannedFault,
  partition,
  plannedOf,
  slowLink,
} from '../../src/testing/faults/fault.ts'
import { FaultSchedule } from '../../src/testing/faults/fault-schedule.ts'
import { RunStage } from '../../src/testing/faults/run-stage.ts'
import { LocalRun } from '../../src/testing/local-run.ts'
import { MockFeed } from '../../src/testing/stand-in/mock-source.ts'
import { standIn } from '../../src/testing/stand-in/stand-ins.ts'
import { VirtualStage } from '../../src/testing/virtual-stage.ts'
import { buildTopology } from '../../src/topology/build.ts'
import { buildSimTopology } from './build-topology.ts'
import { Checks } from './checks.ts'
import { drawModel, type Model, modelText } from './model.ts'
import { type SimValues, WorkLog } from './work-log.ts'

export interface SimOptions {
  /** Longest phase of faults. Default 0.2. */
  readonly minutes?: number
  /** Instead of a drawn one. */
  readonly model?: Model
  /** Instead of drawn ones. */
  readonly faults?: readonly Fault[]
}

export interface SimOutcome {
  readonly seed: number
  readonly eventHash: string
  readonly events: number
  readonly virtualMs: number
  readonly items: number
  readonly injected: number
  /** How often rare paths were taken. */
  readonly seen: ReadonlyMap<string, number>
  readonly violations: readonly string[]
  readonly model: string
}

/** Checks look at everything so often, in events. */
const LOOK_EVERY = 40
/** Virtual time after the last fault in which a run must come to its end, beside its message time-outs. */
const LIVENESS_MS = 120_000

/** What these lose is told to the sources at once. */
const TOLD_FAULTS = ['killWorker', 'dropLink']

export async function simulateSeed(seed: number, options: SimOptions = {}): Promise<SimOutcome> {
  return await new Simulation(seed, options).run()
}

class Simulation {
  private readonly seed: number
  private readonly model: Model
  private readonly stage: VirtualStage
  private readonly log: WorkLog
  private readonly checks: Checks
  private readonly faults: readonly PlannedFault[]
  private readonly healAfterMs: number
  private readonly runs: LocalRun[] = []
  private readonly stepMax: number
  private readonly random: SeededRandom

  constructor(seed: number, options: SimOptions) {
    this.seed = seed
    this.random = new SeededRandom(seed).split('simulation')
    this.model = options.model ?? drawModel(this.random.split('model'))
    this.stage = new VirtualStage({ seed, patienceMs: 0 })
    this.log = new WorkLog(this.model)
    this.healAfterMs = 1_000 + this.random.next() * (options.minutes ?? 0.2) * 60_000
    this.stepMax = [1, 8, 256][this.random.below(3)] ?? 256
    this.faults = (
      options.faults ?? drawFaults(this.model, this.healAfterMs, this.random.split('faults'))
    ).map((fault) => plannedOf(fault) as PlannedFault)
    this.checks = new Checks({
      model: this.model,
      log: this.log,
      nowMs: () => this.stage.world.nowMs,
      mayHang: this.faults.some(({ fault }) => fault.startsWith('hangWorker')),
      run: () => this.runs[0],
    })
  }

  async run(): Promise<SimOutcome> {
    const { world } = this.stage
    const items = this.model.sources.reduce((sum, { count }) => sum + count, 0)
    let injected = 0
    try {
      injected = await this.live(items)
    } catch (error) {
      this.log.violate(`threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
    return {
      seed: this.seed,
      eventHash: world.eventHash,
      events: world.eventCount,
      virtualMs: Math.round(world.nowMs),
      items,
      injected,
      seen: this.log.seen,
      violations: this.log.violations,
      model: modelText(this.model),
    }
  }

  private async live(items: number): Promise<number> {
    const { world, host } = this.stage
    const stage = this.faultStage()
    const run = await this.stage.drive(LocalRun.start(this.runSpec(stage)))
    this.runs.push(run)
    const schedule = new FaultSchedule(stage, this.healAfterMs, () => world.nowMs)
    schedule.add(this.faults)
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    run.finished().then(over, over)
    const untilMs = this.healAfterMs + LIVENESS_MS + 4 * this.model.timeoutMs
    let events = 0
    const goesOn = (): boolean => {
      events += 1
      if (events % LOOK_EVERY === 0) this.checks.look()
      return this.log.violations.length === 0
    }
    const how = await world.run({ untilMs, while: () => goesOn() && !isOver })
    if (how === 'time')
      this.log.violate(`liveness: not finished at ${untilMs.toFixed(0)} ms; ${whatIsOpen(run)}`)
    if (run.stoppedBy !== undefined) this.log.violate(`stopped: ${String(run.stoppedBy)}`)
    if (this.log.violations.length === 0) {
      // Faults may still be about; then trees that nobody will ever speak of again fall out of the ledgers.
      const restMs = Math.max(world.nowMs, this.healAfterMs) + 4 * this.model.timeoutMs + 10_000
      await world.run({ untilMs: restMs, while: goesOn })
      this.checks.lookAtEnd(run, items)
      this.checkCalm()
    }
    schedule.stop()
    for (const [name, count] of this.countsOf(run)) if (count > 0) this.log.see(name)
    void host
    run.kill()
    return schedule.injected.length
  }

  private runSpec(stage: RunStage) {
    const { model, log } = this
    const def = buildSimTopology(model, {
      log,
      timersOf: (node) => this.stage.world.host(node).timers,
      isCalm: () => this.stage.world.nowMs > this.healAfterMs,
    })
    const { topology } = buildTopology(def)
    const { topology: stood } = standIn(topology, feedsOf(model), { sinks: 'real', isLingering: true })
    const steps = this.random.split('steps')
    return {
      ...this.stage.specOf((worker) => worker),
      name: 'sim',
      topology: { ...stood, taskHooks: [() => this.checks.makeHook()] },
      log: silentLogger,
      isDev: true,
      onWorkerMade: (worker: Parameters<Checks['watch']>[0]) => this.checks.watch(worker),
      onEvent: (event: Parameters<NonNullable<Parameters<typeof LocalRun.start>[0]['onEvent']>>[0]) => {
        if (event.kind === 'dead-letter') log.onDeadLetter(event.letter)
        if (event.kind === 'worker-restarted') log.see('restarted')
      },
      beforeCall: stage.beforeCall,
      stepLimitOf: () => () => 1 + steps.below(this.stepMax),
    }
  }

  private faultStage(): RunStage {
    const { world } = this.stage
    return new RunStage({
      world,
      net: world.net,
      timers: world.timers,
      workerCount: this.model.workers,
      machine: (worker) => VirtualStage.machine(worker),
      workerAt: (worker) => this.runs.map((run) => ({ run, worker }))[0],
      runs: () => this.runs,
    })
  }

  /**
   * Where nothing was slow and no ack was lost, nothing may time out: losses are told at once, and a tuple
   * that is just gone would hide behind its replay.
   */
  private checkCalm(): void {
    const isTold = this.faults.every(({ fault }) => TOLD_FAULTS.some((name) => fault.startsWith(`${name}(`)))
    if (isTold && this.checks.timeoutCount > 0) {
      this.log.violate(`calm: ${this.checks.timeoutCount} trees timed out, and no fault explains it`)
    }
    const isReset = this.faults.every(({ fault }) => fault.startsWith('dropLink('))
    const lost = this.log.seen.get('failed: link-lost') ?? 0
    if (isReset && lost > 0)
      this.log.violate(`calm: ${lost} trees were given up, and connections were only reset`)
  }

  private countsOf(run: LocalRun): [string, number][] {
    const all = [...run.figures().components.values()]
    const sum = (pick: (each: (typeof all)[number]) => number) =>
      all.reduce((total, each) => total + pick(each), 0)
    return [
      ['blocked', sum(({ blockedMs }) => blockedMs)],
      ['retried', sum(({ retriedCount }) => retriedCount)],
      ['expired', sum(({ expiredCount }) => expiredCount)],
    ]
  }
}

function feedsOf(model: Model): Map<string, MockFeed> {
  return new Map(
    model.sources.map(({ id, count, partitions, rate }) => {
      const feed = new MockFeed({ partitions, rate })
      const items = Array.from({ length: count }, (_, n): SimValues => {
        const item = `${id}/p${n % partitions}/${Math.floor(n / partitions)}`
        return { parts: item, key: (n * 7) % 13, hops: model.hops, from: 'source', seq: 0 }
      })
      feed.push(items)
      feed.end()
      return [id, feed]
    }),
  )
}

/** Each kind of fault is off in about half of the seeds; a quarter of them has none at all. */
function drawFaults(model: Model, healAfterMs: number, random: SeededRandom): readonly Fault[] {
  if (random.chance(0.25)) return []
  const { workers } = model
  const worker = (): number => 1 + random.below(workers)
  const pair = (): readonly [number, number] => {
    const a = worker()
    return [a, 1 + ((a + random.below(workers - 1)) % workers)]
  }
  const at = () => ({ at: durationText(random.next() * healAfterMs) })
  const lasting = (mostMs: number) => ({ ...at(), for: durationText(random.next() * mostMs) })
  const kinds: (() => Fault)[] = [
    () => killWorker(worker(), at()),
    () => hangWorker(worker(), lasting(6_000)),
  ]
  if (workers > 1) {
    kinds.push(
      () => dropLink(...pair(), at()),
      () => dropAcks(random.next() * 0.5, lasting(2_000)),
      () => slowLink(durationText(random.next() * 200), lasting(2_000)),
      () => {
        const [a, b] = pair()
        return partition([a], [b], lasting(5_000))
      },
      () => corrupt(...pair(), at()),
    )
  }
  const faults: Fault[] = []
  for (const make of kinds) {
    if (random.chance(0.5)) continue
    const count = 1 + random.below(6)
    for (let n = 0; n < count; n += 1) faults.push(make())
  }
  return faults
}

/** A byte of the next delivery between two workers changes. */
function corrupt(a: number, b: number, when: PlannedFault['when']): PlannedFault {
  return {
    fault: `corrupt(${a}, ${b}, ${JSON.stringify(when)})`,
    when,
    forMs: undefined,
    workers: [a, b],
    nodes: [],
    isOfCluster: false,
    isVirtual: true,
    strike: (stage) => stage.corrupt(a, b),
    heal: () => undefined,
  }
}

function whatIsOpen(run: LocalRun): string {
  const open = [...run.figures().components.values()].map(({ componentId, pendingCount, queuedCount }) => {
    return `${componentId} ${pendingCount} pending ${queuedCount} queued`
  })
  const workers = run.workers.map(
    ({ spec, isQuiet }) => `worker ${spec.worker} ${isQuiet ? 'quiet' : 'busy'}`,
  )
  return [...open, ...workers].join(', ')
}
