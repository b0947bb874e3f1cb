/**
 * A client's end of its session: dials, pings, counts the silence, keeps calls in order and watches alive.
 * All by the client's own host: if that stands still, so does this, and knows afterwards.
 *
 *               welcome             link lost, or silent for 2/3
 *   connecting ─────────▶ connected ◀──────────────────────────▶ suspended
 *                             ╰────── silent for the session ────────┴──▶ expired (or by a server's word)
 *
 * Invariants
 *   K1  silence is counted from when the last answered request was sent; the server counts from later, so
 *       this end never believes longer than the other
 *   K2  every call comes to an end: by its answer, by the loss of its link, or by its deadline
 *   K3  watches are set again before any later call is carried out
 */
import { Backoff } from '../../base/backoff.ts'
import { type Deferred, deferred } from '../../base/deferred.ts'
import { type StreamError, UnavailableError } from '../../base/errors.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import { PENDING_MAX, type SessionState, type WatchEvent } from '../coordinator.ts'
import type { Dial, Hello, Welcome } from './ensemble-sessions.ts'
import type { MemoryLink } from './memory-link.ts'
import type { TreeChange } from './memory-tree.ts'
import type { ServerWatch } from './quorum.ts'
import type { ServerPort } from './server-port.ts'
import type { WatchMode } from './watch-table.ts'

export interface ClientSessionSpec {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random' | 'name'>
  readonly name: string
  readonly timeoutMs: number
  readonly callTimeoutMs: number
  readonly identities: readonly string[]
  readonly root: string
  readonly dial: Dial
}

/** A watch as its owner sees it, over all connections. */
export interface ClientWatch {
  readonly path: string
  readonly mode: WatchMode
  readonly listener: (kind: WatchEvent['kind'], path: string) => void
  isStopped: boolean
  /** The node was there when it was set. */
  wasThere: boolean
  /** On the connection that stands. */
  atServer: ServerWatch | undefined
}

interface PendingCall {
  readonly sentMs: number
  readonly fail: (error: StreamError) => void
  isOver: boolean
}

/** Silence after which the server is not believed to be there, as a share of the session. */
const SILENT_SHARE = 2 / 3
/** Silence of our own after which we ping. */
const PING_SHARE = 1 / 3
const TICK_SHARE = 1 / 8
/** A close that nobody answers takes no longer. */
const CLOSE_MS_MAX = 1_000

export class ClientSession {
  sessionId = 0n
  timeoutMs: number
  private readonly spec: ClientSessionSpec
  private readonly backoff: Backoff
  private readonly startMs: number
  private readonly watches = new Set<ClientWatch>()
  private readonly listeners = new Set<(state: SessionState) => void>()
  private readonly waiters = new Set<Deferred<void>>()
  private readonly closed = deferred()
  private pending: PendingCall[] = []
  private readonly ticking: Stoppable
  /** Tells of the end of a session that no server confirms. */
  private expiry: Stoppable | undefined
  private end: 'expired' | 'closed' | undefined
  private told: SessionState = 'connecting'
  private link: MemoryLink | undefined
  private dialing: MemoryLink | undefined
  private wasConnected = false
  /** When the last request that has been answered was sent, and when the last was sent at all. */
  private answeredMs = 0
  private sentMs = 0
  private seenZxid = 0n

  constructor(spec: ClientSessionSpec) {
    this.spec = spec
    this.timeoutMs = spec.timeoutMs
    this.startMs = this.nowMs()
    this.backoff = new Backoff({ firstMs: 20, maxMs: 1_000 }, () => spec.host.random.next())
    const tickMs = Math.max(5, Math.min(spec.timeoutMs * TICK_SHARE, spec.callTimeoutMs / 4))
    this.ticking = spec.host.timers.every(tickMs, () => this.tick())
    this.dial()
  }

  get state(): SessionState {
    this.judge()
    return this.told
  }

  onState(listener: (state: SessionState) => void): Stoppable {
    // One of its own each, so that the same function may listen twice.
    const own = (state: SessionState) => listener(state)
    this.listeners.add(own)
    return { stop: () => void this.listeners.delete(own) }
  }

  /** Resolves when connected, now or later. `isFirst`: having been connected once will do. */
  async connected(timeoutMs: number, isFirst: boolean): Promise<void> {
    const { state } = this
    if (state === 'connected' || (isFirst && this.wasConnected && this.end === undefined)) return
    if (this.end !== undefined) throw this.refusal()
    const waiter = deferred()
    this.waiters.add(waiter)
    const alarm = this.spec.host.timers.after(timeoutMs, () => {
      waiter.reject(unavailable(`not connected within ${timeoutMs} ms`, 'none'))
    })
    try {
      await waiter.promise
    } finally {
      alarm.stop()
      this.waiters.delete(waiter)
    }
  }

