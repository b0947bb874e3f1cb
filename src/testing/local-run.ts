/**
 * A topology running in this process: its workers, the links between them, positions, errors, restarts.
 *
 *   start ─▶ workers prepared ─▶ activate ⇄ deactivate ─▶ drain ─▶ stop
 *                  ▲                   │ a worker is lost, hangs, asks for a restart
 *                  ╰───────────────────╯ the others are told; it starts again with a higher incarnation
 *
 * Route: `typhoon run` and `dev`, LocalCluster, testDriver, completeTopology and the simulator all run
 * topologies through this class; they differ in the hosts they give it.
 *
 * Invariants
 *   L1  At most one worker of a number lives; its incarnation is higher than that of every one before it.
 *   L2  `finished` comes when every source task is finished and nothing is in flight anywhere, or never.
 */

import { deferred } from '../base/deferred.ts'
import { ConflictError } from '../base/errors.ts'
import type { ReportedError } from '../flow/executor/services.ts'
import { messageOf } from '../flow/executor/user-code.ts'
import type { Random, Stoppable } from '../host/host.ts'
import { placeEvenly } from '../schedule/even.ts'
import type { StoredPositions } from '../state/position-store.ts'
import type { KeyedEntry } from '../state/state-entry.ts'
import { type CompiledSettings, type ExpandedTopology, expand, settingsOf } from '../topology/expand.ts'
import type { Topology } from '../topology/topology.ts'
import type { DeadLetter } from '../topology/tuple.ts'
import type { ShownError } from '../worker/desk.ts'
import { carriedState, dealState } from '../worker/seat/carried-state.ts'
import type { AckLoss } from '../worker/seat/office.ts'
import { PositionBook } from '../worker/seat/position-book.ts'
import { refuseMissing } from '../worker/seat/refuse-missing.ts'
import { figuresOf, type RunFigures } from '../worker/seat/run-figures.ts'
import type { Worker } from '../worker/worker.ts'
import type { LocalRunSpec, RunEvent, SeatRun } from './local-run-spec.ts'
import { DeadLetterBook, ErrorBook } from './run-records.ts'
import { WorkerSeat } from './worker-seat.ts'

/** Time between two collections of positions. */
const COLLECT_MS = 100
const QUIET_LOOK_MS = 5
/** Waits before a worker that keeps dying starts again. */
const RESTART_FIRST_MS = 20
const RESTART_MAX_MS = 10_000

export type { LocalRunSpec, RunEvent } from './local-run-spec.ts'

export class LocalRun implements SeatRun {
  readonly spec: LocalRunSpec
  readonly settings: CompiledSettings
  readonly expanded: ExpandedTopology
  readonly errors = new ErrorBook()
  readonly deadLetters: DeadLetterBook
  readonly positions: PositionBook
  readonly workerCount: number
  /** What workers show each other. */
  readonly token: string
  readonly addressOf: (worker: number) => string
  /** Acks between workers that get lost on purpose. */
  ackLoss: AckLoss | undefined = undefined
  /** Set when the topology stopped itself. */
  stoppedBy: unknown = undefined
  /** Every source has finished and nothing is in flight. */
  isFinished = false
  private readonly seats: WorkerSeat[] = []
  private readonly finishedTasks = new Set<number>()
  private readonly end = deferred<void>()
  private readonly timers: Stoppable[] = []
  private lost: RunFigures | undefined = undefined
  private isActive = false
  private isStarted = false
  private isStopped = false
  private saving: Promise<void> = Promise.resolve()
  private isSaving = false

  private constructor(spec: LocalRunSpec) {
    this.spec = spec
    const workers = spec.workerCount ?? settingsOf(spec.topology).topology.workers
    const topology: Topology = { ...spec.topology, config: { ...spec.topology.config, workers } }
    this.settings = settingsOf(topology)
    this.expanded = expand(topology, this.settings)
    this.workerCount = Math.min(workers, this.expanded.executors.length)
    this.deadLetters = new DeadLetterBook(this.settings.topology.deadLetterMaxBytes)
    this.positions = new PositionBook(spec.name, spec.host.clock, spec.positions)
    this.token = tokenOf(spec.host.random.split(`token ${spec.name}`))
    this.addressOf = spec.addressOf ?? ((worker) => `${spec.name}/${worker}`)
    // Nobody may be waiting for the end when the run is stopped by force.
    this.end.promise.catch(() => undefined)
  }

  /** @throws UserCodeError PREPARE_THREW, UsageError GUARANTEE_NOT_POSSIBLE */
  static async start(spec: LocalRunSpec): Promise<LocalRun> {
    const run = new LocalRun(spec)
    refuseMissing(run.settings)
    for (const warning of await run.positions.load()) run.tell({ kind: 'warning', message: warning })
    if (spec.from !== undefined) run.positions.begin(spec.from)
    if (spec.isInactive !== true) await run.activate()
    return run
  }

  get isRunning(): boolean {
    return this.isStarted && !this.isStopped
  }

