/**
 * A worker in its seat: what an ASSIGN asks for, put together, and kept in the state that its supervisor
 * wants.
 *
 *   starting ─▶ running ⇄ rearranging ─▶ stopping ─▶ ended
 *      ╰── build, listen or prepare failed ───────────╯      kill: at once, from anywhere
 *
 *   frozen: after keyed state was written out nothing runs until it has moved, or the move is called off. A
 *   timer that fired in between would fire again where the state goes.
 *
 * Order: `start`; `rearrange` and `dumpState` one at a time, by whoever queues them, while nothing is in
 * flight.
 *
 * Does not know: the line to the supervisor, leases, processes.
 */
import { assertDefined } from '../../base/assert.ts'
import { hasCode } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { RunMode } from '../../cluster/records.ts'
import type {
  SeatAssign,
  SeatBeat,
  SeatPeer,
  StateFile,
  ToSupervisor,
  ToWorker,
} from '../../cluster/seat-messages.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { WorkerOwner } from '../desk.ts'
import type { LoadModule } from '../reporters.ts'
import type { WorkerSpec } from '../spec.ts'
import { Worker } from '../worker.ts'
import { LagBook } from './lag-book.ts'
import { dealFiles, dumpState } from './moving-state.ts'
import { Office } from './office.ts'
import { figuresOf, type RunFigures } from './run-figures.ts'
import { type ProbeReading, seatBeatOf } from './seat-beat.ts'
import { type PositionTexts, SeatPositions } from './seat-positions.ts'
import { buildSeatTopology, checkLayout } from './seat-topology.ts'

/** Time between two looks at how far sources are. */
const COLLECT_MS = 100
const QUIET_LOOK_MS = 5
/** A predecessor that is just being killed may still hold the port. */
const LISTEN_TRIES = 20
const LISTEN_WAIT_MS = 100
/** So long an ending worker waits for its positions to be stored. */
const SETTLE_MS = 1_000

/** What a test kit puts into workers. */
export interface SeatInside {
  /** Before each call of a component. What it throws, the component is taken to have thrown. */
  readonly beforeCall?: (componentId: string, call: string) => void
  /** Put together, nothing of it has started. */
  readonly onMade?: (worker: Worker, office: Office) => void
}

/** Imports a bundle; gives its default export. */
export type LoadTopology = (bundlePath: string) => Promise<unknown>

export interface SeatParts {
  readonly host: Host
  readonly log: Logger
  readonly assign: SeatAssign
  readonly owner: WorkerOwner
  readonly loadTopology: LoadTopology
  /** Imports modules that a topology names, seen from its bundle. */
  readonly loadModule?: ((bundlePath: string) => LoadModule) | undefined
  readonly inside?: SeatInside | undefined
  /** Lost if there is no line. */
  readonly say: (message: ToSupervisor) => void
  readonly onOverdue: () => void
  /** A peer knows a newer incarnation of this worker. Not to be ended from within the call. */
  readonly onOutdated: (newest: number, message: string) => void
}

export type Rearrange = Extract<ToWorker, { readonly kind: 'rearrange' }>

interface Running {
  readonly worker: Worker
  readonly office: Office
  readonly positions: SeatPositions
}

export class Seat {
  state: 'starting' | 'running' | 'stopping' | 'ended' = 'starting'
  run: RunMode
  private readonly parts: SeatParts
  private readonly addresses = new Map<number, string>()
  private readonly lags = new LagBook()
  private readonly timers: Stoppable[] = []
  private running: Running | undefined = undefined
  private peers: readonly SeatPeer[]
  /** Figures of executors that have left: totals never go back. */
  private lost: RunFigures | undefined = undefined
  private isFrozen = false
  private wasQuiet = false
  private frozenTurns = 0
  private endsAtMs = Number.POSITIVE_INFINITY

  constructor(parts: SeatParts) {
    this.parts = parts
    this.run = parts.assign.run
    this.peers = parts.assign.peers
  }

  /** @throws what loading, building, listening and preparing throw; the seat is of no use then */
  async start(): Promise<void> {
    const { host, assign, loadTopology } = this.parts
    host.userCallBegan()
    let module: unknown
    try {
      module = await loadTopology(assign.bundlePath)
    } finally {
      host.userCallEnded()
    }
    if (this.isOver()) return
    const built = buildSeatTopology(module, assign)
    checkLayout(built, assign.layoutDigest)
    const running = this.putTogether({
      topologyName: assign.topologyName,
      ...built,
      placement: assign.placement,
      worker: assign.worker,
      incarnation: assign.incarnation,
      node: assign.node,
      port: assign.port,
      isDev: false,
    })
    this.running = running
    running.worker.loop.endsAtMs = this.endsAtMs
    await this.listen(running)
    if (this.isOver()) return
    await running.worker.start((bolts) => dealFiles(host, assign.stateFiles, bolts, built.expanded))
    if (this.isOver()) return
    this.state = 'running'
    this.meetAll(this.peers)
    this.applyRun()
    this.timers.push(host.timers.every(COLLECT_MS, () => this.sendPositions()))
  }

