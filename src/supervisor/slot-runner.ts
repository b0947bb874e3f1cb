/**
 * Carries out what slot.ts decides, for one slot. What it sees it hands to the decision; what is decided it
 * does.
 *
 *   board · seat · timer · preparation ─▶ seen ─▶ stepSlot ─▶ state, effects ─▶ launch, tell, kill, forget
 *                     ▲                                                             │
 *                     ╰─────────────────────────────────────────────────────────────╯
 *
 * Does not know: the other slots, the leader, how a process is had (slot-process.ts).
 */
import { assert, assertDefined } from '../base/assert.ts'
import { isStreamError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { parseRanges } from '../cluster/executor-ranges.ts'
import { incarnationOf } from '../cluster/incarnation.ts'
import { placementDigest, placementTextDigest } from '../cluster/layout.ts'
import type { ToSupervisor } from '../cluster/seat-messages.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type { DumpedState, NodeHappening, SlotBeat } from '../rpc/heartbeat.ts'
import type { WorkerEnd } from './exit-reason.ts'
import type { Launcher, LaunchProfile } from './launcher.ts'
import type { LocalState, SeatRecord } from './local-state.ts'
import type { LogFiles } from './node/log-files.ts'
import type { StallWatch } from './node/stall-watch.ts'
import type { PositionPost, PositionSource } from './post/position-post.ts'
import type { StatePost } from './post/state-post.ts'
import type { Seat } from './seat/seat.ts'
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
import { assignOf, inPieces, peersOf, placementOf, runOrdered, type SlotOrder } from './slot-order.ts'
import type { SlotPreparation } from './slot-preparation.ts'
import { SlotProcess } from './slot-process.ts'
import { beatToTell, HeardWord, happeningOf, isAsked, phaseOf, type WordKind, whyOf } from './slot-words.ts'
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
  readonly onWord: (kind: WordKind) => void
}

type Living = Exclude<SlotState, { readonly kind: 'EMPTY' }>

/** A worker that was asked to stop gets most of the time before it is killed. */
const GRACE_SHARE = 0.8
/** Steps in a row: more is a bug, and would block the loop. */
const STEPS_MAX = 20

export class SlotRunner {
  private readonly parts: SlotRunnerParts
  private readonly log: Logger
  private state: SlotState = EMPTY_SLOT
  private readonly process: SlotProcess
  private seenConnection = 0
  private isRearranged = false
  private rearrangeNumber = 0
  /** Placement that the worker was asked to rearrange to last; empty: it is not asked yet. */
  private askedDigest = ''
  private readonly heard = new HeardWord()
  private dumped: readonly DumpedState[] | undefined
  private dumpNumber = 0
  private timer: Stoppable | undefined
  private adoptedTimeoutMs: number | undefined
  private isStepping = false
  private isStopped = false

  constructor(parts: SlotRunnerParts) {
    this.parts = parts
    this.log = parts.log.with({ port: parts.port })
    this.process = new SlotProcess({
      ...parts,
      log: this.log,
      onChange: () => this.step(),
      onMessage: (message) => this.onMessage(message),
      onGone: (end) => this.onGone(end),
      doneTo: () => (this.state.kind === 'KILLING' ? this.state.why : undefined),
    })
  }