  get state(): 'starting' | 'active' | 'inactive' | 'stopped' {
    if (this.isStopped) return 'stopped'
    if (!this.isActive) return 'inactive'
    return this.isStarted ? 'active' : 'starting'
  }

  get workers(): readonly Worker[] {
    return this.seats.flatMap((seat) => seat.worker ?? [])
  }

  seat(worker: number): WorkerSeat | undefined {
    return this.seats[worker - 1]
  }

  /** The first activation prepares and opens everything. */
  async activate(): Promise<void> {
    if (this.isStopped) throw this.wrongState('is stopped')
    this.isActive = true
    if (!this.isStarted) await this.startAll()
    for (const worker of this.workers) worker.activate()
  }

  deactivate(): void {
    this.isActive = false
    for (const worker of this.workers) worker.deactivate()
  }

  /** Every source has finished and nothing is in flight; rejects if the topology stopped itself. */
  finished(): Promise<void> {
    return this.end.promise
  }

  /**
   * Stops the sources and waits until nothing is in flight.
   * @returns false: `timeoutMs` is over and there still is something
   */
  async drain(timeoutMs: number): Promise<boolean> {
    this.deactivate()
    // Of one that stopped itself everything stays for a look.
    if (this.stoppedBy === undefined) for (const worker of this.workers) worker.drain()
    const { clock } = this.spec.host
    const endMs = clock.monotonicMs() + timeoutMs
    while (!this.isQuiet()) {
      if (clock.monotonicMs() >= endMs) return false
      await this.pause(QUIET_LOOK_MS)
    }
    return true
  }

  /** Ends in good order. What is in flight is not waited for: `drain` first. */
  async stop(): Promise<void> {
    if (this.isStopped) return
    this.isStopped = true
    this.isActive = false
    for (const timer of this.timers) timer.stop()
    this.collect()
    await this.save()
    for (const seat of this.seats) await seat.stop()
  }

  /** Ends at once, as kill −9 would. */
  kill(): void {
    if (this.isStopped) return
    this.isStopped = true
    for (const timer of this.timers) timer.stop()
    for (const seat of this.seats) seat.kill()
  }

  /** A worker dies. It starts again by itself. */
  killWorker(worker: number, why = 'killed'): void {
    const seat = this.seats[worker - 1]
    if (seat === undefined || !seat.isAlive) return
    this.lost = figuresOf(seat.worker === undefined ? [] : [seat.worker], this.lost, 0)
    for (const task of seat.worker?.spoutTasks ?? []) this.finishedTasks.delete(task.self.task)
    seat.kill()
    this.tell({ kind: 'worker-lost', worker, why })
    for (const other of this.workers) {
      if (other.spec.worker !== worker) other.onLost('worker-lost', `worker ${worker} was lost: ${why}`)
    }
    this.restartSoon(seat)
  }

  /** Loses a share of the acks between workers, also of those that start later. undefined: no more. */
  loseAcks(loss: AckLoss | undefined): void {
    this.ackLoss = loss
    for (const seat of this.seats) seat.loseAcks(loss)
  }

  /** Highest incarnation of any worker so far. */
  get incarnation(): number {
    return Math.max(0, ...this.seats.map((seat) => seat.incarnation))
  }

  /** Verdicts and emits of spouts, in all workers that ever were. Cheap: faults wait for them. */
  spoutCounts(): { readonly acked: number; readonly emitted: number } {
    let acked = this.lost?.ackedCount ?? 0
    let emitted = 0
    for (const figures of this.lost?.components.values() ?? []) {
      if (figures.kind === 'spout') emitted += figures.emittedCount
    }
    for (const worker of this.workers) {
      for (const { self } of worker.spoutTasks) {
        acked += self.stats.ackedCount
        for (const { emittedCount } of self.stats.streams.values()) emitted += emittedCount
      }
    }
    return { acked, emitted }
  }

  /** Where sources are now, for a run that goes on from here. */
  takePositions(): StoredPositions {
    this.collect()
    return this.positions.snapshot()
  }

  /** Figures of all workers, those that are gone included. */
  figures(): RunFigures {
    return figuresOf(this.workers, this.lost, this.spec.host.clock.now())
  }

  /** Keyed state of all tasks by component, as plain data. The run must be quiet. */
  takeState(): ReadonlyMap<string, readonly KeyedEntry[]> {
    return carriedState(this.workers)
  }

  /** Nothing is in flight: neither in a worker nor between two. */
  isQuiet(): boolean {
    return this.seats.every((seat) => seat.isQuiet)
  }

  onError(worker: number, shown: ShownError): void {
    this.errors.add(shown)
    this.tell({ kind: 'error', worker, shown })
  }

  onErrorsHeldBack(_worker: number, componentId: string, count: number): void {
    this.errors.addHeldBack(componentId, count)
  }

  onDeadLetter(_worker: number, letter: DeadLetter): boolean {
    if (!this.deadLetters.add(letter)) return false
    this.tell({ kind: 'dead-letter', letter })
    return true
  }

