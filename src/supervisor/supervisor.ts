/**
 * The daemon of a node: announces it, keeps its workers as the board wants them, tells the leader how they
 * are.
 *
 *   start: directory ours ─▶ local state ─▶ living workers adopted, desk open ─▶ board open ─▶ announced
 *          ─▶ slots follow the board
 *
 *               board ──orders──▶ slot runners ──▶ launcher, spares ──▶ worker processes
 *                 ▲                    │  ▲                                   │
 *                 ╰─ position post ◀───┤  ╰──────────── seat desk ◀───────────╯
 *                    heartbeat post ◀──╯ ──▶ leader
 *
 * Does not know: tuples, scheduling, which Nimbus leads.
 *
 * Invariants
 *   M1  workers do not need this process: it may end and be started again at any moment, and takes them back
 *   M2  while the board is away nothing is stopped or moved; workers that die are started again all the same
 *   M3  nothing is launched before the board was seen once and the node's name is this supervisor's there
 *   M4  one supervisor in a directory: nothing in it is read or written before it is this one's
 */
import { hasCode } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { FileBlobStore } from '../blob/file-blob-store.ts'
import type { Board, PositionTexts } from '../cluster/board.ts'
import type { SupervisorRecord } from '../cluster/records.ts'
import type { Host, Stoppable } from '../host/host.ts'
import { DirectoryLock, type Lives, newOwner } from '../host/lock/directory-lock.ts'
import type { NodeFigures } from '../rpc/heartbeat.ts'
import type { NimbusCalls } from '../rpc/nimbus-calls.ts'
import type { Tokens } from '../rpc/tokens.ts'
import type { Launcher } from './launcher.ts'
import { LocalState, type SeatRecord } from './local-state.ts'
import { type MachineLook, type MachineProbe, NO_LOOK } from './machine-probe.ts'
import { Localizer } from './node/localizer.ts'
import { LogFiles } from './node/log-files.ts'
import { StallWatch } from './node/stall-watch.ts'
import { untilAnswered } from './node/until-answered.ts'
import { HeartbeatPost } from './post/heartbeat-post.ts'
import { LevelPost } from './post/level-post.ts'
import { PositionPost, type PositionSource } from './post/position-post.ts'
import { StatePost } from './post/state-post.ts'
import { endSeats } from './seat/end-seats.ts'
import { Seat } from './seat/seat.ts'
import { SeatDesk } from './seat/seat-desk.ts'
import { SparePool } from './seat/spare-pool.ts'
import { damagedAssignments, type Orders, ordersOf, type SlotOrder, storedInPieces } from './slot-order.ts'
import { SlotPreparation } from './slot-preparation.ts'
import { SlotRunner } from './slot-runner.ts'
import { faultOfPositions } from './slot-words.ts'
import { reachedAt, serveSupervisor } from './supervisor-http.ts'
import type { SupervisorSettings } from './supervisor-settings.ts'

export interface SupervisorSpec {
  readonly host: Host
  readonly log: Logger
  readonly settings: SupervisorSettings
  /** Not opened yet, with `assignments` and `topologies` in view. Closed by `stop`. */
  readonly board: Board
  readonly nimbus: NimbusCalls
  readonly launcher: Launcher
  /** Whether whoever has the directory lives. */
  readonly lives: Lives
  readonly probe: MachineProbe
  /** Health checks, where there are programs to run. */
  readonly health?: { readonly failedChecks: readonly string[]; start(): void; stop(): void }
  readonly tokens?: Tokens | undefined
}

/** Time between two looks at itself: a stall is seen by it. */
const STALL_LOOK_MS = 250
/** Time between two rounds of tidying up, in looks at the machine. */
const TIDY_LOOKS = 60
/** A process that an earlier supervisor was just launching shows up in this time, or it never came to be. */
const LOST_MS = 5_000
/** Between two tries to announce the node. */
const ANNOUNCE_AGAIN_MS = 500
/** No spare is begun when less is free. A choice: one more worker with a small heap. */
const MEMORY_SHORT_BYTES = 256 * 1_024 * 1_024