  /** What an earlier supervisor left in this slot, and may live. Before the first step. */
  adopt(record: SeatRecord, seat: Seat): void {
    const { topologyId, worker, generation, layout, placement, restart } = record
    const nowMs = this.parts.host.clock.monotonicMs()
    const { startTimeoutMs } = this.parts.settings
    this.process.adopt(record, seat)
    this.adoptedTimeoutMs = record.beatTimeoutMs
    const seatWish = { topologyId, worker, generation, layout }
    // Told to drain or not, sources begin again only when every executor is where it belongs.
    const wish: SlotWish = { ...seatWish, placement, peers: '', run: 'drain', dump: '' }
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

  /** Whose seats of this slot are. */
  get owner(): SlotProcess {
    return this.process
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

  get seat(): Seat | undefined {
    return this.process.seat
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
    const wish = living?.wish
    return {
      port: this.parts.port,
      phase: phaseOf(state),
      topologyId: wish?.topologyId,
      worker: wish?.worker ?? 0,
      generation: wish?.generation ?? 0,
      incarnation: living === undefined ? 0 : incarnationIn(living),
      layout: wish?.layout ?? 0,
      placement: wish && placementTextDigest(wish.placement),
      run: runOrdered(this.parts.order(), wish),
      pid: seat?.pid,
      restartCount: living?.restart ?? 0,
      why: whyOf(state, this.parts.preparation.trouble, this.process.end),
      beat: beatToTell(seat?.beat, () => wish !== undefined && this.parts.positions.hasUnstored(wish)),
      beatAgeMs: seat?.beatAtMs === undefined ? 0 : this.parts.host.clock.monotonicMs() - seat.beatAtMs,
      dumped: this.dumpedNow(),
    }
  }

  private onMessage(message: ToSupervisor): void {
    const living = this.living()
    if (living === undefined) return
    switch (message.kind) {
      case 'started':
        this.started(living)
        break
      case 'heartbeat':
        this.parts.onWord(this.heard.take(message.beat))
        this.step()
        break
      case 'rearranged':
        // It may have been asked for another on an earlier connection, by an earlier supervisor.
        this.isRearranged = message.placementDigest === this.askedDigest
        this.step()
        break
      case 'positions':
        this.parts.positions.take(sourceOf(living), message.positions)
        break
      case 'state-dumped':
        void this.upload(living, message.files)
        break
      case 'start-failed':
      case 'fault':
      case 'stop-wanted':
      case 'dead-letter':
        this.parts.report(happeningOf(message, living.wish, this.parts.host.clock.now()))
        break
      case 'hello':
      case 'exiting':
        break
    }
  }

  /** False: the slot rests. */
  private stepOnce(): boolean {
    const before = this.state
    const seen = this.see()
    const { next, effects, wakeAtMs } = stepSlot(before, seen, this.limits())
    // While nobody knows what is wanted it is told nothing.
    if (seen.wanted !== 'unknown') this.seenConnection = this.seat?.connectionCount ?? 0
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
    const { host, stalls, preparation } = this.parts
    const nowMs = host.clock.monotonicMs()
    stalls.look(nowMs)
    const order = this.parts.order()
    const { record } = this.process
    const { seat } = this
    const living = this.living()
    const wanted = typeof order === 'string' ? order : order.wish
    const known = typeof wanted === 'string' ? undefined : wanted
    const isKnown =
      known !== undefined &&
      record?.topologyId === known.topologyId &&
      record.worker === known.worker &&
      record.generation === known.generation
    const beatAtMs = seat?.beatAtMs
    const isConnected = seat?.isConnected === true
    return {
      nowMs,
      wanted,
      isReady: living !== undefined && preparation.readyFor(known ?? living.wish) !== undefined,
      process: this.process.state,
      reason: this.process.end?.reason,
      newest: this.process.end?.newest,
      isConnected,
      isConnectionNew: isConnected && seat.connectionCount !== this.seenConnection,
      isSeated: isConnected && seat.hello?.seat !== undefined,
      hasStarted: this.process.hasStarted,
      // While this process stood still nothing could arrive: that time does not count.
      beatAtMs: beatAtMs === undefined ? stalls.lastEndMs : beatAtMs + stalls.stoodStillSince(beatAtMs),
      isAsked: this.askedDigest !== '',
      isRearranged: this.isRearranged,
      lastRestart: isKnown ? record.restart : undefined,
      chance: host.random.next(),
    }
  }

  private limits(): SlotLimits {
    const { settings, preparation } = this.parts
    const living = this.living()
    const ready = living === undefined ? undefined : preparation.readyForSeat(living.wish)
    return {
      startTimeoutMs: settings.startTimeoutMs,
      beatTimeoutMs: ready?.beatTimeoutMs ?? this.adoptedTimeoutMs ?? settings.workerTimeoutMs,
      stopGraceMs: settings.stopGraceMs,
      restartFirstMs: settings.restartFirstMs,
      restartMaxMs: settings.restartMaxMs,
    }
  }

  private carryOut(effect: SlotEffect): void {
    const { seat } = this
    const living = this.living()
    if (effect === 'forget') this.forget()
    else if (effect === 'kill') seat?.kill('SIGKILL')
    else if (effect === 'ask-to-stop') {
      seat?.send({ kind: 'stop', graceMs: this.parts.settings.stopGraceMs * GRACE_SHARE })
    } else if (living !== undefined) this.carryOutFor(effect, living)
  }

  private carryOutFor(effect: SlotEffect, living: Living): void {
    const { seat } = this
    const order = this.parts.order()
    if (effect === 'run-mode') seat?.send({ kind: 'run', run: living.wish.run })
    else if (effect === 'dump') this.dump(living)
    // What is wanted is unknown: nothing of the rest can be asked for, nor is.
    if (typeof order === 'string') return
    if (effect === 'fetch-blobs') this.parts.preparation.want(order)
    else if (effect === 'launch') this.launch(order, living)
    else if (effect === 'assign') this.assign(order, living)
    else if (effect === 'peers') seat?.send({ kind: 'peers', peers: peersOf(order.assignment, order.own) })
    else if (effect === 'rearrange') void this.rearrange(order, living)
  }

  private prepare(): void {
    const order = this.parts.order()
    const { state } = this
    const isDue = state.kind === 'FETCHING' || (state.kind === 'STARTING' && !state.isAssigned)
    if (isDue && typeof order !== 'string') this.parts.preparation.want(order)
  }

  private launch(order: SlotOrder, living: Living): void {
    const { wish, restart } = living
    const ready = assertDefined(this.parts.preparation.readyFor(wish), 'a launch is prepared')
    this.seenConnection = 0
    this.process.launch({ wish, restart, layoutDigest: order.assignment.layoutDigest, ready })
  }

  private assign(order: SlotOrder, living: Living): void {
    const { preparation, positions, settings, logs, port } = this.parts
    const ready = assertDefined(preparation.readyFor(living.wish), 'a seat is prepared')
    const isDealt = this.process.isStateDealt(living.wish.placement)
    const told = assignOf(order, order.topology ?? ready.topology, {
      restart: living.restart,
      executorCount: ready.components.length,
      bundlePath: ready.bundlePath,
      listen: `${settings.bindHost}:${port}`,
      directory: logs.directoryOf(living.wish.topologyId, port),
      positions: {},
      stateFiles: isDealt ? [] : ready.stateFiles,
      heartbeatMs: settings.workerHeartbeatMs,
      leaseMs: settings.leaseMs,
    })
    const known = positions.knownOf(living.wish.topologyId)
    this.seat?.sendEach(inPieces(known, (piece) => ({ ...told, positions: piece })))
  }

  private async rearrange(order: SlotOrder, living: Living): Promise<void> {
    const { seat } = this
    this.askedDigest = ''
    this.rearrangeNumber += 1
    const number = this.rearrangeNumber
    const connection = seat?.connectionCount
    const isWanted = () => {
      const now = this.state
      const isLast = this.rearrangeNumber === number && !this.isStopped
      const isOn = now.kind === 'RUNNING' && now.restart === living.restart && now.rearranging !== undefined
      return isLast && isOn && this.seat === seat && seat?.connectionCount === connection
    }
    const move = await this.parts.preparation.move(order, isWanted)
    if (move === undefined || !isWanted()) return
    const { stateFiles } = move
    const placement = placementOf(order.assignment, move.components.length)
    // Others may have moved while state and positions were fetched.
    const now = this.parts.order()
    const { assignment, own } = typeof now === 'string' ? order : now
    const peers = peersOf(assignment, own)
    this.askedDigest = placementDigest(placement)
    seat?.sendEach(
      inPieces(move.positions, (positions) => ({
        kind: 'rearrange',
        placement,
        peers,
        stateFiles,
        positions,
      })),
    )
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
    if (typeof order === 'string' || order.assignment.dump === '' || this.state.kind !== 'RUNNING')
      return undefined
    // Asked of others only.
    return order.wish.dump === '' ? [] : this.dumped
  }

  private started(living: Living): void {
    if (this.process.started(living.wish.placement)) {
      const { topologyId, worker } = living.wish
      const { clock } = this.parts.host
      this.parts.report({
        kind: 'worker-started',
        at: clock.now(),
        topologyId,
        worker,
        incarnation: incarnationIn(living),
        tookMs: Math.max(0, clock.monotonicMs() - this.process.launchedAtMs),
      })
    }
    this.step()
  }

  private onGone({ reason, text }: WorkerEnd): void {
    const living = this.living()
    if (living === undefined) return
    const { topologyId, worker } = living.wish
    const incarnation = incarnationIn(living)
    const at = this.parts.host.clock.now()
    const level = isAsked(reason) ? 'info' : 'warn'
    this.log[level]('a worker ended', { topologyId, worker, reason, why: text })
    this.parts.report({ kind: 'worker-exited', at, topologyId, worker, incarnation, reason, text })
  }

  private leaveBehind(): void {
    this.adoptedTimeoutMs = undefined
    this.dumpNumber += 1
    this.dumped = undefined
    if (!this.process.leaveBehind()) return
    this.parts.preparation.doubt().catch((error: unknown) => {
      this.log.warn('a bundle cannot be looked at again', { why: String(error) })
    })
  }

  private forget(): void {
    this.parts.preparation.cancel()
    this.process.forget()
  }

  private keepPlacement(): void {
    if (this.state.kind === 'RUNNING') this.process.keepPlaced(this.state.wish.placement)
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
