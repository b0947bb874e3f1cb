/**
 * Membership in a group: an ephemeral node with who we are. A name has one owner at a time: somebody else's
 * node is waited for, one that an earlier life of ours has left over is replaced at once.
 *
 *     /members/NAME   first line: owner tag and life, then the member's own bytes
 *
 * The owner tag tells lives of the same machine from other machines: the caller keeps it where only one
 * process at a time can use it (a locked directory), or makes it anew, and then waits for old sessions to
 * end.
 *
 * Invariants
 *   G1  replacing is one `multi` on the version that was read: two replacers never both succeed
 *   G2  a member whose node was replaced or removed is told, and does not take it back
 *
 * Ends by itself when the session is over.
 */
import { Backoff } from '../../base/backoff.ts'
import { hasCode, isStreamError } from '../../base/errors.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { Coordinator } from '../coordinator.ts'
import { ensurePath } from './ensure-path.ts'
import { newToken } from './line.ts'
import { encodeMember, type Member, parseMember } from './member-record.ts'
import { Wake } from './wake.ts'

/** Why somebody is not a member any more. */
export type LeftReason = 'replaced' | 'expired' | 'stopped'

export interface GroupMembershipSpec {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random'>
  readonly coordinator: Coordinator
  /** Made if missing. */
  readonly groupPath: string
  readonly name: string
  /** Without blanks and line ends. */
  readonly ownerTag: string
  readonly data: Uint8Array
  readonly onJoined?: () => void
  readonly onLeft?: (reason: LeftReason) => void
  /** Somebody else has the name; told once for each of them. */
  readonly onTaken?: (member: Member) => void
  readonly onTrouble?: (error: unknown) => void
}

const LOOK_MS = 10_000

export class GroupMembership {
  private readonly spec: GroupMembershipSpec
  private readonly wake: Wake
  private readonly backoff: Backoff
  private readonly listening: Stoppable
  private readonly path: string
  /** Tells this life from earlier ones of the same owner. */
  private readonly life: string
  private readonly running: Promise<void>
  private data: Uint8Array
  /** Version of our node that was last written or seen. */
  private written: Uint8Array | undefined
  private hasJoined = false
  private isOver = false
  private watching: Stoppable | undefined
  private takenBy: string | undefined

  constructor(spec: GroupMembershipSpec) {
    this.spec = spec
    this.data = spec.data
    this.path = `${spec.groupPath}/${spec.name}`
    this.life = newToken(spec.host.random)
    this.wake = new Wake(spec.host.timers)
    this.backoff = new Backoff({ firstMs: 100, maxMs: 5_000 }, () => spec.host.random.next())
    this.listening = spec.coordinator.onState((state) => {
      if (state === 'expired' || state === 'closed') this.leave('expired')
      this.wake.ring()
    })
    this.running = this.run()
  }

  /** Worked out at the read: not on a session that is over. */
  get isMember(): boolean {
    const { state } = this.spec.coordinator
    if (state === 'expired' || state === 'closed') this.leave('expired')
    return this.hasJoined
  }

  /** What others see from now on. Written as soon as a server answers; the last one wins. */
  update(data: Uint8Array): void {
    this.data = data.slice()
    this.wake.ring()
  }

  /** Takes our node away, if a server can be reached. Safe to repeat. */
  async stop(): Promise<void> {
    const wasMember = this.hasJoined
    this.leave('stopped')
    await this.running
    if (!wasMember || this.spec.coordinator.state !== 'connected') return
    try {
      const { data, stat } = await this.spec.coordinator.get(this.path)
      if (parseMember(this.path, data).life === this.life)
        await this.spec.coordinator.delete(this.path, stat.version)
    } catch (error) {
      // It goes with the session, or is somebody else's by now.
      if (!isStreamError(error)) throw error
    }
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      let sleepMs = LOOK_MS
      try {
        if (this.spec.coordinator.state === 'connected') await this.look()
        this.backoff.reset()
      } catch (error) {
        if (!isStreamError(error)) throw error
        if (error.family !== 'unavailable') this.spec.onTrouble?.(error)
        sleepMs = this.backoff.nextMs()
      }
      if (!this.isOver) await this.wake.sleep(sleepMs)
    }
  }

  private async look(): Promise<void> {
    const { coordinator, groupPath } = this.spec
    if (this.watching === undefined) {
      await ensurePath(coordinator, groupPath)
      this.watching = await coordinator.watch(this.path, 'node', () => this.wake.ring())
      if (this.isOver) this.watching.stop()
    }
    await coordinator.sync(this.path)
    const found = await this.read()
    if (this.isOver) return
    if (found === undefined) await this.join(undefined)
    else if (found.member.life === this.life) await this.keep(found.sessionId)
    else if (this.hasJoined) this.leave('replaced')
    else if (found.member.ownerTag === this.spec.ownerTag) await this.join(found.version)
    else this.wait(found.member)
  }

  private async read(): Promise<{ member: Member; version: number; sessionId: bigint } | undefined> {
    try {
      const { data, stat } = await this.spec.coordinator.get(this.path)
      return { member: parseMember(this.path, data), version: stat.version, sessionId: stat.ephemeralOwner }
    } catch (error) {
      if (!hasCode(error, 'RECORD_MISSING')) throw error
      return undefined
    }
  }

  /** `replaced`: the version of the node that an earlier life has left. */
  private async join(replaced: number | undefined): Promise<void> {
    if (this.hasJoined) {
      this.leave('replaced')
      return
    }
    const { data, path } = this
    try {
      await this.spec.coordinator.multi([
        ...(replaced === undefined ? [] : [{ kind: 'delete' as const, path, version: replaced }]),
        { kind: 'create', path, data: this.encoded(data), options: { mode: 'ephemeral' } },
      ])
    } catch (error) {
      if (!isStreamError(error) || (error.family !== 'conflict' && error.code !== 'RECORD_MISSING'))
        throw error
      // Somebody moved meanwhile: look who it is.
      this.wake.ring()
      return
    }
    this.written = data
    this.onceJoined()
  }

  /** The node is ours: made just now by a create whose answer was lost, or earlier. */
  private async keep(sessionId: bigint): Promise<void> {
    if (sessionId !== this.spec.coordinator.sessionId) return
    const { data } = this
    if (this.written !== data) {
      await this.spec.coordinator.set(this.path, this.encoded(data))
      this.written = data
    }
    this.onceJoined()
  }

  private onceJoined(): void {
    if (this.hasJoined || this.isOver) return
    this.hasJoined = true
    this.spec.onJoined?.()
  }

  private wait(member: Member): void {
    if (this.takenBy === member.life) return
    this.takenBy = member.life
    this.spec.onTaken?.(member)
  }

  private leave(reason: LeftReason): void {
    if (this.isOver) return
    this.isOver = true
    this.listening.stop()
    this.watching?.stop()
    this.wake.ring()
    if (!this.hasJoined) return
    this.hasJoined = false
    this.spec.onLeft?.(reason)
  }

  private encoded(data: Uint8Array): Uint8Array {
    return encodeMember({ ownerTag: this.spec.ownerTag, life: this.life, data })
  }
}