export class Supervisor {
  private readonly spec: SupervisorSpec
  private readonly log: Logger
  private readonly owner: string
  private readonly lock: DirectoryLock
  private readonly local: LocalState
  private readonly logs: LogFiles
  private readonly desk: SeatDesk
  private readonly pool: SparePool
  private readonly localizer: Localizer
  private readonly positions: PositionPost
  private readonly states: StatePost
  private readonly heartbeats: HeartbeatPost
  private readonly levels: LevelPost
  private readonly stalls = new StallWatch(STALL_LOOK_MS)
  private readonly runners = new Map<number, SlotRunner>()
  private readonly blobs: FileBlobStore
  private readonly stoppables: Stoppable[] = []
  private orders: Orders | undefined
  /** Ids of topologies whose assignments hold what nobody understands. */
  private damaged: ReadonlySet<string> = new Set()
  private look: MachineLook = NO_LOOK
  private looks = 0
  /** The node's name on the board is ours. */
  private isAnnounced = false
  private isStopped = false
  private entering: Promise<void> = Promise.resolve()

  constructor(spec: SupervisorSpec) {
    const { host, lives, log, settings, board, nimbus, launcher } = spec
    this.spec = spec
    this.log = log.with({ node: settings.node })
    const path = (...parts: readonly string[]) => host.files.resolve(settings.directory, ...parts)
    const controlPath = path('control.json')
    this.owner = newOwner(host)
    const { directory } = settings
    this.lock = new DirectoryLock({ host, lives, directory, holder: 'supervisor', owner: this.owner })
    this.local = new LocalState(host, path('supervisor.json'), this.log)
    this.logs = new LogFiles(host, path('workers'), settings.logBytesMax)
    this.blobs = new FileBlobStore(host, path('blobs'))
    this.desk = new SeatDesk({ host, log: this.log, listenHost: settings.seatHost, controlPath })
    this.pool = new SparePool({
      host,
      log: this.log,
      desk: this.desk,
      launcher,
      count: settings.spareCount,
      controlPath,
      directory: path('spares'),
      isShortOfMemory: () => this.isShortOfMemory(),
      usual: { heapBytes: settings.workerHeapBytes, nodeOptions: [], environment: {} },
    })
    this.localizer = new Localizer({
      host,
      log: this.log,
      store: this.blobs,
      incoming: path('incoming'),
      bundles: path('bundles'),
      bytesMax: settings.blobBytesMax,
      fetchBlob: (digest, offset, sizeBytes) => nimbus.readBlob(digest, offset, sizeBytes),
    })
    this.positions = new PositionPost({
      host,
      log: this.log,
      board,
      versionFor: (source) => this.versionFor(source),
      tellStored: (source, stored) => this.tellStored(source, stored),
      onLeftOut: (source, leftOut) => this.report(faultOfPositions(source, leftOut, host.clock.now())),
    })
    const writeBlob = (digest: string, bytes: Uint8Array) => nimbus.writeBlob(digest, bytes)
    this.states = new StatePost({ host, log: this.log, writeBlob })
    this.heartbeats = new HeartbeatPost({
      host,
      log: this.log,
      periodMs: settings.heartbeatMs,
      send: (beat) => nimbus.heartbeat(beat),
      picture: () => this.picture(),
      onReply: ({ logLevels }) => this.levels.put(logLevels),
    })
    this.levels = new LevelPost(host.clock, () => this.runners.values())
    for (const port of settings.ports) this.runners.set(port, this.makeRunner(port))
  }

