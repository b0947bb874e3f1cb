/**
 * A worker process: waits as a spare until its supervisor gives it a seat, then is that worker until it ends.
 *
 *   spare ── ASSIGN ──▶ seated: starting ─▶ running ── STOP, SIGTERM ──▶ drained ─▶ exit 0
 *     │                    │                  ╰── restart wanted 73 · invariant broken 70 · lease over 72 ·
 *     │                    │                      replaced by a newer incarnation 74
 *     │                    ╰── start failed: told, exit 71
 *     ╰── STOP, DISMISS ─▶ exit 0        alone for a minute ─▶ exit 72
 *
 * Route: main.ts gives it the real world, the simulator a virtual one. The supervisor speaks to it over
 * seat/control-line.ts; seat/seat.ts is the worker itself.
 *
 * Invariants
 *   P1  It gets a seat once. What it is does not change afterwards, but for its placement.
 *   P2  Without a word from a supervisor for as long as the lease nothing of it runs any more, also if the
 *       process
 *       stood still meanwhile: that is found out before executors run again.
 *   P3  Once a peer says that a newer incarnation of it runs elsewhere, nothing of it runs any more, whatever
 *       its supervisor believes: that may be cut off from all who know.
 *   P4  Heartbeats come from the same loop as the work: who is stuck is silent.
 */
import { assertDefined, InvariantError } from '../base/assert.ts'
import type { Logger } from '../base/log.ts'
import { ExitCode } from '../cluster/exit-codes.ts'
import { placementDigest } from '../cluster/layout.ts'
import {
  type ExitReason,
  joinPositions,
  SEAT_PROTOCOL,
  type SeatAssign,
  type SeatFacts,
  type ToSupervisor,
  type ToWorker,
} from '../cluster/seat-messages.ts'
import { messageOf } from '../flow/executor/user-code.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type { LoadModule } from './reporters.ts'
import { ControlLine } from './seat/control-line.ts'
import { DrainWords } from './seat/drain-words.ts'
import { Lease } from './seat/lease.ts'
import type { LevelBook } from './seat/level-book.ts'
import { type LoadTopology, type Rearrange, Seat, type SeatInside } from './seat/seat.ts'
import type { WorkerProbe } from './seat/seat-beat.ts'
import { faultOf, SeatReports } from './seat/seat-reports.ts'
import { type Sources, userFrameOf } from './seat/user-frame.ts'

/** A spare whose supervisor does not come back ends itself. */
const ALONE_MS = 60_000
const ALONE_LOOK_MS = 5_000
/** What was said last gets so long to leave. */
const FAREWELL_MS = 20

export interface WorkerProcessSpec {
  readonly host: Host
  /** Where the supervisor is now, `host:port`; asked before each dial. undefined: not known. */
  readonly dialControl: () => Promise<string | undefined>
  /** Shown in HELLO. */
  readonly secret: string
  readonly pid: number
  readonly bornAt: string
  readonly loadTopology: LoadTopology
  readonly loadModule?: (bundlePath: string) => LoadModule
  readonly inside?: SeatInside
  readonly probe: WorkerProbe
  readonly log: Logger
  readonly levels?: LevelBook
  /** URL of the folder of this package's code: what was thrown there is ours. Default: everything is. */
  readonly ownCode?: string
  /** Ends the process. Called once; nothing of the worker runs any more then. */
  readonly exit: (code: number) => void
  /** It has a seat from now on: its directory is known. */
  readonly onSeated?: (assign: SeatAssign) => void
}

/** Between two looks whether it has become quiet, when that is waited for. */
const WORD_LOOK_MS = 50

export class WorkerProcess {
  private readonly spec: WorkerProcessSpec
  private readonly line: ControlLine
  private readonly timers: Stoppable[] = []
  private seat: Seat | undefined = undefined
  private assign: SeatAssign | undefined = undefined
  /** Pieces of what the next message belongs to. */
  private known: SeatAssign['positions'][] = []
  private lease: Lease | undefined = undefined
  /** Starts, rearrangements and dumps: one at a time. */
  private turn: Promise<void> = Promise.resolve()
  private readonly words = new DrainWords()
  private isEnding = false
  private hasExited = false

