/**
 * One seed: a cluster, topologies, faults and calls are drawn, run, and checked.
 *
 *   start ─▶ submit ─▶ safety: faults, checks at every few events ─▶ heal
 *   ─▶ liveness: all runs, all is seen ─▶ kill ─▶ nothing is left
 */
import { isStreamError } from '../../../src/base/errors.ts'
import { createLogger, formatLogLine } from '../../../src/base/log.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { SimCluster } from '../../../src/testing/cluster/sim-cluster.ts'
import { ClusterChecks } from './checks.ts'
import { countingTopology, Ledger, missingOf } from './counting.ts'
import { type ClusterFault, drawClusterFaults, type FaultBench } from './faults.ts'
import { type ClusterModel, clusterModelText, drawClusterModel } from './model.ts'
import { lookAround } from './sights.ts'

export interface ClusterSimOptions {
  /** Longest phase of faults. Default 0.5. */
  readonly minutes?: number
  /** Over what was drawn. */
  readonly change?: (drawn: ClusterModel) => ClusterModel
  /** Instead of those that are drawn. */
  readonly faults?: (bench: FaultBench) => readonly ClusterFault[]
  /** Prints what daemons log. */
  readonly onLog?: (line: string) => void
}

export interface ClusterOutcome {
  readonly seed: number
  readonly eventHash: string
  readonly events: number
  readonly virtualMs: number
  readonly items: number
  readonly repeated: number
  readonly faults: number
  readonly seen: ReadonlyMap<string, number>
  readonly violations: readonly string[]
  readonly model: string
}

const LOOK_EVERY = 200
/** Virtual time in which a healed cluster must be whole again, and sources at their end. */
const LIVENESS_MS = 180_000
const AGAIN_MS = 1_000
/** No call of an operator goes on for longer. */
const CALLS_END_MS = 60_000
const KILL_MS = 120_000
const VIOLATIONS_MAX = 5
const LOG_KEPT = 60

export async function simulateCluster(
  seed: number,
  options: ClusterSimOptions = {},
): Promise<ClusterOutcome> {
  return await new ClusterSimulation(seed, options).run()
}

class ClusterSimulation {
  private readonly seed: number
  private readonly random: SeededRandom
  private readonly model: ClusterModel
  private readonly cluster: SimCluster
  private readonly checks: ClusterChecks
  private readonly ledgers = new Map<string, Ledger>()
  private readonly seen = new Map<string, number>()
  private readonly violations: string[] = []
  private readonly recentLog: string[] = []
  private readonly options: ClusterSimOptions
  private faults: readonly ClusterFault[] = []
  private events = 0

  constructor(seed: number, options: ClusterSimOptions) {
    this.seed = seed
    this.options = options
    this.random = new SeededRandom(seed).split('cluster simulation')
    const drawn = drawClusterModel(this.random.split('model'), options.minutes ?? 0.5)
    this.model = options.change?.(drawn) ?? drawn
    this.checks = new ClusterChecks({
      model: this.model,
      cluster: () => this.cluster,
      ledgers: this.ledgers,
      violate: (text) => this.violate(text),
    })
    this.cluster = SimCluster.simulated({
      seed,
      nimbuses: this.model.nimbuses,
      nodes: this.model.nodes,
      slots: this.model.slots,
      onWrite: (record) => this.checks.onWrite(record),
      onWorkerSeated: (process) => this.checks.onSeated(process),
      onWorkerEnded: (_process, end) => this.see(`exit ${end.signal ?? end.code ?? '?'}`),
      log: (machine) => this.logOf(machine),
    })
  }