  /**
   * Resolves when the node is announced and its slots follow the board. While no coordinator answers it
   * waits: adopted workers are looked after all the same. What it throws has stopped it.
   * @throws ConflictError DIRECTORY_IN_USE another living supervisor has the directory, RECORD_EXISTS or the
   *   node's name; FormatError RECORD_MALFORMED; UsageError COORDINATOR_REFUSED; UnavailableError
   *   PORT_IN_USE, DISK_FULL
   */
  async start(): Promise<void> {
    try {
      await this.begin()
    } catch (error) {
      // Its workers run what another supervisor of this name has launched, or will: two of one number.
      if (hasCode(error, 'RECORD_EXISTS')) await this.endOwnWorkers()
      await this.stop({ leaveWorkers: true })
      throw error
    }
  }

  private async begin(): Promise<void> {
    this.entering = this.enter()
    await this.entering
    if (this.isStopped) return
    this.startTimers()
    this.spec.health?.start()
    await this.openBoard()
    if (this.isStopped) return
    const http = await this.serve()
    await this.announce(http.address)
    if (this.isStopped) return
    this.followBoard()
    this.heartbeats.start()
    this.pool.want(this.profiles())
    const ports = this.spec.settings.ports.length
    this.log.info('the node is in service', { ports, address: http.address })
  }

  /** M4. All that is written here before the board is open; `stop` waits for its end. */
  private async enter(): Promise<void> {
    const { files } = this.spec.host
    await files.makeDirectory(files.resolve(this.spec.settings.directory))
    if (!this.isStopped) await this.lock.take()
    if (!this.isStopped) await this.local.load()
    for (const record of this.local.all()) if (!this.isStopped) await this.adopt(record)
    if (!this.isStopped) await this.desk.open()
  }

  /**
   * Workers that are left go on, and end by themselves when no supervisor comes for as long as their lease.
   */
  async stop({ leaveWorkers }: { readonly leaveWorkers: boolean }): Promise<void> {
    if (this.isStopped) return
    this.isStopped = true
    for (const stoppable of this.stoppables) stoppable.stop()
    this.spec.health?.stop()
    this.heartbeats.stop()
    this.positions.stop()
    const living = this.seats()
    for (const runner of this.runners.values()) runner.stop()
    this.pool.stop()
    if (!leaveWorkers) await this.stopWorkers(living)
    await this.spec.board.close()
    // What it throws whoever starts hears of.
    await this.entering.catch(() => undefined)
    this.desk.close()
    await this.lock.release()
  }

  private makeRunner(port: number): SlotRunner {
    const { host, settings, launcher } = this.spec
    const runner: { current: SlotRunner | undefined } = { current: undefined }
    const report = this.report
    const preparation = new SlotPreparation({
      host,
      log: this.log.with({ port }),
      settings,
      localizer: this.localizer,
      positions: this.positions,
      pathOf: (digest) => this.blobs.path(digest),
      report,
      onReady: () => runner.current?.step(),
    })
    const made = new SlotRunner({
      host,
      log: this.log,
      settings,
      port,
      local: this.local,
      desk: this.desk,
      pool: this.pool,
      launcher,
      logs: this.logs,
      preparation,
      positions: this.positions,
      states: this.states,
      stalls: this.stalls,
      order: () => this.orderFor(port),
      report,
      onPhase: () => this.onPhase(),
      onWord: (kind) => {
        this.heartbeats.word(kind)
        // It may be on a new connection: what was sent on the old one may be lost.
        this.levels.tell()
      },
    })
    runner.current = made
    return made
  }

  private readonly report = (happening: Parameters<HeartbeatPost['add']>[0]): void => {
    this.heartbeats.add(happening)
  }

  /** A worker of an earlier supervisor: if its process lives it goes on, and will say HELLO. */
  private async adopt(record: SeatRecord): Promise<void> {
    const { host, launcher } = this.spec
    const runner = this.runners.get(record.port)
    if (runner === undefined) {
      // The slot is not there any more.
      await this.stopLeftOver(record)
      return
    }
    const { pid, bornAt } = record
    const isKnown = pid !== undefined && bornAt !== undefined
    const worker = isKnown ? await launcher.adopt(pid, bornAt) : undefined
    if (isKnown && worker === undefined) return
    const incarnation = record.generation * 2 ** 14 + record.restart
    const directory = this.logs.directoryOf(record.topologyId, record.port)
    const seat = new Seat({
      secretDigest: record.secretDigest,
      outputPath: host.files.resolve(directory, `output-${incarnation}.log`),
      clock: host.clock,
      log: this.log,
      owner: runner.owner,
    })
    runner.adopt(record, seat)
    this.desk.expect(seat)
    if (worker !== undefined) seat.setWorker(worker)
    else host.timers.after(LOST_MS, () => runner.owner.giveUp(seat))
    this.log.info('a worker of an earlier supervisor lives', { port: record.port, pid: pid ?? 0 })
  }