  /** Asks the server. The answer comes with no error: what a call may not do is part of it. */
  call<T>(ask: (port: ServerPort, link: MemoryLink) => T): Promise<T> {
    const { state, link } = this
    if (state !== 'connected' || link === undefined) return Promise.reject(this.refusal())
    if (this.pending.length >= PENDING_MAX) {
      return Promise.reject(unavailable(`${PENDING_MAX} calls wait already`, 'none'))
    }
    const answer = deferred<T>()
    const call: PendingCall = { sentMs: this.nowMs(), fail: answer.reject, isOver: false }
    this.pending.push(call)
    this.sentMs = call.sentMs
    const askOverIt = (port: ServerPort) => ask(port, link)
    link.call(askOverIt, (value, zxid) => {
      if (link !== this.link) return
      this.heard(call.sentMs, zxid)
      if (call.isOver) return
      // Answers come in order, so it is the first that still waits.
      this.pending.shift()
      answer.resolve(value)
    })
    return answer.promise
  }

  /** Resolves with what the server said when the watch is set there. */
  async addWatch<T>(watch: ClientWatch, ask: (port: ServerPort, atServer: ServerWatch) => T): Promise<T> {
    this.watches.add(watch)
    try {
      return await this.call((port, link) => ask(port, this.bind(watch, port, link)))
    } catch (error) {
      this.dropWatch(watch)
      throw error
    }
  }

  dropWatch(watch: ClientWatch): void {
    watch.isStopped = true
    this.watches.delete(watch)
    const { atServer } = watch
    if (atServer !== undefined) this.link?.call((port) => port.removeWatch(atServer), ignore)
  }

  close(): Promise<void> {
    if (this.end === 'closed') return this.closed.promise
    const link = this.end === undefined ? this.link : undefined
    this.finish('closed')
    if (link === undefined) {
      this.dialing?.close('none')
      this.settleClose()
      return this.closed.promise
    }
    link.call((port) => port.end(), ignore)
    this.spec.host.timers.after(CLOSE_MS_MAX, () => this.settleClose())
    return this.closed.promise
  }

  private settleClose(): void {
    this.stopTimers()
    this.failPending(() => true, 'the coordinator was closed')
    this.closed.resolve()
  }

  private stopTimers(): void {
    this.ticking.stop()
    this.expiry?.stop()
  }

  private nowMs(): number {
    return this.spec.host.clock.monotonicMs()
  }

  private dial(): void {
    if (this.end !== undefined) return
    const sentMs = this.nowMs()
    const hello: Hello = {
      name: this.spec.name,
      hostName: this.spec.host.name,
      timeoutMs: this.spec.timeoutMs,
      identities: this.spec.identities,
      root: this.spec.root,
      sessionId: this.sessionId,
      seenZxid: this.seenZxid,
    }
    const link = this.spec.dial(
      hello,
      (from, welcome) => this.onWelcome(from, welcome, sentMs),
      (lost) => this.onLost(lost),
    )
    this.dialing = link
    // A third, as long as three servers could be tried in one session.
    this.spec.host.timers.after(this.timeoutMs / 3, () => {
      if (this.dialing === link) link.close('none')
    })
  }

  private onWelcome(link: MemoryLink, welcome: Welcome, sentMs: number): void {
    this.judge()
    if (link !== this.dialing || this.end !== undefined) {
      link.close('none')
      return
    }
    this.dialing = undefined
    if (welcome === 'expired') {
      link.close('none')
      this.finish('expired')
      return
    }
    this.link = link
    this.sessionId = welcome.sessionId
    this.timeoutMs = welcome.timeoutMs
    this.wasConnected = true
    this.answeredMs = sentMs
    this.sentMs = sentMs
    this.backoff.reset()
    this.setWatchesAgain(link)
    this.changeTo('connected')
    for (const waiter of this.waiters) waiter.resolve()
  }

  private onLost(link: MemoryLink): void {
    if (this.end === 'closed') {
      this.settleClose()
      return
    }
    if (link === this.dialing) this.dialing = undefined
    else if (link === this.link) this.lose()
    else return
    this.dialLater()
  }

  private dialLater(): void {
    if (this.end === undefined) this.spec.host.timers.after(this.backoff.nextMs(), () => this.dial())
  }

  /** The link is not there any more. What waited may have been carried out. */
  private lose(): void {
    this.link = undefined
    for (const watch of this.watches) watch.atServer = undefined
    this.failPending(() => true, 'the connection was lost')
    if (this.end !== undefined) return
    this.changeTo('suspended')
    const leftMs = this.answeredMs + this.timeoutMs - this.nowMs()
    this.expiry?.stop()
    this.expiry = this.spec.host.timers.after(leftMs, () => this.judge())
  }