  async run(): Promise<ClusterOutcome> {
    const { world } = this.cluster
    try {
      await this.live()
    } catch (error) {
      this.violate(`threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
    this.collectBugs()
    const ledgers = [...this.ledgers.values()]
    return {
      seed: this.seed,
      eventHash: world.eventHash,
      events: world.eventCount,
      virtualMs: Math.round(world.nowMs - 1_000_000),
      items: ledgers.reduce((sum, { seen }) => sum + seen.size, 0),
      repeated: ledgers.reduce((sum, ledger) => sum + ledger.repeatedCount, 0),
      faults: this.faults.length,
      seen: this.seen,
      violations: this.violations.map((text) => `${text}`),
      model: clusterModelText(this.model),
    }
  }

  private async live(): Promise<void> {
    const { cluster, model } = this
    await cluster.start()
    for (const topology of model.topologies) await this.submit(topology.name)
    cluster.ensemble.setFaults(model.ensemble)
    const bench: FaultBench = {
      cluster,
      model,
      random: this.random.split('faults'),
      see: (what: string) => this.see(what),
      violate: (text: string) => this.violate(text),
    }
    this.faults = (this.options.faults ?? drawClusterFaults)(bench)
    for (const fault of this.faults) cluster.world.timers.after(fault.atMs, () => fault.strike())
    await this.pass(model.faultsMs + 25_000, () => false)
    this.heal()
    await this.pass(LIVENESS_MS, () => this.isWhole())
    this.checkWhole()
    if (this.violations.length > 0) return
    await this.killAll()
    await this.pass(KILL_MS, () => this.isEmpty())
    this.checks.lookAfterKills()
  }

  private async submit(name: string): Promise<void> {
    const { cluster } = this
    const topology = this.model.topologies.find((each) => each.name === name)
    if (topology === undefined) return
    const ledger = new Ledger()
    this.ledgers.set(name, ledger)
    const wait = (_node: string, forMs: number) =>
      new Promise<void>((resolve) => cluster.world.timers.after(forMs, resolve))
    const def = countingTopology(topology, ledger, wait)
    const key = `key of ${name}`
    const first = await cluster.drive(cluster.submit(def, { idempotencyKey: key }))
    // A client that did not hear the answer asks again: it must get the same.
    const again = await cluster.drive(cluster.submit(def, { idempotencyKey: key }))
    if (again.id !== first.id || !again.isRepeated) this.violate(`I14: ${name} was submitted twice`)
  }

  private async pass(forMs: number, isOver: () => boolean): Promise<void> {
    const { world } = this.cluster
    const untilMs = world.nowMs + forMs
    await world.run({ untilMs, while: () => this.goesOn() && !(this.events % LOOK_EVERY === 0 && isOver()) })
  }

  private goesOn(): boolean {
    this.events += 1
    if (this.events % LOOK_EVERY === 0) {
      this.checks.look()
      lookAround(this.cluster, (what) => this.see(what))
    }
    this.collectBugs()
    return this.violations.length < VIOLATIONS_MAX
  }

  private collectBugs(): void {
    for (const bug of this.cluster.bugs.splice(0)) this.violate(`I20: ${bug}`)
  }

  /** Every machine is up, every lane open, every server there. */
  private heal(): void {
    const { cluster } = this
    cluster.world.net.healAll()
    cluster.ensemble.regainQuorum()
    cluster.ensemble.setFaults({ unknownShare: 0, staleShare: 0 })
    for (const machine of cluster.machines()) cluster.heal(machine)
    this.undoCalls()
    // A call from before may have been under way all the time, and done its work after this.
    cluster.world.timers.after(CALLS_END_MS, () => this.undoCalls())
  }

  /** Whatever operators wanted: all nodes take workers, all topologies run. */
  private undoCalls(): void {
    const { cluster } = this
    for (const node of cluster.nodeNames) this.insist(() => cluster.client.call('undrain', [node]))
    for (const { name } of this.model.topologies) this.insist(() => cluster.client.call('activate', [name]))
  }

  /** An operator whose call is refused because there is no leader, or other work goes on, asks again. */
  private insist(call: () => Promise<unknown>, triesLeft = LIVENESS_MS / AGAIN_MS): void {
    call().catch((error: unknown) => {
      if (!isStreamError(error)) throw error
      const isForNow = error.family === 'unavailable' || error.code === 'TOPOLOGY_WRONG_STATE'
      if (!isForNow || triesLeft === 0) return
      this.cluster.world.timers.after(AGAIN_MS, () => this.insist(call, triesLeft - 1))
    })
  }

  /** I17: a leader, all topologies placed as far as there are slots, everything seen. */
  private isWhole(): boolean {
    return this.whatIsMissing() === undefined
  }

  private whatIsMissing(): string | undefined {
    const { cluster, model } = this
    if (cluster.leader === undefined) return 'a leader'
    if (cluster.supervisors.size !== model.nodes)
      return `supervisors: ${[...cluster.supervisors.keys()].join(' ')}`
    for (const topology of model.topologies) {
      const ledger = this.ledgers.get(topology.name)
      const missing = ledger === undefined ? [] : missingOf(topology, ledger)
      if (missing.length > 0) return `${missing.length} items of ${topology.name}, first ${missing[0]}`
    }
    return undefined
  }

  private checkWhole(): void {
    const missing = this.whatIsMissing()
    if (missing !== undefined) this.violate(`liveness: after healing there is still no ${missing}`)
  }

  private async killAll(): Promise<void> {
    for (const { name } of this.model.topologies) {
      await this.cluster.drive(this.cluster.client.call('kill', [name, 5_000], { timeoutMs: 60_000 }))
    }
  }

  private isEmpty(): boolean {
    const { ensemble, processes } = this.cluster
    const isRunning = processes.living.some(({ assign }) => assign !== undefined)
    const parts = ['topologies', 'assignments', 'names', 'positions', 'submits']
    // A session that was left behind goes when its time is over.
    const daemons = this.model.nimbuses + this.model.nodes
    if (isRunning || ensemble.census().sessionCount > daemons) return false
    return parts.every((part) => ensemble.peekChildren(`/typhoon/${part}`).length === 0)
  }

  private logOf(machine: string) {
    return createLogger({
      level: 'debug',
      limit: { lines: 0, perMs: 1 },
      now: () => this.cluster.world.nowMs,
      sink: (line) => {
        const text = `${machine} ${formatLogLine(line)}`
        this.checks.onLogLine(machine, text)
        this.options.onLog?.(text)
        this.recentLog.push(text)
        if (this.recentLog.length > LOG_KEPT) this.recentLog.shift()
      },
    })
  }

  private see(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }

  private violate(text: string): void {
    const at = (this.cluster.world.nowMs - 1_000_000).toFixed(1)
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(`${at} ms ${text}`)
  }
}
