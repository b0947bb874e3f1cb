/**
 * Carries out what slot.ts decides, for one slot. What it sees it hands to the decision; what is decided it does.
 *
 *   board · seat · timer · preparation ─▶ seen ─▶ stepSlot ─▶ state, effects ─▶ launch, tell, kill, forget
 *                     ▲                                                             │
 *                     ╰─────────────────────────────────────────────────────────────╯
 *
 * Does not know: the other slots, the leader.
 *
 * Invariants
 *   N1  the number of a launch is kept on disk before the launch
 *   N2  the end of a worker is told once, with its reason, before the slot goes on
 */
import { assert, assertDefined } from '../base/assert.ts'
import { isStreamError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { parseRanges } from '../cluster/executor-ranges.ts'
import { incarnationOf } from '../cluster/incarnation.ts'
import type { ToSupervisor } from '../cluster/seat-messages.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type { DumpedState, NodeHappening, SlotBeat } from '../rpc/heartbeat.ts'
import { judgeNewcomer, type Newcomer } from './adoption.ts'
import { judgeEnd, type WorkerEnd } from './exit-reason.ts'
import type { LaunchProfile, Launcher } from './launcher.ts'
import type { LocalState, SeatRecord } from './local-state.ts'
import type { LogFiles } from './node/log-files.ts'
import type { PositionPost, PositionSource } from './post/position-post.ts'
import type { StatePost } from './post/state-post.ts'
import type { Seat, SeatOwner } from './seat/seat.ts'
import type { SeatDesk } from './seat/seat-desk.ts'
import type { SparePool } from './seat/spare-pool.ts'
import {
  EMPTY_SLOT,
  type SlotEffect,
  type SlotLimits,
  type SlotSeen,
  type SlotState,
  type SlotWish,
  stepSlot,
} from './slot.ts'
import { assignOf, peersOf, placementOf, type SlotOrder } from './slot-order.ts'
import type { SlotPreparation } from './slot-preparation.ts'
import { phaseOf, whyOf } from './slot-words.ts'
import type { StallWatch } from './node/stall-watch.ts'
import type { SupervisorSettings } from './supervisor-settings.ts'

export interface SlotRunnerParts {
  readonly host: Host
  readonly log: Logger
  readonly settings: SupervisorSettings
  readonly port: number
  readonly local: LocalState
  readonly desk: SeatDesk
  readonly pool: SparePool
  readonly launcher: Launcher
  readonly logs: LogFiles
  readonly preparation: SlotPreparation
  readonly positions: PositionPost
  readonly states: StatePost
  readonly stalls: StallWatch
  /** What the board says of this slot; `unknown` until it was seen. */
  readonly order: () => SlotOrder | 'nothing' | 'unknown'
  readonly report: (happening: NodeHappening) => void
  /** The leader should hear of it soon. */
  readonly onPhase: () => void
}

type Living = Exclude<SlotState, { readonly kind: 'EMPTY' }>

/** Output that is read for the reason of an end, and how long that may take. */
const TAIL_BYTES = 16 * 1_024
const TAIL_MS = 500
/** A worker that was asked to stop gets most of the time before it is killed. */
const GRACE_SHARE = 0.8
/** Steps in a row: more is a bug, and would block the loop. */
const STEPS_MAX = 20

export class SlotRunner implements SeatOwner {
  private readonly parts: SlotRunnerParts
  private readonly log: Logger
  private state: SlotState = EMPTY_SLOT
  private seat: Seat | undefined
  private isLaunching = false
  /** Of the process that is gone; of the last one, once the slot went on. */
  private end: WorkerEnd | undefined
  private isGone = false
  private seenConnection = 0
  private hasStarted = false
  private isRearranged = false
  private launchedAtMs = 0
  private dumped: readonly DumpedState[] | undefined
  private dumpNumber = 0
  private timer: Stoppable | undefined
  private adoptedTimeoutMs: number | undefined
  private isStepping = false
  private isStopped = false

  constructor(parts: SlotRunnerParts) {
    this.parts = parts
    this.log = parts.log.with({ port: parts.port })
  }

  /** What an earlier supervisor left in this slot, and may live. Before the first step. */
  adopt(record: SeatRecord, seat: Seat): void {
    const { topologyId, worker, generation, layout, placement, restart } = record
    const nowMs = this.parts.host.clock.monotonicMs()
    const { startTimeoutMs } = this.parts.settings
    this.seat = seat
    this.adoptedTimeoutMs = record.beatTimeoutMs
    this.hasStarted = record.hasStarted
    this.launchedAtMs = nowMs
    const seatWish = { topologyId, worker, generation, layout }
    const wish: SlotWish = { ...seatWish, placement, peers: '', run: 'active', dump: '' }
    const tried = { wish, restart, failures: 0 }
    this.state = record.hasStarted
      ? {
          kind: 'RUNNING',
          ...tried,
          startedMs: nowMs,
          // It has been looking for a supervisor ever more rarely.
          beatDueMs: nowMs + record.beatTimeoutMs + REDIAL_MS,
          rearranging: undefined,
        }
      : { kind: 'STARTING', ...tried, deadlineMs: nowMs + startTimeoutMs, isAssigned: false }
  }

  /** Nobody has seen the process that should be here. */
  giveUp(seat: Seat): void {
    if (this.seat !== seat || seat.process !== 'coming' || this.isLaunching) return
    this.gone({ reason: 'crash', text: 'its process was not found' })
  }

  get topologyId(): string | undefined {
    return this.state.kind === 'EMPTY' ? undefined : this.state.wish.topologyId
  }

  get workerNumber(): number | undefined {
    return this.living()?.wish.worker
  }

  get incarnation(): number | undefined {
    const living = this.living()
    return living === undefined ? undefined : incarnationIn(living)
  }

  get profile(): LaunchProfile | undefined {
    return this.state.kind === 'EMPTY' ? undefined : this.parts.preparation.last?.profile
  }

  /** Blobs that must stay. */
  get digests(): readonly string[] {
    return this.parts.preparation.last?.digests ?? []
  }

  get process(): Seat | undefined {
    return this.seat
  }

  /** Looks at everything, and does what is to be done now. */
  step(): void {
    // An effect may lead back here: the loop below looks again anyway.
    if (this.isStopped || this.isStepping) return
    this.isStepping = true
    try {
      for (let steps = 0; this.stepOnce(); steps += 1) {
        assert(steps < STEPS_MAX, 'a slot comes to rest')
      }
    } finally {
      this.isStepping = false
    }
    this.prepare()
  }

  stop(): void {
    this.isStopped = true
    this.timer?.stop()
    this.parts.preparation.cancel()
  }

  beat(): SlotBeat {
    const { state, seat } = this
    const living = state.kind === 'EMPTY' ? undefined : state
    const beatAtMs = seat?.beatAtMs
    const wish = living?.wish
    return {
      port: this.parts.port,
      phase: phaseOf(state),
      topologyId: wish?.topologyId,
      worker: wish?.worker ?? 0,
      generation: wish?.generation ?? 0,
      incarnation: living === undefined ? 0 : incarnationIn(living),
      layout: wish?.layout ?? 0,
      pid: seat?.pid,
      restartCount: living?.restart ?? 0,
      why: whyOf(state, this.parts.preparation.trouble, this.end),
      beat: seat?.beat,
      beatAgeMs: beatAtMs === undefined ? 0 : this.parts.host.clock.monotonicMs() - beatAtMs,
      dumped: this.dumpedNow(),
    }
  }

  // What its seat tells:

  onChange(): void {
    const { seat } = this
    if (seat?.process === 'gone' && !this.isGone) void this.judgeEnd(seat)
    this.step()
  }

  judge(hello: Newcomer): 'adopt' | 'dismiss' | 'kill' {
    const { seat, isLaunching } = this
    const { verdict, why } = judgeNewcomer(this.parts.local.of(this.parts.port), hello)
    this.log.info('a worker said hello', { pid: hello.pid, verdict, why })
    const isNobodysChild = seat !== undefined && seat.pid === undefined && !isLaunching
    if (verdict === 'adopt' && isNobodysChild) void this.adoptProcess(seat, hello)
    return verdict
  }

  onMessage(message: ToSupervisor): void {
    const living = this.living()
    if (living === undefined) return
    const at = this.parts.host.clock.now()
    const { topologyId, worker } = living.wish
    switch (message.kind) {
      case 'started':
        return this.started(living)
      case 'heartbeat':
        // Said on an earlier connection, or to an earlier supervisor.
        if (!this.hasStarted && this.seat?.hello?.seat !== undefined) return this.started(living)
        return this.step()
      case 'rearranged':
        this.isRearranged = true
        return this.step()
      case 'positions':
        return this.parts.positions.take(sourceOf(living), message.positions)
      case 'state-dumped':
        return void this.upload(living, message.files)
      case 'start-failed':
      case 'fault':
        return this.parts.report({ kind: 'fault', at, topologyId, worker, fault: message.fault })
      case 'stop-wanted':
        return this.parts.report({ kind: 'stop-wanted', at, topologyId, fault: message.fault })
      case 'dead-letter':
        return this.parts.report({ kind: 'dead-letter', at, topologyId, letter: message.letter })
      case 'hello':
      case 'exiting':
        return
    }
  }

  /** False: the slot rests. */
  private stepOnce(): boolean {
    const before = this.state
    const { next, effects, wakeAtMs } = stepSlot(before, this.see(), this.limits())
    this.seenConnection = this.seat?.connectionCount ?? 0
    this.isRearranged = false
    this.state = next
    if (hasProcess(before) && !hasProcess(next)) this.leaveBehind()
    for (const effect of effects) this.carryOut(effect)
    this.keepPlacement()
    this.wakeAt(wakeAtMs)
    if (before.kind === next.kind) return false
    this.log.debug('slot', { from: before.kind, to: next.kind })
    this.parts.onPhase()
    return true
  }

  private see(): SlotSeen {
    const { host, stalls, port, local, preparation } = this.parts
    const nowMs = host.clock.monotonicMs()
    stalls.look(nowMs)
    const order = this.parts.order()
    const record = local.of(port)
    const { seat, state } = this
    const wanted = typeof order === 'string' ? order : order.wish
    const isKnown =
      typeof wanted !== 'string' &&
      record?.topologyId === wanted.topologyId &&
      record.worker === wanted.worker &&
      record.generation === wanted.generation
    const beatAtMs = seat?.beatAtMs ?? Number.NEGATIVE_INFINITY
    const isConnected = seat?.isConnected === true
    return {
      nowMs,
      wanted,
      isReady: state.kind === 'FETCHING' && preparation.readyFor(state.wish) !== undefined,
      process: this.processSeen(),
      reason: this.end?.reason,
      isConnected,
      isConnectionNew: isConnected && seat.connectionCount !== this.seenConnection,
      isSeated: isConnected && seat.hello?.seat !== undefined,
      hasStarted: this.hasStarted,
      // While this process stood still nothing could arrive.
      beatAtMs: finite(Math.max(beatAtMs, stalls.lastEndMs)),
      isRearranged: this.isRearranged,
      lastRestart: isKnown ? record.restart : undefined,
      chance: host.random.next(),
    }
  }

  private processSeen(): SlotSeen['process'] {
    if (this.isGone) return 'gone'
    if (this.isLaunching) return 'coming'
    if (this.seat === undefined) return 'none'
    // Its end is not judged yet.
    return this.seat.process === 'gone' ? 'alive' : this.seat.process
  }

  private limits(): SlotLimits {
    const { settings, preparation } = this.parts
    const living = this.living()
    const ready = living === undefined ? undefined : preparation.readyFor(living.wish)
    return {
      startTimeoutMs: settings.startTimeoutMs,
      beatTimeoutMs: ready?.beatTimeoutMs ?? this.adoptedTimeoutMs ?? settings.workerTimeoutMs,
      stopGraceMs: settings.stopGraceMs,
      restartFirstMs: settings.restartFirstMs,
      restartMaxMs: settings.restartMaxMs,
    }
  }

  private carryOut(effect: SlotEffect): void {
    const order = this.parts.order()
    const living = this.living()
    if (effect === 'forget') return this.forget()
    if (effect === 'kill') return this.seat?.kill('SIGKILL')
    if (living === undefined) return
    if (effect === 'ask-to-stop') {
      return this.seat?.send({ kind: 'stop', graceMs: this.parts.settings.stopGraceMs * GRACE_SHARE })
    }
    if (effect === 'run-mode') return this.seat?.send({ kind: 'run', run: living.wish.run })
    if (effect === 'dump') return this.dump(living)
    // What is wanted is unknown: nothing of the rest can be asked for, nor is.
    if (typeof order === 'string') return
    if (effect === 'fetch-blobs') return this.parts.preparation.want(order)
    if (effect === 'launch') return this.launch(order, living)
    if (effect === 'assign') return this.assign(order, living)
    if (effect === 'peers') {
      return this.seat?.send({ kind: 'peers', peers: peersOf(order.assignment, order.own) })
    }
    void this.rearrange(order, living)
  }

  private prepare(): void {
    const order = this.parts.order()
    if (this.state.kind === 'FETCHING' && typeof order !== 'string') this.parts.preparation.want(order)
  }

  private launch(order: SlotOrder, living: Living): void {
    this.isLaunching = true
    this.isGone = false
    this.hasStarted = false
    this.launchedAtMs = this.parts.host.clock.monotonicMs()
    this.begin(order, living)
      .catch((error: unknown) => {
        if (!isStreamError(error)) throw error
        if (this.seat !== undefined) this.parts.desk.forget(this.seat)
        this.seat = undefined
        this.gone({ reason: 'start-failed', text: error.message })
      })
      .finally(() => {
        this.isLaunching = false
        this.onChange()
      })
  }

  private async begin(order: SlotOrder, living: Living): Promise<void> {
    const { host, logs, pool, local, port, preparation } = this.parts
    const ready = assertDefined(preparation.readyFor(living.wish), 'a launch is prepared')
    const directory = logs.directoryOf(living.wish.topologyId, port)
    await host.files.makeDirectory(directory)
    const outputPath = host.files.resolve(directory, `output-${incarnationIn(living)}.log`)
    const spare = pool.take(ready.profile, this)
    const launch = spare === undefined ? pool.launch(ready.profile, directory, outputPath, this) : undefined
    const seat = assertDefined(spare ?? launch?.seat, 'a spare or a new one')
    this.seat = seat
    this.seenConnection = 0
    const record = this.recordOf(order, living, seat, ready.beatTimeoutMs)
    await local.put(record)
    if (launch === undefined) return this.takeOutput(seat, outputPath)
    const { pid, bornAt } = await launch.begin()
    // Its HELLO says the same, should this be lost.
    this.keep({ ...record, pid, bornAt })
  }

  private recordOf(order: SlotOrder, living: Living, seat: Seat, beatTimeoutMs: number): SeatRecord {
    const { topologyId, worker, generation, layout } = living.wish
    const before = this.parts.local.of(this.parts.port)
    const isSame = before?.topologyId === topologyId && before.generation === generation
    return {
      port: this.parts.port,
      topologyId,
      worker,
      generation,
      layout,
      layoutDigest: order.assignment.layoutDigest,
      restart: living.restart,
      secretDigest: seat.secretDigest,
      pid: seat.pid,
      bornAt: seat.bornAt,
      hasStarted: isSame && before.worker === worker && before.hasStarted,
      placement: living.wish.placement,
      beatTimeoutMs,
    }
  }

  /** A spare has been printing elsewhere; its open file goes along. */
  private async takeOutput(seat: Seat, outputPath: string): Promise<void> {
    try {
      await this.parts.host.files.rename(seat.outputPath, outputPath)
      seat.outputPath = outputPath
    } catch (error) {
      this.log.warn('the output of a worker stays where spares print', { why: String(error) })
    }
  }

  private assign(order: SlotOrder, living: Living): void {
    const { preparation, positions, settings, logs, port, local } = this.parts
    const ready = preparation.readyFor(living.wish)
    // A worker of an earlier supervisor that waits for its seat, before all of it is here: asked for, and told then.
    if (ready === undefined || order.topology === undefined) return this.assignLater(order, living)
    const hasRun = local.of(port)?.hasStarted === true
    this.seat?.send(
      assignOf(order, order.topology, {
        restart: living.restart,
        executorCount: ready.components.length,
        bundlePath: ready.bundlePath,
        listen: `${settings.bindHost}:${port}`,
        directory: logs.directoryOf(living.wish.topologyId, port),
        positions: positions.knownOf(living.wish.topologyId),
        stateFiles: hasRun ? [] : ready.stateFiles,
        heartbeatMs: settings.workerHeartbeatMs,
        leaseMs: settings.leaseMs,
      }),
    )
  }

  private assignLater(order: SlotOrder, living: Living): void {
    this.parts.preparation.want(order)
    const connection = this.seat?.connectionCount
    this.parts.host.timers.after(ASSIGN_AGAIN_MS, () => {
      const now = this.living()
      const isSame = now?.kind === 'STARTING' && now.restart === living.restart
      const current = this.parts.order()
      if (this.isStopped || !isSame || this.seat?.connectionCount !== connection) return
      if (typeof current !== 'string') this.assign(current, now)
    })
  }

  private async rearrange(order: SlotOrder, living: Living): Promise<void> {
    const { seat } = this
    const connection = seat?.connectionCount
    const isWanted = () => {
      const now = this.state
      const isOn = now.kind === 'RUNNING' && now.restart === living.restart && this.seat === seat
      return isOn && !this.isStopped && seat?.connectionCount === connection && now.rearranging !== undefined
    }
    const move = await this.parts.preparation.move(order, isWanted)
    if (move === undefined || !isWanted()) return
    seat?.send({
      kind: 'rearrange',
      placement: placementOf(order.assignment, move.components.length),
      peers: peersOf(order.assignment, order.own),
      stateFiles: move.stateFiles,
      positions: move.positions,
    })
  }

  private dump(living: Living): void {
    this.dumped = undefined
    this.dumpNumber += 1
    const executors = parseRanges(living.wish.dump)
    if (executors.length > 0) this.seat?.send({ kind: 'dump-state', executors })
  }

  private async upload(
    living: Living,
    files: Extract<ToSupervisor, { kind: 'state-dumped' }>['files'],
  ): Promise<void> {
    const number = this.dumpNumber
    const directory = this.parts.logs.directoryOf(living.wish.topologyId, this.parts.port)
    const isWanted = () => this.dumpNumber === number && !this.isStopped
    try {
      const dumped = await this.parts.states.upload(directory, files, isWanted)
      if (dumped === undefined || !isWanted()) return
      this.dumped = dumped
      this.parts.onPhase()
    } catch (error) {
      if (!isStreamError(error)) throw error
      this.log.error('moved state of a worker cannot be stored', { why: error.message })
    }
  }

  private dumpedNow(): readonly DumpedState[] | undefined {
    const order = this.parts.order()
    if (typeof order === 'string' || order.assignment.dump === '' || this.state.kind !== 'RUNNING') {
      return undefined
    }
    // Asked of others only.
    return order.wish.dump === '' ? [] : this.dumped
  }

  private started(living: Living): void {
    if (!this.hasStarted) {
      this.hasStarted = true
      const { host, local, port } = this.parts
      const record = local.of(port)
      if (record !== undefined && !record.hasStarted) this.keep({ ...record, hasStarted: true })
      const { topologyId, worker } = living.wish
      const tookMs = Math.max(0, host.clock.monotonicMs() - this.launchedAtMs)
      const incarnation = incarnationIn(living)
      this.parts.report({
        kind: 'worker-started',
        at: host.clock.now(),
        topologyId,
        worker,
        incarnation,
        tookMs,
      })
    }
    this.step()
  }

  private async judgeEnd(seat: Seat): Promise<void> {
    if (this.judging === seat) return
    this.judging = seat
    const outputTail = await this.tailOf(seat)
    if (this.seat !== seat) return
    const done = this.state.kind === 'KILLING' ? this.state.why : undefined
    const { code, signal } = seat.end ?? { code: undefined, signal: undefined }
    this.gone(judgeEnd({ code, signal, said: seat.said, done, outputTail }))
    this.step()
  }
  private judging: Seat | undefined

  /** N2. */
  private gone(end: WorkerEnd): void {
    this.end = end
    this.isGone = true
    const living = this.living()
    if (living === undefined) return
    const { topologyId, worker } = living.wish
    const incarnation = incarnationIn(living)
    const at = this.parts.host.clock.now()
    this.log.warn('a worker ended', { topologyId, worker, reason: end.reason, why: end.text })
    const { reason, text } = end
    this.parts.report({ kind: 'worker-exited', at, topologyId, worker, incarnation, reason, text })
  }

  private async tailOf(seat: Seat): Promise<string> {
    const { host, logs } = this.parts
    const late = new Promise<string>((resolve) => host.timers.after(TAIL_MS, () => resolve('')))
    const read = logs.endOf(seat.outputPath, TAIL_BYTES).catch((error: unknown) => {
      this.log.warn('the output of a worker cannot be read', { why: String(error) })
      return ''
    })
    return Promise.race([read, late])
  }

  /** The process is gone and told: nothing of it is left here. */
  private leaveBehind(): void {
    if (this.seat !== undefined) this.parts.desk.forget(this.seat)
    this.seat = undefined
    this.judging = undefined
    this.isGone = false
    this.hasStarted = false
    this.adoptedTimeoutMs = undefined
    this.dumpNumber += 1
    this.dumped = undefined
    if (this.end?.reason === 'start-failed') void this.parts.preparation.doubt().catch(() => undefined)
  }

  private forget(): void {
    this.end = undefined
    this.parts.preparation.cancel()
    this.parts.local.forget(this.parts.port).catch((error: unknown) => this.notKept(error))
  }

  private async adoptProcess(seat: Seat, hello: Newcomer): Promise<void> {
    const worker = await this.parts.launcher.adopt(hello.pid, hello.bornAt)
    if (this.seat !== seat || seat.pid !== undefined) return
    if (worker === undefined) return this.giveUp(seat)
    const record = this.parts.local.of(this.parts.port)
    if (record !== undefined) this.keep({ ...record, pid: worker.pid, bornAt: worker.bornAt })
    seat.setWorker(worker)
  }

  private keepPlacement(): void {
    const { state } = this
    const record = this.parts.local.of(this.parts.port)
    if (state.kind !== 'RUNNING' || record === undefined) return
    if (record.placement !== state.wish.placement) this.keep({ ...record, placement: state.wish.placement })
  }

  /** What may be lost with a crash: it costs a restart or a message more. */
  private keep(record: SeatRecord): void {
    this.parts.local.put(record).catch((error: unknown) => this.notKept(error))
  }

  private notKept(error: unknown): void {
    this.log.error('what runs here cannot be kept on disk', { why: String(error) })
  }

  private wakeAt(atMs: number | undefined): void {
    this.timer?.stop()
    if (atMs === undefined) return
    const delayMs = Math.max(0, atMs - this.parts.host.clock.monotonicMs())
    this.timer = this.parts.host.timers.after(delayMs, () => this.step())
  }

  private living(): Living | undefined {
    return this.state.kind === 'EMPTY' ? undefined : this.state
  }
}

/** The longest that a worker waits between two looks for its supervisor, and some. */
const REDIAL_MS = 2_000
const ASSIGN_AGAIN_MS = 100

function incarnationIn(living: Living): number {
  return incarnationOf(living.wish.generation, living.restart)
}

function sourceOf(living: Living): PositionSource {
  const { topologyId, worker, generation } = living.wish
  return { topologyId, worker, generation, incarnation: incarnationIn(living) }
}

function hasProcess({ kind }: SlotState): boolean {
  return kind === 'STARTING' || kind === 'RUNNING' || kind === 'KILLING'
}

function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined
}
