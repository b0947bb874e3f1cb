/**
 * Elects one leader among candidates: places in a line, the first of which leads, and an epoch that is raised
 * before the leader is told.
 *
 *              first in line, epoch raised
 *   standby ───────────────────────────────▶ leader
 *      ▲  ◀── place lost, suspended too long, ──╯
 *      │      gave up, stopped
 *      ╰── back-off, then a new place at the end of the line
 *
 * Ends by itself when the session is over: with a new coordinator there is a new election.
 *
 * Invariants
 *   E1  `onLeader` and `onStandby` take turns, and each epoch is handed out once
 *   E2  `isLeader` is worked out at every read: nobody leads on a session that is over, or that nobody has
 *       confirmed for longer than the grace
 *   E3  two may believe that they lead, but only the later epoch can write (`epoch-writer`)
 *
 * Does not know: what leaders do.
 */
import { Backoff } from '../../base/backoff.ts'
import { hasCode, isStreamError } from '../../base/errors.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { Coordinator, SessionState } from '../coordinator.ts'
import { type Epoch, type EpochRecord, parseEpoch, raiseEpoch } from './epoch.ts'
import { Line, newToken } from './line.ts'
import { Wake } from './wake.ts'

/** Why somebody does not lead any more. */
export type StandbyReason = 'place-lost' | 'suspended' | 'expired' | 'gave-up' | 'stopped'

export interface LeaderElectionSpec {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random'>
  readonly coordinator: Coordinator
  /** Node of the line; made if missing. */
  readonly linePath: string
  /** Node of the epoch; made if missing. */
  readonly epochPath: string
  /** Who we are: written into the epoch. */
  readonly id: string
  /** Of our place, for whoever looks at the line. */
  readonly data?: Uint8Array
  /** How long a leader stays one with no server answering. Default: a third of the session. */
  readonly suspendedGraceMs?: number
  readonly onLeader: (epoch: Epoch) => void
  readonly onStandby: (reason: StandbyReason) => void
  /**
   * Something that is not just a lost connection: a refusal, a malformed epoch. Tried again with back-off.
   */
  readonly onTrouble?: (error: unknown) => void
}

/** Looked at so often even when nothing is heard: a missed word costs no more than this. */
const LOOK_MS = 10_000
/**
 * Longest wait before a new place. Who waits is missing in line: the leader of the day may end meanwhile, and
 * then nobody leads.
 */
const REJOIN_MAX_MS = 2_000
/** A leadership this long is no flapping. */
const STEADY_MS = 60_000

export class LeaderElection {
  private readonly spec: LeaderElectionSpec
  private readonly wake: Wake
  /** Before each new place, longer while leaderships are short. */
  private readonly rejoining: Backoff
  private readonly troubled: Backoff
  private readonly listening: Stoppable
  private readonly graceMs: number
  private line: Line
  private held: Epoch | undefined
  private heldPlace: string | undefined
  private ledFromMs = 0
  private suspendedMs: number | undefined
  private ownPlaceWatch: Stoppable | undefined
  private isOver = false
  private mustRejoin = false
  private flaps = 0
  private readonly running: Promise<void>

  constructor(spec: LeaderElectionSpec) {
    this.spec = spec
    this.wake = new Wake(spec.host.timers)
    const chance = () => spec.host.random.next()
    this.rejoining = new Backoff({ firstMs: 200, maxMs: REJOIN_MAX_MS }, chance)
    this.troubled = new Backoff({ firstMs: 100, maxMs: 10_000 }, chance)
    this.graceMs = spec.suspendedGraceMs ?? spec.coordinator.sessionTimeoutMs / 3
    this.line = this.newLine()
    this.listening = spec.coordinator.onState((state) => this.onState(state))
    this.running = this.run()
  }

  get isLeader(): boolean {
    return this.epoch !== undefined
  }

  /** Of our leadership, if we lead now. */
  get epoch(): Epoch | undefined {
    this.judge(this.spec.coordinator.state)
    return this.held
  }

  /** Leaderships lost soon after they were won, since the last one that lasted. */
  get flapCount(): number {
    return this.flaps
  }

  /** Goes to the end of the line. For a leader that cannot do its work, or whose write was refused as old. */
  giveUp(): void {
    this.stepDown('gave-up')
  }

  /** Who raised the epoch last: usually who leads. undefined: nobody ever did. */
  async readLeader(): Promise<EpochRecord | undefined> {
    const { coordinator, epochPath } = this.spec
    try {
      const record = parseEpoch(epochPath, (await coordinator.get(epochPath)).data)
      return record.epoch === 0 ? undefined : record
    } catch (error) {
      if (hasCode(error, 'RECORD_MISSING')) return undefined
      throw error
    }
  }

