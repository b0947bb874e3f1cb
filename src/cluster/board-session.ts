/**
 * One session of a board with its coordinator: the tree made, the view mirrored, ephemerals put up, elections
 * stood for. It ends with the session, and is never begun again: cluster-board.ts makes the next.
 *
 * Whatever server it comes to may lag, by any time: right after an outage one may show assignments that have
 * been replaced long ago, and workers would be stopped for them. So each connection begins with a `sync`: the
 * first before anything is read, the later ones so that events of all that was missed come at once.
 */
import { ConflictError, FormatError, hasCode, isStreamError, UnavailableError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Coordinator, SessionState } from '../coordinate/coordinator.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type { BoardChange, BoardPart, BoardState, CampaignSpec } from './board.ts'
import { Campaign } from './board-campaign.ts'
import { BoardMirror } from './board-mirror.ts'
import type { BoardPicture } from './board-picture.ts'
import { paths, trunk } from './paths.ts'
import { PositionShelf } from './position-shelf.ts'
import { RECORD_FORMAT } from './records.ts'

/** An ephemeral node that says who is there. */
export interface BoardAnnouncement {
  readonly path: string
  readonly data: Uint8Array
  /** A node found there was put up by us, in a session before. */
  readonly isOurs: (data: Uint8Array) => boolean
  /** Once it says no nothing is put up any more. */
  readonly isWanted: () => boolean
}

export interface BoardSessionSpec {
  readonly host: Host
  readonly log: Logger
  readonly coordinator: Coordinator
  readonly root: string
  readonly parts: readonly BoardPart[]
  readonly picture: BoardPicture
  readonly onChange: (change: BoardChange) => void
  readonly onState: () => void
}

/** Time between two looks at an ephemeral that somebody else still holds. */
const LEFT_OVER_LOOK_MS = 250
const boardStates: Readonly<Record<SessionState, BoardState>> = {
  connected: 'connected',
  connecting: 'away',
  suspended: 'away',
  expired: 'lost',
  closed: 'closed',
}
const FORMAT_TEXT = `typhoon ${RECORD_FORMAT}`

export class BoardSession {
  readonly coordinator: Coordinator
  readonly positions: PositionShelf
  private readonly spec: BoardSessionSpec
  private readonly mirror: BoardMirror
  private readonly campaigns = new Map<CampaignSpec, Campaign>()
  private readonly watch: Stoppable
  private isOpen = false
  private isClosed = false

  constructor(spec: BoardSessionSpec) {
    const { coordinator, root, host, log, parts, picture, onChange } = spec
    this.spec = spec
    this.coordinator = coordinator
    this.positions = new PositionShelf(coordinator, root)
    this.mirror = new BoardMirror({ host, log, coordinator, root, parts, picture, onChange })
    this.watch = coordinator.onState((state) => {
      if (this.isClosed) return
      if (state === 'connected' && this.isOpen) this.catchUp()
      spec.onState()
    })
  }

  get state(): BoardState {
    return boardStates[this.coordinator.state]
  }

  async open(timeoutMs: number): Promise<void> {
    await this.coordinator.connected(timeoutMs)
    await this.coordinator.sync(this.spec.root)
    await this.makeTrunk()
    await this.mirror.open()
    if (this.isClosed) throw closed()
    this.isOpen = true
  }

  async sync(): Promise<void> {
    // Events of all that was written before come before the answer.
    await this.coordinator.sync(this.spec.root)
    await this.mirror.settled()
  }

  /** False: it is not wanted any more. @throws ConflictError RECORD_EXISTS */
  async announce(announcement: BoardAnnouncement): Promise<boolean> {
    const { path, isWanted } = announcement
    const { clock, timers } = this.spec.host
    // What a dead session left behind goes when that session does.
    const untilMs = clock.monotonicMs() + 2 * this.coordinator.sessionTimeoutMs
    for (;;) {
      if (this.isClosed) throw closed()
      if (!isWanted()) return false
      if (await this.tryAnnounce(announcement)) return true
      if (clock.monotonicMs() >= untilMs) {
        throw new ConflictError('RECORD_EXISTS', `${path} belongs to another daemon that lives`, { path })
      }
      await new Promise<void>((resolve) => timers.after(LEFT_OVER_LOOK_MS, resolve))
    }
  }

  withdraw({ path }: BoardAnnouncement): void {
    this.takeDown(path).catch((error: unknown) => {
      this.spec.log.debug('an announcement could not be taken down, it goes with the session', {
        path,
        message: String(error),
      })
    })
  }