  constructor(spec: WorkerProcessSpec) {
    this.spec = spec
    this.line = new ControlLine({
      host: spec.host,
      dialControl: spec.dialControl,
      hello: () => this.hello(),
      onOpen: () => this.onLine(),
      onMessage: (message) => this.onMessage(message),
    })
  }

  start(): void {
    this.timers.push(this.spec.host.timers.every(ALONE_LOOK_MS, () => this.lookAlone()))
    this.line.start()
  }

  /** In good order, as when the supervisor says STOP: SIGTERM. */
  stop(graceMs: number): void {
    if (this.isEnding) return
    this.isEnding = true
    const { seat } = this
    if (seat === undefined) {
      this.finish(ExitCode.SHUTDOWN, 'shutdown', 'a spare that is not needed')
      return
    }
    seat.stop(graceMs).then(
      () => this.finish(ExitCode.SHUTDOWN, 'shutdown', 'stopped in good order'),
      (error: unknown) => this.finish(ExitCode.INVARIANT, 'crash', messageOf(error)),
    )
  }

  /** At once: the second signal. */
  stopNow(): void {
    this.finish(ExitCode.SHUTDOWN, 'shutdown', 'stopped at once')
  }

  /**
   * Something was thrown, or rejected, where nobody caught it. User code's is reported; after one that was
   * thrown in the middle of something only a new process is sure to be in order.
   */
  onUncaught(error: unknown, kind: 'thrown' | 'rejected'): void {
    if (!this.isUsers(error)) {
      this.onBroken(error)
      return
    }
    const at = this.spec.host.clock.now()
    this.line.tell({
      kind: 'fault',
      fault: faultOf(error, { componentId: '__worker', task: 0, at }, this.sources),
    })
    this.spec.log.error('user code left an error uncaught', { kind, text: messageOf(error) })
    if (kind === 'thrown') this.finish(ExitCode.RESTART_WANTED, 'restart-wanted', messageOf(error))
  }

  private hello(): ToSupervisor {
    const { secret, pid, bornAt } = this.spec
    return {
      kind: 'hello',
      protocol: SEAT_PROTOCOL,
      secret,
      pid,
      bornAt,
      seat: this.assign === undefined ? undefined : facts(this.assign),
    }
  }

  private onLine(): void {
    this.known = []
    this.lease?.forgetAsked()
    const { seat } = this
    if (seat === undefined) return
    seat.onNewLine()
    if (seat.state === 'running') this.line.say({ kind: 'started' })
    this.beat()
  }

  private onMessage(message: ToWorker): void {
    if (this.isEnding && message.kind !== 'lease' && message.kind !== 'dismiss' && message.kind !== 'stored')
      return
    const { seat } = this
    switch (message.kind) {
      case 'assign':
        this.onAssign({ ...message, positions: this.withKnown(message.positions) })
        return
      case 'lease':
        this.onLease()
        return
      case 'stop':
        this.stop(message.graceMs)
        return
      case 'dismiss':
        this.finish(ExitCode.SHUTDOWN, 'assignment-changed', `dismissed: ${message.why}`)
        return
      case 'log-level':
        if (this.spec.levels?.set(message.logger, message.level, message.forMs) !== true) {
          this.spec.log.warn('a log level is not set: it is not known', { level: message.level })
        }
        return
      case 'run':
        seat?.setRun(message.run)
        this.beat()
        return
      case 'peers':
        seat?.onPeers(message.peers)
        return
      case 'stored':
        seat?.onStored(message.positions)
        return
      case 'known':
        this.known.push(message.positions)
        return
      case 'rearrange':
        this.rearrange({ ...message, positions: this.withKnown(message.positions ?? {}) })
        return
      case 'dump-state':
        this.dump(message.executors)
        return
    }
  }

  /** What was told before it belongs to it. */
  private withKnown(positions: SeatAssign['positions']): SeatAssign['positions'] {
    const pieces = [...this.known, positions]
    this.known = []
    return pieces.length === 1 ? positions : joinPositions(pieces)
  }