  onRestartWanted(worker: number, reported: ReportedError): void {
    // Not from within the step that asked for it.
    this.spec.host.timers.defer(() => this.killWorker(worker, messageOf(reported.error)))
  }

  onStopWanted(_worker: number, reported: ReportedError): void {
    if (this.stoppedBy !== undefined) return
    this.stoppedBy = reported.error
    this.deactivate()
    this.tell({ kind: 'stopped', error: reported.error })
    this.end.reject(reported.error)
  }

  onSourceFinished(_worker: number, task: number): void {
    this.finishedTasks.add(task)
    if (this.isAllFinished()) this.spec.host.timers.defer(() => this.lookForEnd())
  }

  onSourceResumed(_worker: number, task: number): void {
    this.finishedTasks.delete(task)
  }

  onBroken(worker: number, error: unknown): void {
    this.spec.log.error('an invariant is broken, the worker ends', { worker, message: messageOf(error) })
    this.spec.host.timers.defer(() => this.killWorker(worker, `a broken invariant: ${messageOf(error)}`))
  }

  private async startAll(): Promise<void> {
    const placement = placeEvenly(this.expanded.executors, this.workerCount)
    for (let worker = 1; worker <= this.workerCount; worker += 1) {
      this.seats.push(new WorkerSeat(this, worker, placement))
    }
    try {
      for (const seat of this.seats) await seat.open()
      for (const seat of this.seats) await seat.start()
    } catch (error) {
      // What was prepared elsewhere is cleaned up, as it is in the worker that could not start.
      await this.stop()
      throw error
    }
    if (this.spec.state !== undefined) dealState(this.spec.state, this.workers, this.expanded)
    this.isStarted = true
    const { timers } = this.spec.host
    this.timers.push(
      timers.every(COLLECT_MS, () => {
        this.collect()
        // A component may be slow to take note of what is stored: saves do not queue up behind it.
        if (!this.isSaving) this.saving = this.save()
      }),
    )
    for (const seat of this.seats) this.tell({ kind: 'worker-started', worker: seat.number, why: '' })
  }

  private restartSoon(seat: WorkerSeat): void {
    const waitMs = Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** Math.min(10, seat.recentDeaths))
    this.spec.host.timers.after(waitMs, () => {
      if (this.isStopped || seat.isAlive) return
      this.restart(seat).catch((error: unknown) => {
        this.tell({
          kind: 'warning',
          message: `worker ${seat.number} could not start again: ${messageOf(error)}`,
        })
        seat.kill()
        this.restartSoon(seat)
      })
    })
  }

  private async restart(seat: WorkerSeat): Promise<void> {
    for (const component of this.spec.topology.components.keys()) this.positions.rebase(component)
    await seat.open()
    for (const other of this.seats) other.onPeerRestarted(seat.number, seat.incarnation)
    await seat.start()
    if (this.isStopped) seat.kill()
    else if (this.isActive) seat.worker?.activate()
    this.tell({ kind: 'worker-restarted', worker: seat.number, why: '' })
  }

  private collect(): void {
    for (const worker of this.workers) if (!worker.loop.isHung) this.positions.collect(worker.progress())
  }

  private async save(): Promise<void> {
    await this.saving
    this.isSaving = true
    try {
      const stored = await this.positions.save()
      if (stored === undefined) return
      for (const componentId of stored.keys()) {
        const positions = this.positions.positionsOf(stored, componentId)
        for (const worker of this.workers) await worker.onStored(componentId, positions)
      }
    } catch (error) {
      this.tell({ kind: 'warning', message: `restart positions were not stored: ${messageOf(error)}` })
    } finally {
      this.isSaving = false
    }
  }

  private isAllFinished(): boolean {
    return this.expanded.tasks.every(({ task, componentId }) => {
      const isSpout = this.spec.topology.components.get(componentId)?.definition.kind === 'spout'
      return !isSpout || this.finishedTasks.has(task)
    })
  }

  /** Sources are done when their trees are; what nothing tracks may still be on its way. */
  private lookForEnd(): void {
    if (this.isStopped || !this.isAllFinished()) return
    if (!this.isQuiet()) {
      this.spec.host.timers.after(QUIET_LOOK_MS, () => this.lookForEnd())
      return
    }
    this.isFinished = true
    this.end.resolve()
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.spec.host.timers.after(delayMs, resolve))
  }

  private tell(event: RunEvent): void {
    this.spec.onEvent?.(event)
  }

  private wrongState(what: string): ConflictError {
    return new ConflictError('TOPOLOGY_WRONG_STATE', `${this.spec.name} ${what}`, {
      topology: this.spec.name,
    })
  }
}

/** 128 random bits as text. */
function tokenOf(random: Random): string {
  const bits = new Int32Array(4)
  random.fill(bits)
  return [...bits].map((each) => (each >>> 0).toString(16).padStart(8, '0')).join('')
}