  private async stopLeftOver(record: SeatRecord): Promise<void> {
    const { pid, bornAt, port } = record
    if (pid === undefined || bornAt === undefined) return
    const worker = await this.spec.launcher.adopt(pid, bornAt)
    worker?.kill('SIGKILL')
    await this.local.forget(port)
  }

  private startTimers(): void {
    const { host, settings } = this.spec
    const { timers, clock } = host
    this.stoppables.push(
      timers.every(STALL_LOOK_MS, () => this.stalls.look(clock.monotonicMs())),
      timers.every(settings.monitorMs, () => this.lookAround()),
    )
    this.lookAround()
  }

  private openBoard(): Promise<unknown> {
    const { board, settings } = this.spec
    return this.untilAnswered('no coordinator answers yet', 0, () => board.open(settings.boardTimeoutMs))
  }

  /** M3. A predecessor in this directory is dead: what it has put up need not be waited for. */
  private async announce(address: string): Promise<void> {
    const { formerOwners } = this.lock
    const record = this.record(address)
    const standing = await this.untilAnswered('the node is not announced yet', ANNOUNCE_AGAIN_MS, () =>
      this.spec.board.announceSupervisor(record, formerOwners, () => !this.isStopped),
    )
    if (this.isStopped || standing === undefined) return standing?.stop()
    this.stoppables.push(standing)
    this.isAnnounced = true
    await this.lock.forgetFormer()
  }

  private untilAnswered<T>(trouble: string, againMs: number, ask: () => Promise<T>): Promise<T | undefined> {
    const isWanted = () => !this.isStopped
    return untilAnswered({ host: this.spec.host, log: this.log, isWanted, trouble, againMs }, ask)
  }

  private followBoard(): void {
    const { board } = this.spec
    this.stoppables.push(
      board.onChange(({ part }) => {
        if (part === 'assignments' || part === 'topologies') this.onBoard()
      }),
      board.onState((state) => {
        this.log.info('the board', { state })
        if (state === 'connected') this.onBoard()
      }),
    )
    this.onBoard()
  }

  private onBoard(): void {
    if (this.isStopped) return
    // M2: a view that is not kept up is what was wanted last.
    if (this.spec.board.state !== 'connected') return
    const { view } = this.spec.board
    this.orders = ordersOf(view, this.spec.settings.node)
    this.damaged = damagedAssignments(view.malformed)
    for (const runner of this.runners.values()) runner.step()
    this.dropPositions()
  }

  private orderFor(port: number): SlotOrder | 'nothing' | 'unknown' {
    const order = this.orders === undefined ? 'unknown' : this.orders.get(port)
    if (order !== undefined) return order
    // A record that somebody has damaged is no order to stop what it assigned.
    const running = this.runners.get(port)?.topologyId
    const isDamaged = running !== undefined && this.damaged.has(running)
    return isDamaged ? 'unknown' : 'nothing'
  }

  /** Orders that are understood. */
  private understood(): readonly SlotOrder[] {
    return [...(this.orders?.values() ?? [])].filter((order) => order !== 'unknown')
  }

  private onPhase(): void {
    this.heartbeats.soon()
    if (this.isAnnounced) this.pool.want(this.profiles())
    this.levels.tell()
  }

