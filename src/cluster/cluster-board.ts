/**
 * The board over a coordinator (the contract is board.ts).
 *
 *   open ─▶ session 1 ─ expired ─▶ session 2 ─ … ─▶ close
 *
 * Each session has a coordinator, a mirror, announcements and elections of its own.
 *
 * Route: mains and the local cluster make it with a way to make coordinators; Nimbus and supervisors use it.
 *
 * The root is not a chroot of the coordinator: whoever is first has to make it, and to see whose it is.
 */
import { Backoff } from '../base/backoff.ts'
import { ConflictError, hasCode, isStreamError, UnavailableError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Coordinator } from '../coordinate/coordinator.ts'
import { unseat } from '../coordinate/recipes/unseat.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type {
  Board,
  BoardChange,
  BoardPart,
  BoardState,
  BoardView,
  CampaignSpec,
  PositionTexts,
} from './board.ts'
import { BoardPicture } from './board-picture.ts'
import { type BoardAnnouncement, BoardSession } from './board-session.ts'
import { leaderText } from './epoch-text.ts'
import { paths } from './paths.ts'
import { recordCodecs } from './record-codec.ts'
import type { EpochRecord, NimbusRecord, SubmitRecord, SupervisorRecord } from './records.ts'

export interface ClusterBoardSpec {
  readonly host: Host
  readonly log: Logger
  /** A new one for each session; it connects by itself. */
  readonly makeCoordinator: () => Coordinator
  /** `/typhoon`: root of everything that is ours. */
  readonly root: string
  /** Parts that are kept in view. */
  readonly parts: readonly BoardPart[]
}

const RENEW_FIRST_MS = 100
const RENEW_MAX_MS = 5_000
/** How long a new session may take before the next one is tried. */
const RENEW_TIMEOUT_MS = 10_000

export class ClusterBoard implements Board {
  private readonly spec: ClusterBoardSpec
  private readonly picture = new BoardPicture()
  private readonly stateListeners = new Set<(state: BoardState) => void>()
  private readonly changeListeners = new Set<(change: BoardChange) => void>()
  private readonly takenListeners = new Set<(error: ConflictError) => void>()
  private readonly announcements = new Set<BoardAnnouncement>()
  private readonly campaigns = new Set<CampaignSpec>()
  private readonly backoff: Backoff
  private session: BoardSession | undefined
  /** The session, as long as it is not open yet or what was announced does not stand again. */
  private beginning: BoardSession | undefined
  private renewal: Stoppable | undefined
  private isClosed = false
  private told: BoardState = 'away'

  constructor(spec: ClusterBoardSpec) {
    this.spec = spec
    this.backoff = new Backoff({ firstMs: RENEW_FIRST_MS, maxMs: RENEW_MAX_MS }, () =>
      spec.host.random.next(),
    )
  }

  get view(): BoardView {
    return this.picture
  }

  get state(): BoardState {
    if (this.isClosed) return 'closed'
    return this.session?.state ?? 'lost'
  }

  async open(timeoutMs: number): Promise<void> {
    const session = this.begin()
    this.beginning = session
    try {
      await session.open(timeoutMs)
      refuseOver(session)
    } catch (error) {
      // Whoever opens tries again by itself.
      this.session = undefined
      await session.close()
      throw error
    } finally {
      this.beginning = undefined
    }
    this.tellState()
  }

  onState(listener: (state: BoardState) => void): Stoppable {
    this.stateListeners.add(listener)
    return { stop: () => this.stateListeners.delete(listener) }
  }

  onChange(listener: (change: BoardChange) => void): Stoppable {
    this.changeListeners.add(listener)
    return { stop: () => this.changeListeners.delete(listener) }
  }

  sync(): Promise<void> {
    return this.living().sync()
  }

  announceSupervisor(
    record: SupervisorRecord,
    formerOwners: readonly string[] = [],
    isWanted: () => boolean = () => true,
  ): Promise<Stoppable> {
    const path = this.spec.root + paths.supervisor(record.node)
    const owners = new Set([record.owner, ...formerOwners])
    return this.announce({
      path,
      data: recordCodecs.supervisor.encode(path, record),
      isOurs: (data) => owners.has(recordCodecs.supervisor.parse(path, data).owner),
      isWanted,
    })
  }

  announceNimbus(record: NimbusRecord, isWanted: () => boolean = () => true): Promise<Stoppable> {
    const path = this.spec.root + paths.nimbus(record.nimbus)
    return this.announce({
      path,
      data: recordCodecs.nimbus.encode(path, record),
      isOurs: (data) => recordCodecs.nimbus.parse(path, data).address === record.address,
      isWanted,
    })
  }

  onTaken(listener: (error: ConflictError) => void): Stoppable {
    this.takenListeners.add(listener)
    return { stop: () => this.takenListeners.delete(listener) }
  }