  private tick(): void {
    this.judge()
    if (this.end !== undefined || this.link === undefined) return
    const nowMs = this.nowMs()
    this.failPending((call) => nowMs - call.sentMs >= this.spec.callTimeoutMs, 'no answer in time')
    if (nowMs - this.sentMs < this.timeoutMs * PING_SHARE) return
    this.sentMs = nowMs
    const { link } = this
    link.call(ignore, (_, zxid) => {
      if (link === this.link) this.heard(nowMs, zxid)
    })
  }

  private heard(sentMs: number, zxid: bigint): void {
    this.answeredMs = Math.max(this.answeredMs, sentMs)
    if (zxid > this.seenZxid) this.seenZxid = zxid
  }

  /** What the silence so far means. */
  private judge(): void {
    if (this.end !== undefined) return
    const nowMs = this.nowMs()
    if (!this.wasConnected) {
      if (this.told === 'connecting' && nowMs - this.startMs >= this.timeoutMs) this.changeTo('suspended')
      return
    }
    const silentMs = nowMs - this.answeredMs
    if (silentMs >= this.timeoutMs) {
      this.finish('expired')
    } else if (this.link !== undefined && silentMs >= this.timeoutMs * SILENT_SHARE) {
      const { link } = this
      this.lose()
      link.close('some')
      this.dialLater()
    }
  }

  private finish(end: 'expired' | 'closed'): void {
    const wasExpired = this.end === 'expired'
    this.end = end
    this.changeTo(end)
    for (const waiter of this.waiters) waiter.reject(this.refusal())
    if (end === 'closed' || wasExpired) {
      this.watches.clear()
      return
    }
    this.stopTimers()
    const { link, dialing } = this
    this.link = undefined
    this.dialing = undefined
    for (const call of this.pending.splice(0)) if (!call.isOver) call.fail(this.refusal())
    link?.close('some')
    dialing?.close('none')
    for (const watch of [...this.watches]) {
      this.watches.delete(watch)
      if (watch.mode.endsWith('once') && !watch.isStopped) watch.listener('reset', watch.path)
    }
  }

  private changeTo(state: SessionState): void {
    if (this.told === state) return
    this.told = state
    void Promise.resolve().then(() => {
      for (const listener of [...this.listeners]) if (this.listeners.has(listener)) listener(state)
    })
  }

  private refusal(): StreamError {
    if (this.end === 'expired') {
      return new UnavailableError('SESSION_EXPIRED', `the session of ${this.spec.name} is over`)
    }
    return unavailable(this.end === 'closed' ? 'the coordinator was closed' : 'no connection', 'none')
  }

  private failPending(isMeant: (call: PendingCall) => boolean, why: string): void {
    const failed: PendingCall[] = []
    const kept: PendingCall[] = []
    for (const call of this.pending) (isMeant(call) ? failed : kept).push(call)
    this.pending = kept
    for (const call of failed) {
      call.isOver = true
      call.fail(unavailable(why, 'unknown'))
    }
  }

  /** The watch as the server of a link has it. */
  private bind(watch: ClientWatch, port: ServerPort, link: MemoryLink): ServerWatch {
    const { path, mode } = watch
    const tell = (change: TreeChange) => {
      const zxid = port.lastZxid
      link.answer(() => {
        if (link !== this.link && this.end !== 'closed') return
        if (zxid > this.seenZxid) this.seenZxid = zxid
        this.fire(watch, change.kind, change.path)
      })
    }
    watch.atServer = { path, mode, identities: this.spec.identities, tell }
    return watch.atServer
  }

  private fire(watch: ClientWatch, kind: WatchEvent['kind'], path: string): void {
    if (watch.isStopped || this.end === 'closed') return
    if (watch.mode.endsWith('once')) {
      watch.isStopped = true
      this.watches.delete(watch)
    }
    watch.listener(kind, path)
  }

  private setWatchesAgain(link: MemoryLink): void {
    const { seenZxid } = this
    const sentMs = this.nowMs()
    const watches = [...this.watches]
    if (watches.length === 0) return
    link.call(
      (port) =>
        watches.map((watch) => port.addWatchAgain(this.bind(watch, port, link), seenZxid, watch.wasThere)),
      (missed, zxid) => {
        if (link !== this.link) return
        this.heard(sentMs, zxid)
        for (const [index, watch] of watches.entries()) {
          const kind = missed[index]
          if (kind !== undefined) this.fire(watch, kind, watch.path)
        }
      },
    )
  }
}

function ignore(): void {
  // Only that it was answered matters.
}

/** `outcome`: `none` it was never sent, `unknown` it may have been carried out. */
export function unavailable(why: string, outcome: 'none' | 'unknown'): UnavailableError {
  return new UnavailableError('COORDINATOR_UNAVAILABLE', why, { outcome })
}