  private serve(): Promise<Stoppable & { readonly address: string }> {
    const { host, settings, tokens, board } = this.spec
    return serveSupervisor({
      host,
      log: this.log,
      address: settings.httpAddress,
      version: settings.version,
      tokens,
      logs: this.logs,
      notReady: () => (board.state === 'connected' ? [] : ['the board']),
    }).then((serving) => {
      // After `stop` nobody looks through them any more.
      if (this.isStopped) serving.stop()
      else this.stoppables.push(serving)
      return serving
    })
  }

  private record(address: string): SupervisorRecord {
    const { node, host, ports, cpuPercent, memoryBytes, version } = this.spec.settings
    return {
      node,
      host,
      address: reachedAt(address, host),
      ports,
      cpuPercent,
      memoryBytes,
      version,
      owner: this.owner,
    }
  }

  private picture() {
    const { node } = this.spec.settings
    const slots = [...this.runners.values()].map((runner) => runner.beat())
    return { node, owner: this.owner, machine: this.figures(), slots }
  }

  private figures(): NodeFigures {
    const failedChecks = this.spec.health?.failedChecks ?? []
    return { ...this.look, loopDelayMs: this.stalls.takeDelayMs(), failedChecks }
  }

  private lookAround(): void {
    this.looks += 1
    this.spec.probe.look().then(
      (look) => {
        this.look = look
      },
      (error: unknown) => this.log.warn('the machine does not say how it is', { why: String(error) }),
    )
    if (this.looks % TIDY_LOOKS === 0) {
      this.tidyUp().catch((error: unknown) => this.log.warn('tidying up failed', { why: String(error) }))
    }
  }

  private async tidyUp(): Promise<void> {
    const used = new Set([...this.runners.values()].flatMap(({ digests }) => digests))
    await this.localizer.cleanUp((digest) => used.has(digest))
    await this.logs.keepWithinBound()
  }

  private isShortOfMemory(): boolean {
    const { memoryTotalBytes, memoryUsedBytes } = this.look
    return memoryTotalBytes > 0 && memoryTotalBytes - memoryUsedBytes < MEMORY_SHORT_BYTES
  }

  private profiles() {
    return [...this.runners.values()].flatMap(({ profile }) => profile ?? [])
  }

  private versionFor({ topologyId, worker, generation }: PositionSource): number | 'unknown' | undefined {
    for (const { wish, assignmentVersion } of this.understood()) {
      const isSame = wish.topologyId === topologyId && wish.worker === worker
      if (isSame && wish.generation === generation) return assignmentVersion
    }
    const ports = [...this.runners].flatMap(([port, each]) => (each.topologyId === topologyId ? port : []))
    return ports.some((port) => this.orderFor(port) === 'unknown') ? 'unknown' : undefined
  }

  private tellStored(source: PositionSource, positions: PositionTexts): void {
    for (const runner of this.runners.values()) {
      if (runner.topologyId !== source.topologyId || runner.incarnation !== source.incarnation) continue
      if (runner.workerNumber === source.worker) runner.seat?.sendEach(storedInPieces(positions))
    }
  }

  /** Of topologies that do not run here any more. */
  private dropPositions(): void {
    const running = new Set([...this.runners.values()].map(({ topologyId }) => topologyId))
    for (const order of this.understood()) running.add(order.wish.topologyId)
    this.positions.keepOnly(running)
  }

  private seats(): readonly Seat[] {
    return [...this.runners.values()].flatMap(({ seat }) => seat ?? [])
  }

  /** Those that have shown their secret here: of the others nobody knows whose they are. */
  private async endOwnWorkers(): Promise<void> {
    const own = this.seats().filter(({ isConnected }) => isConnected)
    if (own.length > 0) this.log.warn('workers of this directory are stopped', { workers: own.length })
    await endSeats(this.spec.host, own, this.spec.settings.stopGraceMs)
  }

  private async stopWorkers(seats: readonly Seat[]): Promise<void> {
    await endSeats(this.spec.host, seats, this.spec.settings.stopGraceMs)
    for (const { port } of this.local.all()) await this.local.forget(port)
  }
}
