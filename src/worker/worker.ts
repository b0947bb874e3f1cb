/**
 * One worker: the executors of one slot on one event loop, and everything they share.
 *
 *   new ─▶ start (hooks, prepare, open) ─▶ activate ⇄ deactivate ─▶ drain ─▶ stop
 *                                                 ╰─ rearrange ─╯    ╲──▶ kill: at once, as a crash does
 *
 * Does not know: who placed it here, sockets, other topologies.
 *
 * Invariants
 *   W1  No tuple runs before every bolt of the worker is prepared; no spout is asked before it is activated.
 *   W2  After `stop` or `kill` nothing of the worker runs any more: no timer, no executor, no late promise.
 */
import { UserCodeError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { AckRouter } from '../flow/ack/ack-router.ts'
import { EdgeIds } from '../flow/ack/edge-ids.ts'
import type { BoltExecutor } from '../flow/executor/bolt/bolt-executor.ts'
import type { BoltTask } from '../flow/executor/bolt/bolt-task.ts'
import { MetricBoard } from '../flow/executor/metric-board.ts'
import type { EngineServices, PositionDesk } from '../flow/executor/services.ts'
import { type PartitionProgress, ReplayableSpoutTask } from '../flow/executor/spout/replayable-spout-task.ts'
import type { TaskIdentity } from '../flow/executor/task-identity.ts'
import { messageOf } from '../flow/executor/user-code.ts'
import { WorkLoop } from '../flow/executor/work-loop.ts'
import { Inbound } from '../flow/transfer/inbound.ts'
import type { Link } from '../flow/transfer/link.ts'
import type { Host, Stoppable } from '../host/host.ts'
import { MemoryAccount } from '../state/memory-account.ts'
import { ACKER } from '../topology/expand.ts'
import type { WorkerContext, WorkerHook } from '../topology/hook.ts'
import type { AnyValues } from '../topology/tuple.ts'
import { freezeDeeply, isFreezing, makeAdmit } from './admit.ts'
import { Assembler, type Assembly, type Executors } from './assembly.ts'
import { Desk, type WorkerOwner } from './desk.ts'
import { NowhereLink } from './nowhere-link.ts'
import { type LoadModule, Reporters } from './reporters.ts'
import { samplesOf } from './samples.ts'
import { NOWHERE, type WorkerSpec, workerOf, workersOf } from './spec.ts'
import { StreamTable } from './stream-table.ts'
import { TaskEnds } from './task-ends.ts'
import { makeTryEncode } from './try-encode.ts'

/** How exact deadlines are: half of the 100 ms that are promised. */
const SWEEP_MS = 50
const REFRESH_MS = 1_000

export interface WorkerParts {
  readonly spec: WorkerSpec
  readonly host: Host
  readonly log: Logger
  readonly owner: WorkerOwner
  readonly positions: PositionDesk
  /** Makes the way to another worker. Called once for each, while the worker is put together. */
  readonly linkTo: (worker: number) => Link
  /** Tests and the simulator: bounds of a step, and faults before calls. */
  readonly stepLimit?: () => number
  readonly beforeCall?: (componentId: string, call: string) => void
  /** Imports modules of metrics reporters; without it, a topology that has some does not start. */
  readonly loadModule?: LoadModule
  /** Its loop would have turned after `loop.endsAtMs`: the worker has no right to go on. */
  readonly onOverdue?: () => void
}

/** Puts state into tasks that are prepared, before a tuple runs. */
export type DealState = (bolts: readonly BoltTask[]) => void | Promise<void>

/** Where a source is, for the position store. */
export interface SourceProgress extends PartitionProgress {
  readonly componentId: string
}

export class Worker {
  /** Exchanged by `rearrange` only. */
  spec: WorkerSpec
  readonly streams: StreamTable
  readonly inbound: Inbound
  readonly acks: AckRouter
  readonly desk: Desk
  readonly loop: WorkLoop
  readonly metrics = new MetricBoard()
  private readonly parts: WorkerParts
  private readonly assembly: Assembler
  private readonly services: EngineServices
  private readonly resources = new Map<string, unknown>()
  private readonly links = new Map<number, Link>()
  private readonly timers: Stoppable[] = []
  private readonly ticks = new Map<BoltExecutor, readonly Stoppable[]>()
  private readonly nowhere: NowhereLink
  private mode: 'active' | 'inactive' | 'drain' = 'inactive'
  private readonly end = new AbortController()
  private hooks: readonly WorkerHook[] = []
  private readonly reporters: Reporters
  private readonly tasks: TaskEnds
  private isAssembled = false
  private isStopped = false
  private isEnding = false

  constructor(parts: WorkerParts) {
    this.parts = parts
    this.spec = parts.spec
    const { spec, host, owner } = parts
    const { topology: settings } = spec.settings
    this.streams = new StreamTable(spec.topology)
    this.desk = new Desk(spec.worker, settings, host.clock, owner)
    this.tasks = new TaskEnds(host.timers, this.desk)
    this.loop = new WorkLoop(host, {
      onBroken: (error) => owner.onBroken(spec.worker, error),
      ...(parts.onOverdue === undefined ? {} : { onOverdue: parts.onOverdue }),
      ...(parts.stepLimit === undefined ? {} : { stepLimit: parts.stepLimit }),
    })
    const ids = new EdgeIds(host.random.split(`edges/${spec.worker}/${spec.incarnation}`))
    const all = spec.expanded.componentTasks.get(ACKER) ?? []
    this.acks = new AckRouter({ here: this.ackersHere(), all }, ids, { linkOf: (task) => this.linkOf(task) })
    this.nowhere = new NowhereLink(host.timers, () => this.acks)
    this.services = this.servicesOf(ids)
    this.assembly = new Assembler({
      spec,
      services: this.services,
      streams: this.streams,
      linkTo: (worker) => this.linkTo(worker),
      account: new MemoryAccount(settings.stateMemoryMaxBytes),
    })
    this.linkToAll()
    const { receivers } = this.assembly
    this.inbound = new Inbound(
      { streams: this.streams.all, receiverOf: (task) => receivers.get(task), freeze: this.freezing() },
      this.acks,
    )
    this.reporters = new Reporters({
      specs: settings.metricsReporters,
      loadModule: parts.loadModule,
      host,
      log: parts.log,
      context: this.contextOf(),
      samples: () => samplesOf(this),
    })
    this.loop.atTurnEnd(this.acks)
    for (const link of this.links.values()) this.loop.atTurnEnd(link)
    this.isAssembled = true
  }

  get boltTasks(): Assembly['boltTasks'] {
    return this.assembly.boltTasks
  }

  get spoutTasks(): Assembly['spoutTasks'] {
    return this.assembly.spoutTasks
  }

  get bolts(): Assembly['bolts'] {
    return this.assembly.bolts
  }

  get spouts(): Assembly['spouts'] {
    return this.assembly.spouts
  }

  /** Nothing waits or is in flight here. Frames under way to other workers are the links' business. */
  get isQuiet(): boolean {
    if (!this.loop.isIdle) return false
    const { bolts, spouts } = this.assembly
    return bolts.every((bolt) => bolt.isQuiet) && spouts.every((spout) => spout.isQuiet)
  }

  /** @throws UserCodeError PREPARE_THREW; everything that had been prepared is cleaned up then */
  async start(deal?: DealState): Promise<void> {
    const { host } = this.parts
    host.userCallBegan()
    try {
      await this.startHooks()
      await this.reporters.start()
      await this.tasks.prepareAll(this.assembly)
      await deal?.(this.assembly.boltTasks)
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      host.userCallEnded()
    }
    if (this.isStopped) return
    this.startTimers()
    this.startBolts(this.assembly.bolts)
  }

  /**
   * Other executors run here from now on; those that stay are not touched. Only while nothing is in flight in
   * any worker of the topology, and after new peers can be linked to.
   * @throws UserCodeError PREPARE_THREW; the worker is of no use then: stop it
   */
  async rearrange(
    placement: readonly number[],
    deal?: DealState,
  ): Promise<{ readonly came: Executors; readonly left: Executors }> {
    const { host } = this.parts
    this.spec = { ...this.spec, placement }
    this.services.tryEncode = this.tryEncodeOf()
    this.linkToAll()
    const { came, left } = this.assembly.rearrange(this.spec)
    this.acks.rearrange(this.ackersHere())
    host.userCallBegan()
    try {
      await this.endExecutors(left)
      const boltTasks = came.bolts.flatMap((bolt) => bolt.allTasks)
      const spoutTasks = came.spouts.flatMap((spout) => spout.allTasks)
      await this.tasks.prepareAll({ boltTasks, spoutTasks })
      await deal?.(boltTasks)
    } finally {
      host.userCallEnded()
    }
    if (this.isStopped) return { came, left }
    this.startBolts(came.bolts)
    this.setMode(this.mode, came.spouts)
    this.unlinkOthers()
    return { came, left }
  }

  activate(): void {
    this.setMode('active')
  }

  deactivate(): void {
    this.setMode('inactive')
  }

  /** Deactivated, but what failed is still emitted again: what is in flight comes to its end. */
  drain(): void {
    this.setMode('drain')
  }

  /** Another worker was lost, or the link to it: open trees that may have been there fail now. */
  onLost(reason: 'worker-lost' | 'link-lost', message: string): void {
    for (const task of this.assembly.spoutTasks) task.failWhatLeft(reason, message)
  }

  /** Stops in good order: cleanup and hooks are called. What is in flight is not waited for. */
  async stop(): Promise<void> {
    if (this.isStopped || this.isEnding) return
    this.isEnding = true
    this.deactivate()
    // Sources were opened last and go first.
    await this.tasks.end()
    for (const { hooks } of this.identities()) for (const hook of hooks ?? []) hook.cleanup?.()
    await this.reporters.stop()
    for (const hook of this.hooks) {
      try {
        await hook.stop?.(this.contextOf())
      } catch (error) {
        this.reportHook(error)
      }
    }
    this.kill()
  }

  /** Ends at once, as a crash does: nothing of user code is called any more. */
  kill(): void {
    if (this.isStopped) return
    this.isStopped = true
    this.loop.stop()
    for (const timer of [...this.timers, ...[...this.ticks.values()].flat()]) timer.stop()
    this.nowhere.close()
    this.reporters.kill()
    for (const spout of this.assembly.spouts) spout.close()
    for (const bolt of this.assembly.bolts) bolt.close()
    this.end.abort()
  }

  /** How far the sources of this worker have come. */
  progress(): readonly SourceProgress[] {
    return this.assembly.spoutTasks.flatMap((task) => {
      if (!(task instanceof ReplayableSpoutTask)) return []
      return task.progress().map((each) => ({ componentId: task.self.componentId, ...each }))
    })
  }

  /** Tells sources which positions are stored now. */
  async onStored(componentId: string, positions: ReadonlyMap<string, unknown>): Promise<void> {
    for (const task of this.assembly.spoutTasks) {
      if (task instanceof ReplayableSpoutTask && task.self.componentId === componentId) {
        await this.tasks.quietly(task.self, async () => {
          await task.spec.onStored?.(positions)
        })
        return
      }
    }
  }

  private identities(): readonly TaskIdentity[] {
    return [...this.assembly.boltTasks, ...this.assembly.spoutTasks].map((task) => task.self)
  }

  private async startHooks(): Promise<void> {
    this.hooks = this.spec.topology.workerHooks.map((make) => make())
    for (const hook of this.hooks) {
      try {
        await hook.start?.(this.contextOf())
      } catch (error) {
        throw new UserCodeError(
          'PREPARE_THREW',
          `a worker hook threw: ${messageOf(error)}`,
          {},
          { cause: error },
        )
      }
    }
  }

  private reportHook(error: unknown): void {
    this.parts.log.error('a worker hook threw at its end', { message: messageOf(error) })
  }

  private startTimers(): void {
    const { timers } = this.parts.host
    const { enableMessageTimeouts, messageTimeoutMs } = this.spec.settings.topology
    this.timers.push(timers.every(SWEEP_MS, () => this.sweep()))
    this.timers.push(timers.every(REFRESH_MS, () => this.refresh()))
    if (enableMessageTimeouts) this.timers.push(timers.every(messageTimeoutMs, () => this.acks.rotate()))
  }

  private startBolts(bolts: readonly BoltExecutor[]): void {
    for (const bolt of bolts) this.ticks.set(bolt, this.ticksOf(bolt))
    for (const bolt of bolts) bolt.start()
  }

  private ticksOf(bolt: BoltExecutor): readonly Stoppable[] {
    const made: Stoppable[] = []
    for (const task of bolt.allTasks) {
      const { tickIntervalMs } = task.self.settings
      if (tickIntervalMs === undefined) continue
      let isWaiting = false
      made.push(
        this.parts.host.timers.every(tickIntervalMs, () => {
          // At most one tick of a task waits: a slow bolt is not buried under them.
          if (isWaiting) return
          isWaiting = true
          bolt.callSoon(() => {
            isWaiting = false
            task.self.stats.tickCount += 1
            task.tick()
          })
        }),
      )
    }
    return made
  }

  private setMode(mode: Worker['mode'], spouts = this.assembly.spouts): void {
    this.mode = mode
    for (const spout of spouts) {
      if (mode === 'active') spout.activate()
      else if (mode === 'drain') spout.drain()
      else spout.deactivate()
    }
  }

  /** In good order, as at the end of a worker. */
  private async endExecutors({ bolts, spouts }: Executors): Promise<void> {
    for (const spout of spouts) spout.deactivate()
    const gone = [...bolts, ...spouts].flatMap((executor) => executor.allTasks.map(({ self }) => self))
    for (const bolt of bolts) {
      for (const tick of this.ticks.get(bolt) ?? []) tick.stop()
      this.ticks.delete(bolt)
    }
    await this.tasks.end(gone)
    for (const { hooks } of gone) for (const hook of hooks ?? []) hook.cleanup?.()
    for (const executor of [...spouts, ...bolts]) executor.close()
  }

  private ackersHere(): readonly number[] {
    const ackers = this.spec.expanded.componentTasks.get(ACKER) ?? []
    return ackers.filter((task) => workerOf(this.spec, task) === this.spec.worker)
  }

  /** To every worker: acks may have to go where no tuple does. */
  private linkToAll(): void {
    for (const worker of workersOf(this.spec)) if (worker !== this.spec.worker) this.linkTo(worker)
  }

  private unlinkOthers(): void {
    const wanted = new Set(workersOf(this.spec))
    for (const [worker, link] of this.links) {
      if (wanted.has(worker)) continue
      this.links.delete(worker)
      this.loop.forgetTurnEnd(link)
    }
  }

  private sweep(): void {
    if (this.loop.isHung) return
    const nowMs = this.parts.host.clock.monotonicMs()
    this.loop.nowMs = nowMs
    for (const task of this.assembly.spoutTasks) task.sweep(nowMs)
    for (const task of this.assembly.boltTasks) task.calls.sweep()
  }

  private refresh(): void {
    this.loop.measure()
    for (const route of this.assembly.routes) route.refresh()
  }

  private contextOf(): WorkerContext {
    const { spec, host, log } = this.parts
    return {
      topology: spec.topologyName,
      worker: { id: workerId(spec), node: spec.node, port: spec.port },
      config: spec.topology.config,
      resources: this.resources,
      log,
      signal: this.end.signal,
      now: () => host.clock.now(),
    }
  }

  private freezing(): ((values: AnyValues) => void) | undefined {
    const { settings, isDev } = this.spec
    return isFreezing(settings.topology, isDev) ? (values) => freezeDeeply(values, 0) : undefined
  }

  private linkTo(worker: number): Link {
    if (worker === NOWHERE) return this.nowhere
    const known = this.links.get(worker)
    if (known !== undefined) return known
    const link = this.parts.linkTo(worker)
    this.links.set(worker, link)
    // Those of the beginning are told after the acks, which feed them.
    if (this.isAssembled) this.loop.atTurnEnd(link)
    return link
  }

  private linkOf(task: number): Link | undefined {
    return this.links.get(workerOf(this.spec, task))
  }

  private servicesOf(ids: EdgeIds): EngineServices {
    const { spec, host, log, positions, beforeCall } = this.parts
    const { topology: settings } = spec.settings
    return {
      host,
      random: host.random.split(`worker/${spec.worker}/${spec.incarnation}`),
      settings,
      config: spec.topology.config,
      topologyName: spec.topologyName,
      worker: { id: workerId(spec), node: spec.node, port: spec.port },
      incarnation: spec.incarnation,
      loop: this.loop,
      ids,
      acks: this.acks,
      positions,
      desk: this.desk,
      log,
      metrics: this.metrics,
      resources: this.resources,
      makeHooks: spec.topology.taskHooks,
      streams: this.streams.all,
      tasksOf: (componentId) => spec.expanded.componentTasks.get(componentId) ?? [],
      admit: makeAdmit(settings, spec.isDev),
      tryEncode: this.tryEncodeOf(),
      beforeCall,
    }
  }

  private tryEncodeOf(): EngineServices['tryEncode'] {
    const { settings } = this.spec
    return workersOf(this.spec).length > 1 ? makeTryEncode(settings.topology.tupleMaxBytes) : undefined
  }
}

function workerId(spec: WorkerSpec): string {
  return `${spec.topologyName}-${spec.worker}-${spec.incarnation}`
}