  campaign(spec: CampaignSpec): Stoppable {
    this.campaigns.add(spec)
    this.session?.stand(spec)
    return {
      stop: () => {
        this.campaigns.delete(spec)
        this.session?.stepBack(spec)
      },
    }
  }

  unseat({ epoch, nimbus, address }: EpochRecord): Promise<boolean> {
    const { root } = this.spec
    return unseat(this.living().coordinator, {
      linePath: root + paths.candidates,
      epochPath: root + paths.epoch,
      epoch,
      placeText: leaderText(nimbus, address),
    })
  }

  async submitOf(key: string): Promise<SubmitRecord | undefined> {
    const path = this.spec.root + paths.submit(key)
    try {
      const { data } = await this.living().coordinator.get(path)
      return recordCodecs.submit.parse(path, data)
    } catch (error) {
      if (hasCode(error, 'RECORD_MISSING')) return undefined
      throw error
    }
  }

  positionsOf(topologyId: string): Promise<PositionTexts> {
    return this.living().positions.read(topologyId)
  }

  putPositions(
    topologyId: string,
    assignmentVersion: number,
    positions: PositionTexts,
    incarnation: number,
  ): Promise<void> {
    return this.living().positions.write(topologyId, assignmentVersion, positions, incarnation)
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.renewal?.stop()
    const { session } = this
    this.session = undefined
    await session?.close()
    this.tellState()
  }

  private async announce(wanted: BoardAnnouncement): Promise<Stoppable> {
    let isStopped = false
    const announcement = { ...wanted, isWanted: () => !isStopped && wanted.isWanted() }
    if (await this.living().announce(announcement)) this.announcements.add(announcement)
    return {
      stop: () => {
        isStopped = true
        this.announcements.delete(announcement)
        this.session?.withdraw(announcement)
      },
    }
  }

  private begin(): BoardSession {
    const { host, log, makeCoordinator, root, parts } = this.spec
    const session: BoardSession = new BoardSession({
      host,
      log,
      coordinator: makeCoordinator(),
      root,
      parts,
      picture: this.picture,
      onChange: (change) => {
        for (const listener of [...this.changeListeners]) listener(change)
      },
      onState: () => {
        if (this.session === session) this.onSessionState(session)
      },
    })
    this.session = session
    return session
  }

  private onSessionState(session: BoardSession): void {
    this.tellState()
    if (session.state !== 'lost' || this.isClosed) return
    this.spec.log.warn('the session with the coordinator is over, a new one is begun', {})
    // One that ends while it is begun fails whoever begins it, who begins the next: two at once would end
    // each other's sessions in turns.
    if (session === this.beginning) void session.close()
    else this.renewSoon()
  }

  private renewSoon(): void {
    if (this.isClosed || this.renewal !== undefined) return
    this.renewal = this.spec.host.timers.after(this.backoff.nextMs(), () => {
      this.renewal = undefined
      this.renew().catch((error: unknown) => {
        // Assertions end the process; all else means: not yet.
        if (!isStreamError(error)) throw error
        this.spec.log.warn('no new session yet', { code: error.code, message: error.message })
        this.renewSoon()
      })
    })
  }

  /** What was announced stands again; who campaigned stands again. One at a time: see onSessionState. */
  private async renew(): Promise<void> {
    await this.session?.close()
    if (this.isClosed) return
    const session = this.begin()
    this.beginning = session
    try {
      await session.open(RENEW_TIMEOUT_MS)
      for (const announcement of this.announcements) await this.announceAgain(session, announcement)
      refuseOver(session)
    } finally {
      this.beginning = undefined
    }
    if (this.isClosed) return
    for (const spec of this.campaigns) session.stand(spec)
    this.backoff.reset()
    this.tellState()
  }

  private async announceAgain(session: BoardSession, announcement: BoardAnnouncement): Promise<void> {
    try {
      await session.announce(announcement)
      // Stopped while it was on its way.
      if (!announcement.isWanted()) session.withdraw(announcement)
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
      const isStopped = !this.announcements.delete(announcement)
      if (isStopped) return
      this.spec.log.error('a name is taken by another daemon, it is given up', { message: error.message })
      for (const listener of [...this.takenListeners]) listener(error)
    }
  }

  private living(): BoardSession {
    if (this.session !== undefined && !this.isClosed) return this.session
    throw noSession()
  }

  private tellState(): void {
    const now = this.state
    if (now === this.told) return
    this.told = now
    for (const listener of [...this.stateListeners]) listener(now)
  }
}

/** It may have ended in the moment between its last step and who waits for that. */
function refuseOver({ state }: BoardSession): void {
  if (state === 'lost' || state === 'closed') throw noSession()
}

function noSession(): UnavailableError {
  const text = 'there is no session with the coordinator'
  return new UnavailableError('COORDINATOR_UNAVAILABLE', text, { outcome: 'none' })
}