  /** The worker may run until then, by the monotonic clock. */
  mayRunUntil(endsAtMs: number): void {
    this.endsAtMs = endsAtMs
    if (this.running !== undefined) this.running.worker.loop.endsAtMs = endsAtMs
  }

  setRun(run: RunMode): void {
    this.run = run
    // A move that was called off: what was written out is still here.
    if (run !== 'drain') this.thaw()
    this.applyRun()
  }

  onPeers(peers: readonly SeatPeer[]): void {
    this.peers = peers
    if (this.state === 'running') this.meetAll(peers)
  }

  /**
   * @throws what preparing the executors that come throws, and reading their state: the worker must end then
   */
  async rearrange({ placement, peers, stateFiles, positions }: Rearrange): Promise<void> {
    const { running } = this
    if (running === undefined || this.state !== 'running') return
    const { worker, office } = running
    this.sendPositions()
    running.positions.learn(positions ?? {})
    this.peers = peers
    this.meetAll(peers)
    const { expanded } = worker.spec
    const { left } = await worker.rearrange(placement, (bolts) =>
      dealFiles(this.parts.host, stateFiles, bolts, expanded),
    )
    const gone = { ...left, loop: { busyMs: 0 } }
    this.lost = figuresOf([gone], this.lost, this.parts.host.clock.now())
    if (this.isOver()) return
    const known = new Set(peers.map((peer) => peer.worker))
    for (const peer of this.addresses.keys()) {
      if (known.has(peer) || worker.spec.placement.includes(peer)) continue
      this.addresses.delete(peer)
      office.removePeer(peer)
    }
    // Not before: executors that leave must not run once their state is elsewhere.
    this.thaw()
    this.sendPositions()
    this.applyRun()
  }

  /** @throws UnavailableError DISK_FULL, UsageError VALUE_NOT_ENCODABLE: the worker goes on as it was */
  async dumpState(executors: readonly number[]): Promise<readonly StateFile[]> {
    const { running } = this
    if (running === undefined || this.state !== 'running') return []
    const { host, assign } = this.parts
    this.freeze(running)
    try {
      return await dumpState(host, running.worker, executors, host.files.resolve(assign.directory, 'state'))
    } catch (error) {
      this.thaw()
      throw error
    }
  }

  onStored(stored: PositionTexts): void {
    const { running } = this
    if (running === undefined) return
    for (const [componentId, positions] of running.positions.onStored(stored)) {
      void running.worker.onStored(componentId, positions)
    }
  }

  /** There is a new line: what was on its way on the old one may be lost. */
  onNewLine(): void {
    this.running?.positions.forgetSent()
  }

  beat(reading: ProbeReading): SeatBeat {
    const { running, run } = this
    if (running === undefined) {
      const facts = { turns: 0, isQuiet: false, isFinished: false, run }
      return seatBeatOf(facts, reading, [], [], new Map())
    }
    const { worker, office, positions } = running
    positions.collect(worker.progress())
    this.lags.ask(worker)
    this.frozenTurns += this.isFrozen ? 1 : 0
    const facts = {
      turns: worker.loop.turnCount + this.frozenTurns,
      isQuiet: this.isQuiet,
      isFinished: worker.spoutTasks.every((task) => task.isFinished),
      run,
    }
    const figures = figuresOf([worker], this.lost, this.parts.host.clock.now())
    return seatBeatOf(facts, reading, figures.components.values(), office.stats(), this.lags.lags)
  }

  /** Sources stop; what is in flight is waited for, up to `graceMs`; then everything ends in good order. */
  async stop(graceMs: number): Promise<void> {
    const { running } = this
    if (running === undefined || this.state !== 'running') {
      this.kill()
      return
    }
    this.state = 'stopping'
    const { clock } = this.parts.host
    const endMs = clock.monotonicMs() + graceMs
    // Frozen, it was quiet, and its state is elsewhere already.
    if (!this.isFrozen) {
      running.worker.drain()
      await this.waitFor(() => running.worker.isQuiet && running.office.isQuiet, endMs)
    }
    this.sendPositions()
    await this.waitFor(() => running.positions.isSettled, Math.min(endMs, clock.monotonicMs() + SETTLE_MS))
    if (this.isOver()) return
    await running.worker.stop()
    this.kill()
  }

