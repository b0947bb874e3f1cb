/**
 * Sessions as the ensemble sees them: who was heard when, by the ensemble's own clock. A session that was not
 * heard for its whole length is over, and its ephemeral nodes go.
 *
 * Invariants
 *   S1  a session that is over never comes back, and owns nothing
 *   S2  while there is no quorum no session ends; afterwards each has its whole length again
 */
import type { Random, Stoppable, Timers } from '../../host/host.ts'
import type { MemoryLink } from './memory-link.ts'
import type { Quorum } from './quorum.ts'
import type { Identities } from './tree-acl.ts'

export interface EnsembleSession {
  readonly id: bigint
  readonly name: string
  readonly hostName: string
  readonly timeoutMs: number
  readonly identities: Identities
  link: MemoryLink | undefined
  heardMs: number
}

/** What a client says of itself at first. */
export interface SessionRequest {
  readonly name: string
  readonly hostName: string
  readonly timeoutMs: number
  readonly identities: Identities
  /** Made if missing, before it is let in. */
  readonly root: string
}

/** What a client knows when it wants in. */
export interface Hello extends SessionRequest {
  /** 0n: a new session. */
  readonly sessionId: bigint
  readonly seenZxid: bigint
}

/** What the ensemble says to that. */
export type Welcome = { readonly sessionId: bigint; readonly timeoutMs: number } | 'expired'

export type OnWelcome = (link: MemoryLink, welcome: Welcome) => void

/** A client's way to the ensemble. */
export type Dial = (hello: Hello, onWelcome: OnWelcome, onLost: (link: MemoryLink) => void) => MemoryLink

export interface SessionLimits {
  readonly timeoutMsMin: number
  readonly timeoutMsMax: number
}

export class EnsembleSessions {
  private readonly quorum: Quorum
  private readonly timers: Timers
  private readonly nowMs: () => number
  private readonly limits: SessionLimits
  private readonly sessions = new Map<bigint, EnsembleSession>()
  private readonly alarms = new Map<bigint, Stoppable>()
  private nextId: bigint
  private isPaused = false

  constructor(
    quorum: Quorum,
    host: { readonly timers: Timers; readonly random: Random; readonly nowMs: () => number },
    limits: SessionLimits,
  ) {
    this.quorum = quorum
    this.timers = host.timers
    this.nowMs = host.nowMs
    this.limits = limits
    // Ids of one ensemble must not be taken for those of another.
    this.nextId = BigInt(Math.floor(host.random.next() * 0x7fffff) + 1) << 40n
  }

  get all(): readonly EnsembleSession[] {
    return [...this.sessions.values()]
  }

  find(id: bigint): EnsembleSession | undefined {
    return this.sessions.get(id)
  }

  open(request: SessionRequest): EnsembleSession {
    const { timeoutMsMin, timeoutMsMax } = this.limits
    const id = this.nextId
    this.nextId += 1n
    const timeoutMs = Math.min(timeoutMsMax, Math.max(timeoutMsMin, request.timeoutMs))
    const session = { ...request, id, timeoutMs, link: undefined, heardMs: this.nowMs() }
    this.sessions.set(id, session)
    this.setAlarm(session, timeoutMs)
    return session
  }

  /** Its ephemerals are gone when this returns. */
  end(session: EnsembleSession): void {
    if (!this.sessions.delete(session.id)) return
    this.alarms.get(session.id)?.stop()
    this.alarms.delete(session.id)
    const paths = this.quorum.leader.tree.ephemeralsOf(session.id)
    if (paths.length === 0) return
    this.quorum.write(
      undefined,
      paths.map((path) => ({ kind: 'delete', path, version: -1 })),
    )
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    const nowMs = this.nowMs()
    for (const session of this.sessions.values()) {
      session.heardMs = nowMs
      this.alarms.get(session.id)?.stop()
      this.setAlarm(session, session.timeoutMs)
    }
  }

  stop(): void {
    for (const alarm of this.alarms.values()) alarm.stop()
    this.alarms.clear()
  }

  private setAlarm(session: EnsembleSession, delayMs: number): void {
    const alarm = this.timers.after(delayMs, () => this.look(session))
    this.alarms.set(session.id, alarm)
  }

  private look(session: EnsembleSession): void {
    if (this.isPaused || !this.sessions.has(session.id)) return
    const leftMs = session.heardMs + session.timeoutMs - this.nowMs()
    if (leftMs > 0) {
      this.setAlarm(session, leftMs)
      return
    }
    const { link } = session
    this.end(session)
    link?.close('none')
  }
}