  stand(spec: CampaignSpec): void {
    if (this.isClosed || this.campaigns.has(spec)) return
    const { host, log, coordinator, root } = this.spec
    this.campaigns.set(spec, new Campaign({ host, log, coordinator, root, campaign: spec }))
  }

  stepBack(spec: CampaignSpec): void {
    this.campaigns.get(spec)?.stop()
    this.campaigns.delete(spec)
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.watch.stop()
    for (const campaign of this.campaigns.values()) campaign.stop()
    this.campaigns.clear()
    this.mirror.close()
    await this.coordinator.close()
  }

  private catchUp(): void {
    this.coordinator.sync(this.spec.root).catch((error: unknown) => {
      if (!isStreamError(error)) throw error
      // The connection is gone again: the next one begins with it, too.
      this.spec.log.debug('a new connection was lost before it had caught up', { code: error.code })
    })
  }

  /** Nobody else's, who may have the name now. */
  private async takeDown(path: string): Promise<void> {
    const { coordinator } = this
    const { stat } = await coordinator.get(path)
    if (stat.ephemeralOwner === coordinator.sessionId) await coordinator.delete(path)
  }

  /** False: another session holds it. */
  private async tryAnnounce({ path, data, isOurs, isWanted }: BoardAnnouncement): Promise<boolean> {
    const { coordinator } = this
    try {
      await coordinator.create(path, data, { mode: 'ephemeral' })
      return true
    } catch (error) {
      if (!hasCode(error, 'RECORD_EXISTS')) throw error
    }
    try {
      const found = await coordinator.get(path)
      if (found.stat.ephemeralOwner === coordinator.sessionId) return true
      if (!isOurs(found.data) || !isWanted()) return false
      // Of a session of ours that is over but not gone yet. Replaced at once, so that nobody sees it gone.
      await coordinator.multi([
        { kind: 'delete', path, version: found.stat.version },
        { kind: 'create', path, data, options: { mode: 'ephemeral' } },
      ])
      return true
    } catch (error) {
      if (hasCode(error, 'RECORD_MISSING') || hasCode(error, 'RECORD_CHANGED')) return false
      throw error
    }
  }

  /** @throws FormatError RECORD_MALFORMED the root is somebody else's */
  private async makeTrunk(): Promise<void> {
    const { root } = this.spec
    const format = root + paths.format
    const found = await this.readIfThere(format)
    if (found === undefined) {
      await this.refuseStrangeRoot()
      for (const path of upTo(root)) await this.make(path, new Uint8Array(0))
      await this.make(format, new TextEncoder().encode(FORMAT_TEXT))
    }
    const text = new TextDecoder().decode((await this.readIfThere(format)) ?? new Uint8Array(0))
    if (text !== FORMAT_TEXT) {
      throw new FormatError(
        'RECORD_MALFORMED',
        `${format} says '${text.slice(0, 100)}', not '${FORMAT_TEXT}'`,
        {
          path: format,
        },
      )
    }
    for (const path of trunk) await this.make(root + path, new Uint8Array(0))
  }

  private async refuseStrangeRoot(): Promise<void> {
    const { root } = this.spec
    if ((await this.coordinator.exists(root)) === undefined) return
    const names = await this.coordinator.children(root)
    const [first] = names
    // It may have come meanwhile: another daemon begins as well.
    if (first === undefined || names.includes(paths.format.slice(1))) return
    const text = `${root} holds '${first}' and no ${paths.format.slice(1)}: it is another program's root`
    throw new FormatError('RECORD_MALFORMED', text, { path: root })
  }

  private async readIfThere(path: string): Promise<Uint8Array | undefined> {
    try {
      return (await this.coordinator.get(path)).data
    } catch (error) {
      if (hasCode(error, 'RECORD_MISSING')) return undefined
      throw error
    }
  }

  private async make(path: string, data: Uint8Array): Promise<void> {
    try {
      await this.coordinator.create(path, data)
    } catch (error) {
      if (!hasCode(error, 'RECORD_EXISTS')) throw error
    }
  }
}

/** `/a/b` → `/a`, `/a/b`. */
function upTo(path: string): readonly string[] {
  const parts = path.split('/').slice(1)
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}

function closed(): UnavailableError {
  return new UnavailableError('COORDINATOR_UNAVAILABLE', 'the session was closed', { outcome: 'unknown' })
}