  /** At once, as a crash does: nothing of it runs any more. */
  kill(): void {
    this.state = 'ended'
    for (const timer of this.timers) timer.stop()
    this.running?.worker.kill()
    this.running?.office.close()
  }

  /** Sources of this worker are not asked any more: the topology wants to stop. */
  deactivate(): void {
    this.run = 'inactive'
    this.applyRun()
  }

  private putTogether(plan: WorkerSpec): Running {
    const { host, assign, log, owner, loadModule, inside, onOverdue, onOutdated } = this.parts
    const { token, topologyId, layout } = assign
    this.addresses.set(assign.worker, assign.listen)
    for (const { worker, address } of this.peers) this.addresses.set(worker, address)
    const addressOf = (worker: number) => this.addresses.get(worker) ?? ''
    const same = { worker: plan, host, log, token, topologyId, layout, addressOf, ackLoss: undefined }
    const office = new Office({ ...same, onOutdated })
    // Those that run nothing are peers, too: they may.
    for (const [worker, address] of this.addresses) office.addPeer(worker, address)
    const positions = new SeatPositions(assign.topologyName, host.clock, assign.positions)
    const worker = new Worker({
      spec: plan,
      host,
      log,
      owner,
      positions,
      linkTo: (peer) => office.linkTo(peer),
      onOverdue,
      ...(loadModule === undefined ? {} : { loadModule: loadModule(assign.bundlePath) }),
      ...(inside?.beforeCall === undefined ? {} : { beforeCall: inside.beforeCall }),
    })
    inside?.onMade?.(worker, office)
    return { worker, office, positions }
  }

  private async listen({ worker, office }: Running): Promise<void> {
    const { host, assign } = this.parts
    for (let left = LISTEN_TRIES; ; left -= 1) {
      try {
        await office.open(worker, assign.listen)
        return
      } catch (error) {
        if (!hasCode(error, 'PORT_IN_USE') || left <= 1 || this.isOver()) throw error
      }
      await new Promise<void>((resolve) => {
        host.timers.after(LISTEN_WAIT_MS, resolve)
      })
    }
  }

  /** News of peers: a new address or incarnation is a new worker, what was sent to the old one is lost. */
  private meetAll(peers: readonly SeatPeer[]): void {
    const { worker: own } = this.parts.assign
    const { office, worker } = assertDefined(this.running, 'peers are met by who runs')
    for (const { worker: peer, address, incarnation } of peers) {
      if (peer === own) continue
      const before = this.addresses.get(peer)
      this.addresses.set(peer, address)
      office.addPeer(peer, address)
      if (incarnation > 0) office.onPeerRestarted(peer, incarnation)
      else if (before !== undefined && before !== address) {
        worker.onLost('worker-lost', `worker ${peer} has moved to ${address}`)
      }
    }
  }

  private applyRun(): void {
    const worker = this.running?.worker
    if (worker === undefined || this.state !== 'running') return
    if (this.run === 'active') worker.activate()
    else if (this.run === 'drain') worker.drain()
    else worker.deactivate()
  }

  /** Nothing is in flight here; drained, its positions are stored as well. */
  get isQuiet(): boolean {
    if (this.running === undefined) return false
    const { worker, office, positions } = this.running
    if (this.isFrozen) return this.wasQuiet
    if (this.state !== 'running' || !worker.isQuiet || !office.isQuiet) return false
    return this.run !== 'drain' || positions.isSettled
  }

  private sendPositions(): void {
    const { running } = this
    if (running === undefined || this.isOver()) return
    running.positions.collect(running.worker.progress())
    const positions = running.positions.takeChanged()
    if (Object.keys(positions).length > 0) this.parts.say({ kind: 'positions', positions })
  }

  private freeze(running: Running): void {
    const { worker } = running
    if (!this.isFrozen) this.wasQuiet = this.isQuiet
    this.isFrozen = true
    worker.loop.isHung = true
  }

  private thaw(): void {
    if (!this.isFrozen) return
    this.isFrozen = false
    this.running?.worker.loop.resume()
  }

  private async waitFor(isThere: () => boolean, endMs: number): Promise<void> {
    const { clock, timers } = this.parts.host
    while (!this.isOver() && !isThere() && clock.monotonicMs() < endMs) {
      await new Promise<void>((resolve) => {
        timers.after(QUIET_LOOK_MS, resolve)
      })
    }
  }

  private isOver(): boolean {
    return this.state === 'ended'
  }
}