  private rearrange(wanted: Rearrange): void {
    this.inTurn(async (seat) => {
      await seat.rearrange(wanted)
      this.line.tell({ kind: 'rearranged', placementDigest: placementDigest(wanted.placement) })
      this.beat()
    }, 'rearranging failed')
  }

  private onAssign(assign: SeatAssign): void {
    if (this.assign !== undefined) {
      this.spec.log.warn('a second assignment is not taken', { topology: assign.topologyId })
      return
    }
    const { host, log, loadTopology, loadModule, inside } = this.spec
    this.assign = assign
    const lease = new Lease(assign.leaseMs, host.clock.monotonicMs())
    this.lease = lease
    const seatLog = log.with({ topology: assign.topologyName, worker: assign.worker })
    const reports = new SeatReports({
      log: seatLog,
      now: () => host.clock.now(),
      sources: this.sources,
      tell: (message) => this.line.tell(message),
      // Not from within the step that asked for it.
      onRestartWanted: (why) =>
        host.timers.defer(() => this.finish(ExitCode.RESTART_WANTED, 'restart-wanted', why)),
      onStopWanted: () => host.timers.defer(() => this.seat?.deactivate()),
      onBroken: (error) => host.timers.defer(() => this.onBroken(error)),
    })
    const seat = new Seat({
      host,
      log: seatLog,
      assign,
      owner: reports,
      loadTopology,
      loadModule,
      inside,
      say: (message) => this.line.say(message),
      onOverdue: () => this.onLeaseOver(),
      onOutdated: (newest, text) => host.timers.defer(() => this.onOutdated(newest, text)),
    })
    this.seat = seat
    seat.mayRunUntil(lease.endsAtMs)
    this.spec.onSeated?.(assign)
    this.timers.push(host.timers.every(assign.heartbeatMs, () => this.beat()))
    this.timers.push(host.timers.every(WORD_LOOK_MS, () => this.lookWord()))
    this.timers.push(host.timers.every(Math.max(1, assign.leaseMs / 4), () => this.judgeLease()))
    this.beat()
    this.inTurn(async () => {
      await seat.start()
      if (seat.state !== 'running') return
      this.line.say({ kind: 'started' })
      this.beat()
    }, 'the worker could not start')
  }

  /** What a seat does for longer. If it fails, the worker is of no use. */
  private inTurn(work: (seat: Seat) => Promise<void>, failure: string): void {
    const { seat } = this
    if (seat === undefined) return
    this.turn = this.turn.then(async () => {
      if (this.isEnding || this.hasExited) return
      try {
        await work(seat)
      } catch (error) {
        this.onStartFailed(error, failure)
      }
    })
  }

  private dump(executors: readonly number[]): void {
    this.inTurn(async (seat) => {
      try {
        const files = await seat.dumpState(executors)
        this.line.tell({ kind: 'state-dumped', files })
      } catch (error) {
        // The move waits for its deadline; the state stays where it is.
        const at = this.spec.host.clock.now()
        this.spec.log.error('keyed state could not be written out', { text: messageOf(error) })
        this.line.tell({
          kind: 'fault',
          fault: faultOf(error, { componentId: '__worker', task: 0, at }, this.sources),
        })
      }
    }, 'writing state out failed')
  }

  /** A topology that stops waits for the words of all its workers: they do not wait for their periods. */
  private lookWord(): void {
    const { seat } = this
    if (seat?.state !== 'running' || seat.run === 'active') return
    if (this.words.isDue(seat.run, seat.isQuiet, this.spec.host.clock.monotonicMs())) this.beat()
  }

  private beat(): void {
    const { seat, lease } = this
    if (seat === undefined || lease === undefined || this.hasExited || !this.judgeLease()) return
    const beat = seat.beat(this.spec.probe.read())
    this.words.said(beat.run, beat.isQuiet, this.spec.host.clock.monotonicMs())
    if (this.line.say({ kind: 'heartbeat', beat })) lease.ask(this.spec.host.clock.monotonicMs())
  }

  private onLease(): void {
    const { lease, seat } = this
    if (lease === undefined || seat === undefined) return
    if (lease.renew(this.spec.host.clock.monotonicMs())) seat.mayRunUntil(lease.endsAtMs)
    else this.onLeaseOver()
  }

