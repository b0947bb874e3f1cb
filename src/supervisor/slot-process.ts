/**
 * The process of a slot: how it is launched or taken back, what is kept of it on disk, how its end is judged.
 * One at a time; the slot (slot.ts) says when.
 *
 *   launch: number kept on disk ─▶ a spare that fits, else a new process ─▶ alive ─▶ gone ─▶ end judged
 *   adopt:  what an earlier supervisor kept ─▶ alive, if its HELLO says the same
 *
 * Does not know: what the worker is told, what is wanted.
 *
 * Invariants
 *   N1  the number of a launch is kept on disk before the launch
 *   N2  no launch that failed leaves a process behind
 *   N3  a process is gone for the slot when its end is judged, and then told once
 */
import { type FormatError, isStreamError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { incarnationOf } from '../cluster/incarnation.ts'
import type { ToSupervisor } from '../cluster/seat-messages.ts'
import type { Host } from '../host/host.ts'
import { judgeNewcomer, misfitOf, type Newcomer } from './adoption.ts'
import { type EndSeen, judgeEnd, type WorkerEnd } from './exit-reason.ts'
import type { Launcher } from './launcher.ts'
import type { LocalState, SeatRecord } from './local-state.ts'
import type { LogFiles } from './node/log-files.ts'
import type { Seat, SeatOwner } from './seat/seat.ts'
import type { SeatDesk } from './seat/seat-desk.ts'
import type { SparePool } from './seat/spare-pool.ts'
import type { SlotSeen, SlotWish } from './slot.ts'
import type { Ready } from './slot-preparation.ts'

export interface SlotProcessParts {
  readonly host: Host
  readonly log: Logger
  readonly port: number
  readonly local: LocalState
  readonly desk: SeatDesk
  readonly pool: SparePool
  readonly launcher: Launcher
  readonly logs: LogFiles
  /** Look at it: alive, connected, disconnected, gone. */
  readonly onChange: () => void
  readonly onMessage: (message: ToSupervisor) => void
  readonly onGone: (end: WorkerEnd) => void
  /** What was done to it, if it is being ended. */
  readonly doneTo: () => EndSeen['done']
}

export interface LaunchOrder {
  readonly wish: SlotWish
  readonly restart: number
  readonly layoutDigest: string
  readonly ready: Ready
}

/** Output that is read for the reason of an end, and how long that may take. */
const TAIL_BYTES = 16 * 1_024
const TAIL_MS = 500

export class SlotProcess implements SeatOwner {
  /** Of the process that is gone; of the one before, while there is another. */
  end: WorkerEnd | undefined
  hasStarted = false
  launchedAtMs = 0
  private readonly parts: SlotProcessParts
  private current: Seat | undefined
  private isLaunching = false
  private isGone = false
  /** Why nobody here understands it. */
  private misfit: FormatError | undefined
  /** It said itself that it could not start with what it was given. */
  private isInputDoubtful = false
  private judging: Seat | undefined

  constructor(parts: SlotProcessParts) {
    this.parts = parts
  }

  get seat(): Seat | undefined {
    return this.current
  }

  get state(): SlotSeen['process'] {
    if (this.isGone) return 'gone'
    if (this.isLaunching) return 'coming'
    if (this.current === undefined) return 'none'
    // Its end is not judged yet.
    return this.current.process === 'gone' ? 'alive' : this.current.process
  }

  get record(): SeatRecord | undefined {
    return this.parts.local.of(this.parts.port)
  }

  adopt(record: SeatRecord, seat: Seat): void {
    this.current = seat
    this.hasStarted = record.hasStarted
    this.launchedAtMs = this.parts.host.clock.monotonicMs()
  }

  /** Nobody has seen the process that should be here. */
  giveUp(seat: Seat): void {
    if (this.current !== seat || seat.process !== 'coming' || this.isLaunching) return
    this.gone({ reason: 'crash', text: 'its process was not found' })
    this.parts.onChange()
  }

  launch(order: LaunchOrder): void {
    this.isLaunching = true
    this.misfit = undefined
    this.isGone = false
    this.hasStarted = false
    this.launchedAtMs = this.parts.host.clock.monotonicMs()
    this.begin(order)
      .catch((error: unknown) => {
        if (!isStreamError(error)) throw error
        this.endUnkept()
        this.gone({ reason: 'start-failed', text: error.message })
      })
      .finally(() => {
        this.isLaunching = false
        this.onChange()
      })
  }

  /** True: the first time that this process says so. */
  started(placement: string): boolean {
    if (this.hasStarted) return false
    this.hasStarted = true
    this.keepPlaced(placement)
    return true
  }

  /** State that moved here with this placement: in a worker of this generation, which has said so. */
  isStateDealt(placement: string): boolean {
    const { record } = this
    return record?.isStateDealt === true && record.placement === placement
  }

  /** It runs, with these executors and their state. */
  keepPlaced(placement: string): void {
    const { record } = this
    if (record === undefined || (record.hasStarted && this.isStateDealt(placement))) return
    this.keep({ ...record, hasStarted: true, placement, isStateDealt: true })
  }

  /** What may be lost with a crash: it costs a restart or a message more. */
  private keep(record: SeatRecord): void {
    this.parts.local.put(record).catch((error: unknown) => this.notKept(error))
  }

  /**
   * The process is gone and told: nothing of it is left. True: what it was given is to be looked at again.
   */
  leaveBehind(): boolean {
    if (this.current !== undefined) this.parts.desk.forget(this.current)
    const isDoubtful = this.isInputDoubtful
    this.current = undefined
    this.judging = undefined
    this.isGone = false
    this.isInputDoubtful = false
    this.hasStarted = false
    return isDoubtful
  }

  forget(): void {
    this.end = undefined
    this.parts.local.forget(this.parts.port).catch((error: unknown) => this.notKept(error))
  }

  // What its seat tells:

  onChange(): void {
    const { current } = this
    if (current?.process === 'gone' && !this.isGone && this.judging !== current) {
      void this.judgeEnd(current)
    }
    this.parts.onChange()
  }

  onMessage(message: ToSupervisor): void {
    this.parts.onMessage(message)
  }

  judge(hello: Newcomer): 'adopt' | 'dismiss' | 'kill' {
    const { verdict, why } = judgeNewcomer(this.record, hello)
    this.parts.log.info('a worker said hello', { pid: hello.pid, verdict, why })
    const misfit = verdict === 'kill' ? misfitOf(hello) : undefined
    if (misfit !== undefined) {
      this.misfit = misfit
      this.parts.log.error('a worker speaks another version', { code: misfit.code, why: misfit.message })
    }
    const { current } = this
    const isNobodysChild = current !== undefined && current.pid === undefined && !this.isLaunching
    if (verdict === 'adopt' && isNobodysChild) void this.adoptProcess(current, hello)
    return verdict
  }

  private async begin({ wish, restart, layoutDigest, ready }: LaunchOrder): Promise<void> {
    const { host, logs, pool, local, port } = this.parts
    const directory = logs.directoryOf(wish.topologyId, port)
    await host.files.makeDirectory(directory)
    const incarnation = incarnationOf(wish.generation, restart)
    const outputPath = host.files.resolve(directory, `output-${incarnation}.log`)
    const spare = pool.take(ready.profile, this)
    const launch = spare === undefined ? pool.launch(ready.profile, directory, outputPath, this) : undefined
    const seat = spare ?? launch?.seat
    if (seat === undefined) return
    this.current = seat
    const record = this.recordOf(wish, restart, layoutDigest, seat, ready)
    await local.put(record)
    if (launch === undefined) return this.takeOutput(seat, outputPath)
    const { pid, bornAt } = await launch.begin()
    // Its HELLO says the same, should this be lost.
    this.keep({ ...record, pid, bornAt })
  }

  /** A spare that lives and could not be written down: nobody would know it as the worker of this slot. */
  private endUnkept(): void {
    const { current } = this
    this.current = undefined
    if (current === undefined) return
    this.parts.desk.forget(current)
    current.disconnect('its place could not be kept on disk')
    current.kill('SIGKILL')
  }

  private recordOf(
    wish: SlotWish,
    restart: number,
    layoutDigest: string,
    seat: Seat,
    ready: Ready,
  ): SeatRecord {
    const { topologyId, worker, generation, layout, placement } = wish
    const before = this.record
    const isSame =
      before?.topologyId === topologyId &&
      before.generation === generation &&
      before.worker === worker &&
      // Executors that were to come when it died bring theirs.
      before.placement === placement
    return {
      port: this.parts.port,
      topologyId,
      worker,
      generation,
      layout,
      layoutDigest,
      restart,
      secretDigest: seat.secretDigest,
      pid: seat.pid,
      bornAt: seat.bornAt,
      hasStarted: false,
      placement,
      isStateDealt: isSame && before.isStateDealt,
      beatTimeoutMs: ready.beatTimeoutMs,
    }
  }

  /** A spare has been printing elsewhere; its open file goes along. */
  private async takeOutput(seat: Seat, outputPath: string): Promise<void> {
    try {
      await this.parts.host.files.rename(seat.outputPath, outputPath)
      seat.outputPath = outputPath
    } catch (error) {
      this.parts.log.warn('the output of a worker stays where spares print', { why: String(error) })
    }
  }

  private async judgeEnd(seat: Seat): Promise<void> {
    this.judging = seat
    const outputTail = await this.tailOf(seat)
    if (this.current !== seat) return
    const { code, signal } = seat.end ?? { code: undefined, signal: undefined }
    const { misfit } = this
    const done = misfit === undefined ? this.parts.doneTo() : 'start-failed'
    const said = misfit === undefined ? seat.said : { reason: 'start-failed' as const, text: misfit.message }
    const end = judgeEnd({ code, signal, said, done, outputTail })
    this.isInputDoubtful = done === undefined && end.reason === 'start-failed'
    this.gone(end)
    this.parts.onChange()
  }

  /** N3. */
  private gone(end: WorkerEnd): void {
    this.end = end
    this.isGone = true
    this.parts.onGone(end)
  }

  private async tailOf(seat: Seat): Promise<string> {
    const { host, logs, log } = this.parts
    const late = new Promise<string>((resolve) => host.timers.after(TAIL_MS, () => resolve('')))
    const read = logs.endOf(seat.outputPath, TAIL_BYTES).catch((error: unknown) => {
      log.warn('the output of a worker cannot be read', { why: String(error) })
      return ''
    })
    return Promise.race([read, late])
  }

  private async adoptProcess(seat: Seat, hello: Newcomer): Promise<void> {
    const worker = await this.parts.launcher.adopt(hello.pid, hello.bornAt)
    if (this.current !== seat || seat.pid !== undefined) return
    if (worker === undefined) return this.giveUp(seat)
    const { record } = this
    if (record !== undefined) this.keep({ ...record, pid: worker.pid, bornAt: worker.bornAt })
    seat.setWorker(worker)
  }

  private notKept(error: unknown): void {
    this.parts.log.error('what runs here cannot be kept on disk', { why: String(error) })
  }
}