  /** Leads no more, and gives the place up, if a server can be reached. Safe to repeat. */
  async stop(): Promise<void> {
    this.stepDown('stopped')
    this.finish()
    await this.running
    if (this.spec.coordinator.state !== 'connected') return
    try {
      await this.line.leave()
    } catch (error) {
      // It goes with the session then.
      if (!isStreamError(error) || error.family !== 'unavailable') throw error
    }
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      let sleepMs = LOOK_MS
      try {
        if (this.mustRejoin) await this.rejoin()
        else if (this.spec.coordinator.state === 'connected') await this.look()
        this.troubled.reset()
      } catch (error) {
        if (!isStreamError(error)) throw error
        if (error.family !== 'unavailable') this.spec.onTrouble?.(error)
        sleepMs = this.troubled.nextMs()
      }
      this.judge(this.spec.coordinator.state)
      if (!this.isOver) await this.wake.sleep(sleepMs)
    }
  }

  private async look(): Promise<void> {
    const { line } = this
    const place = await line.look()
    if (this.isOver || this.mustRejoin) return
    const { placePath } = line
    if (this.held !== undefined) {
      if (place !== 'first' || placePath !== this.heldPlace) this.stepDown('place-lost')
      return
    }
    if (place !== 'first' || placePath === undefined) return
    await this.lead(placePath)
  }

  private async lead(placePath: string): Promise<void> {
    const { coordinator, epochPath, id } = this.spec
    this.ownPlaceWatch?.stop()
    this.ownPlaceWatch = await coordinator.watch(placePath, 'node', (event) => {
      if (event.kind === 'deleted' && placePath === this.heldPlace) this.stepDown('place-lost')
      this.wake.ring()
    })
    const epoch = await raiseEpoch(coordinator, { epochPath, placePath, leader: id })
    if (epoch === undefined) {
      // Somebody moved meanwhile: see who is first now.
      this.wake.ring()
      return
    }
    // While we waited we may have been stopped, or the session may be over: then nobody is told.
    if (this.isOver || this.mustRejoin || coordinator.state !== 'connected') {
      this.mustRejoin = true
      this.wake.ring()
      return
    }
    this.held = epoch
    this.heldPlace = placePath
    this.ledFromMs = this.spec.host.clock.monotonicMs()
    this.spec.onLeader(epoch)
  }

  /** Gives the old place up, waits, and begins anew at the end of the line. */
  private async rejoin(): Promise<void> {
    this.ownPlaceWatch?.stop()
    this.ownPlaceWatch = undefined
    await this.line.leave()
    this.line = this.newLine()
    this.mustRejoin = false
    const waitMs = this.rejoining.nextMs()
    const endMs = this.spec.host.clock.monotonicMs() + waitMs
    for (let leftMs = waitMs; leftMs > 0 && !this.isOver; ) {
      await this.wake.sleep(leftMs)
      leftMs = endMs - this.spec.host.clock.monotonicMs()
    }
    this.wake.ring()
  }

  private stepDown(reason: StandbyReason): void {
    if (this.held === undefined) return
    this.held = undefined
    this.heldPlace = undefined
    this.mustRejoin = true
    if (this.spec.host.clock.monotonicMs() - this.ledFromMs >= STEADY_MS) {
      this.flaps = 0
      this.rejoining.reset()
    } else {
      this.flaps += 1
    }
    this.spec.onStandby(reason)
    this.wake.ring()
  }

  private finish(): void {
    this.isOver = true
    this.listening.stop()
    this.ownPlaceWatch?.stop()
    this.wake.ring()
  }

  private onState(state: SessionState): void {
    this.judge(state)
    if (state === 'connected') this.wake.ring()
    if (state !== 'suspended') return
    this.spec.host.timers.after(this.graceMs, () => this.judge(this.spec.coordinator.state))
  }

  /** What the state of the session means for whoever leads. */
  private judge(state: SessionState): void {
    if (this.isOver) return
    const nowMs = this.spec.host.clock.monotonicMs()
    if (state === 'expired' || state === 'closed') {
      this.stepDown('expired')
      this.finish()
      return
    }
    if (state !== 'suspended') {
      this.suspendedMs = undefined
      return
    }
    this.suspendedMs ??= nowMs
    if (nowMs - this.suspendedMs >= this.graceMs) this.stepDown('suspended')
  }

  private newLine(): Line {
    return new Line({
      coordinator: this.spec.coordinator,
      path: this.spec.linePath,
      token: newToken(this.spec.host.random),
      data: this.spec.data ?? new TextEncoder().encode(this.spec.id),
      onMove: () => this.wake.ring(),
    })
  }
}