  /** False: it is over, and so is the worker. */
  private judgeLease(): boolean {
    if (this.lease?.isOver(this.spec.host.clock.monotonicMs()) !== true) return true
    this.onLeaseOver()
    return false
  }

  private onLeaseOver(): void {
    const leaseMs = assertDefined(this.lease, 'only a lease can be over').leaseMs
    const text = `no word from the supervisor for ${leaseMs} ms`
    this.finish(ExitCode.LEASE_LOST, 'lease', text, 0)
  }

  /** P3. At once: nobody takes what it does any more, and what it read has been given to its successor. */
  private onOutdated(newest: number, text: string): void {
    this.finish(ExitCode.OUTDATED, 'outdated', text, FAREWELL_MS, newest)
  }

  private onStartFailed(error: unknown, what: string): void {
    if (this.hasExited) return
    if (error instanceof InvariantError) {
      this.onBroken(error)
      return
    }
    const at = this.spec.host.clock.now()
    const fault = faultOf(error, { componentId: componentOf(error), task: 0, at }, this.sources)
    this.spec.log.error(what, { code: fault.code, text: fault.message })
    this.line.say({ kind: 'start-failed', fault })
    this.finish(ExitCode.START_FAILED, 'start-failed', fault.message)
  }

  private onBroken(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? '') : ''
    this.spec.log.error('an invariant is broken, the worker ends', { text: messageOf(error), stack })
    this.finish(ExitCode.INVARIANT, 'crash', `a broken invariant: ${messageOf(error)}`)
  }

  /**
   * It came up in code of the topology, as far as its stack tells: the frame nearest to the throw decides.
   */
  private isUsers(error: unknown): boolean {
    const { ownCode } = this.spec
    if (this.assign === undefined || error instanceof InvariantError) return false
    // What is no error has no stack; the engine throws nothing of the kind.
    if (!(error instanceof Error) || ownCode === undefined) return ownCode !== undefined
    const frames = (error.stack ?? '').split('\n').filter((line) => !line.includes('node:'))
    const nearest = frames.find((line) => /^\s+at /.test(line)) ?? ''
    return userFrameOf(nearest, ownCode) !== undefined
  }

  private get sources(): Sources | undefined {
    const { ownCode } = this.spec
    return this.assign && ownCode ? { bundlePath: this.assign.bundlePath, ownCode } : undefined
  }

  private lookAlone(): void {
    const { downSinceMs } = this.line
    if (this.assign !== undefined || downSinceMs === undefined) return
    if (this.spec.host.clock.monotonicMs() - downSinceMs < ALONE_MS) return
    this.finish(ExitCode.LEASE_LOST, 'lease', `a spare without a supervisor for ${ALONE_MS} ms`, 0)
  }

  /** Nothing of the worker runs any more when it returns. */
  private finish(
    code: number,
    reason: ExitReason,
    text: string,
    farewellMs = FAREWELL_MS,
    newest?: number,
  ): void {
    if (this.hasExited) return
    this.hasExited = true
    this.isEnding = true
    for (const timer of this.timers) timer.stop()
    this.seat?.kill()
    // One that is outdated was moved, and its peers were faster than its supervisor.
    const isBad = code !== ExitCode.SHUTDOWN && code !== ExitCode.OUTDATED
    this.spec.log[isBad ? 'error' : 'info']('the worker process ends', { code, reason, text })
    const isTold = this.line.say({
      kind: 'exiting',
      reason,
      text,
      ...(newest === undefined ? {} : { newest }),
    })
    const end = () => {
      this.line.close()
      this.spec.exit(code)
    }
    if (isTold && farewellMs > 0) this.spec.host.timers.after(farewellMs, end)
    else end()
  }
}

function facts({ topologyId, worker, port, incarnation, layout, layoutDigest }: SeatAssign): SeatFacts {
  return { topologyId, worker, port, incarnation, layout, layoutDigest }
}

function componentOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('details' in error)) return '__worker'
  const { details } = error
  if (typeof details !== 'object' || details === null || !('component' in details)) return '__worker'
  return String(details.component)
}
