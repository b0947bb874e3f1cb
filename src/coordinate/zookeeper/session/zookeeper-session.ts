/**
 * The session: one connection after the other, and the calls and watches that outlive them. Does what
 * session-rules.ts decides.
 *
 *   coordinator ─▶ [session] ─▶ request-queue ─▶ server-line ─▶ host.net
 *        ▲            │ ◀──── answers, events ───────┘
 *        ╰── watch-table, states
 *
 * Calls of a turn go out together: the first asks for a flush at the end of the running job, the others join.
 *
 * Invariants
 *   Z1  on every connection: who we are, then watches, then calls
 *   Z2  nothing that a server says is believed by a session that has lapsed: the clock is asked first
 *   Z3  what was in flight when a connection ended fails; it is never sent again by itself
 *   Z4  listeners are called after the frame that made them has been read, in the order of frames
 */
import { type Deferred, deferred } from '../../../base/deferred.ts'
import { isStreamError, type StreamError, UsageError } from '../../../base/errors.ts'
import type { Stoppable } from '../../../host/host.ts'
import type { SessionState } from '../../coordinator.ts'
import { JuteReader, malformed } from '../protocol/jute-reader.ts'
import { JuteWriter } from '../protocol/jute-writer.ts'
import { type ConnectReply, readConnect, readEvent } from '../protocol/replies.ts'
import { Op, writeConnect, writePlain, writeSetWatches, Xid } from '../protocol/requests.ts'
import {
  isLoginRefused,
  ServerError,
  serverError,
  sessionExpired,
  unavailable,
} from '../protocol/server-errors.ts'
import type { ZooKeeperSettings } from '../settings.ts'
import { Announcer } from './announcer.ts'
import { type AnswerReader, Call, type PendingCall } from './call.ts'
import { introduce, makeRoot, type OpeningRequest } from './opening.ts'
import { type ErrorOf, RequestQueue } from './request-queue.ts'
import { ServerLine } from './server-line.ts'
import { ServerRound } from './server-round.ts'
import { hasLapsed, judgeState, newSession, nextStep, type Phase, type SessionSeen } from './session-rules.ts'
import { WatchTable } from './watch-table.ts'

/** What servers accept (`jute.maxbuffer`), length not counted. */
const REQUEST_BYTES_MAX = 0xfffff
const XID_MAX = 2 ** 31 - 1
const PASSWORD_BYTES = 16

export interface Request<T> {
  /** The call and its path, for messages. */
  readonly what: string
  readonly write: (writer: JuteWriter, xid: number) => Uint8Array<ArrayBuffer>
  readonly read: AnswerReader<T>
}

export class ZooKeeperSession {
  readonly watches = new WatchTable()
  private readonly settings: ZooKeeperSettings
  private readonly seen: SessionSeen
  private readonly round: ServerRound
  private readonly queue = new RequestQueue()
  private readonly writer = new JuteWriter()
  private readonly reader = new JuteReader()
  private readonly announcer: Announcer
  private line: ServerLine | undefined
  private lastXid = 0
  private lastZxid = 0n
  private password: Uint8Array = new Uint8Array(PASSWORD_BYTES)
  private hasRoot = false
  private timer: Stoppable | undefined
  private timerMs = Number.POSITIVE_INFINITY
  private isFlushing = false
  private refusal: StreamError | undefined
  private farewell: Deferred<void> | undefined

  constructor(settings: ZooKeeperSettings) {
    const { host, servers, retryFirstMs, retryMaxMs } = settings
    this.settings = settings
    this.announcer = new Announcer(host.timers, settings.root)
    const random = host.random.split('zookeeper')
    const chance = () => random.next()
    this.round = new ServerRound({ servers, firstMs: retryFirstMs, maxMs: retryMaxMs, chance })
    this.seen = newSession(this.nowMs(), settings.sessionTimeoutMs)
    this.step()
  }

  /** Judged now. Finding that the session has lapsed ends it. */
  get state(): SessionState {
    const state = judgeState(this.seen, this.nowMs())
    if (state === 'expired' && this.seen.phase !== 'over') this.expire('nobody answered for its whole length')
    return state
  }

  get facts(): Readonly<SessionSeen> {
    return this.seen
  }

  onState(listener: (state: SessionState) => void): Stoppable {
    return this.announcer.onState(listener)
  }

  /** @throws UnavailableError COORDINATOR_UNAVAILABLE not in time; SESSION_EXPIRED; COORDINATOR_REFUSED */
  whenConnected(timeoutMs: number): Promise<void> {
    const { state } = this
    if (state === 'connected') return Promise.resolve()
    if (state === 'expired' || state === 'closed') return Promise.reject(this.errorOfEnd('connect', 'none'))
    const servers = this.settings.servers.join()
    const late = () => unavailable(`connect to ${servers}`, `not within ${timeoutMs} ms`, 'none')
    return this.announcer.wait(timeoutMs, late)
  }

  /** Queues a call. It waits only for the first connection; later, without one it fails at once. */
  call<T>(request: Request<T>): Promise<T> {
    const { state } = this
    if (state !== 'connected' && state !== 'connecting')
      return Promise.reject(this.errorOfState(state, request))
    const xid = this.nextXid()
    const frame = request.write(this.writer, xid)
    if (frame.length - 4 > REQUEST_BYTES_MAX) return Promise.reject(tooLarge(request.what, frame.length))
    const deadlineMs = this.nowMs() + this.settings.callTimeoutMs
    const call = new Call({ xid, frame, what: request.what, deadlineMs, read: request.read })
    this.queue.push(call)
    this.wakeBy(deadlineMs)
    this.flushSoon()
    return call.promise
  }

  /** Ends the session in order if a server is there, else leaves it to its end. Safe to repeat. */
  close(): Promise<void> {
    const { line, seen } = this
    if (this.farewell !== undefined) return this.farewell.promise
    const farewell = deferred<void>()
    this.farewell = farewell
    this.announcer.silence()
    const isServing = seen.phase === 'serving' && line !== undefined
    this.moveTo('over')
    seen.ending = 'closed'
    this.watches.clear()
    this.queue.failWaiting(closedError)
    if (isServing) {
      this.flushFarewell(line)
      this.announce()
    } else this.end('closed', closedError)
    return farewell.promise
  }

  private flushFarewell(line: ServerLine): void {
    const { host, callTimeoutMs, connectTimeoutMs } = this.settings
    const over = () => this.end('closed', closedError)
    const xid = this.nextXid()
    const call = new Call({
      xid,
      frame: writePlain(this.writer, xid, Op.closeSession),
      what: 'close',
      deadlineMs: Number.POSITIVE_INFINITY,
      read: () => undefined,
    })
    this.send(line, call)
    // However it ends, it has ended.
    call.promise.then(over, over)
    this.timer?.stop()
    this.timer = host.timers.after(Math.min(callTimeoutMs, connectTimeoutMs), over)
  }

  private nowMs(): number {
    return this.settings.host.clock.monotonicMs()
  }

  private nextXid(): number {
    this.lastXid = this.lastXid === XID_MAX ? 1 : this.lastXid + 1
    return this.lastXid
  }

  // ── What is due ──

  private step(): void {
    const limits = { ...this.settings, serverCount: this.settings.servers.length }
    for (;;) {
      const nowMs = this.nowMs()
      const step = nextStep(this.seen, limits, nowMs)
      if (step.kind === 'dial') this.dial()
      else if (step.kind === 'ping') this.ping(nowMs)
      else if (step.kind === 'drop') this.drop(step.why)
      else if (step.kind === 'expire') this.expire('nobody answered for its whole length')
      else {
        this.queue.settleLate(nowMs)
        this.wakeBy(Math.min(step.untilMs, this.queue.nextDeadlineMs))
        this.announce()
        return
      }
    }
  }

  /** One timer for all that is due. It may come early, never late: then `step` sets it again. */
  private wakeBy(atMs: number): void {
    if (this.seen.phase === 'over' || atMs >= this.timerMs) return
    this.timer?.stop()
    this.timerMs = atMs
    this.timer = this.settings.host.timers.after(Math.ceil(Math.max(0, atMs - this.nowMs())), () => {
      this.timerMs = Number.POSITIVE_INFINITY
      this.step()
    })
  }

  private dial(): void {
    const server = this.round.next()
    this.moveTo('dialling')
    this.line = new ServerLine(this.settings.host.net, server, {
      onOpen: () => this.sayHello(),
      onFrame: (bytes, start, end) => this.onFrame(bytes, start, end),
      onOver: (why) => this.onOver(why),
    })
  }

  private sayHello(): void {
    const { password, lastZxid } = this
    const { sessionId } = this.seen
    const { sessionTimeoutMs } = this.settings
    this.seen.sentMs = this.nowMs()
    this.line?.write(writeConnect(this.writer, { lastZxid, sessionTimeoutMs, sessionId, password }))
  }

  private ping(nowMs: number): void {
    this.seen.sentMs = nowMs
    this.seen.pingSentMs = nowMs
    this.line?.write(writePlain(this.writer, Xid.ping, Op.ping))
  }

  /** Leaves this server. The caller steps on. */
  private drop(why: string): void {
    const { line, seen } = this
    const wasServing = seen.phase === 'serving'
    // One that accepts and drops at once must not be dialled as fast as it does so.
    if (wasServing && this.nowMs() - seen.phaseMs >= this.settings.retryMaxMs) this.round.proved()
    line?.close()
    this.line = undefined
    this.moveTo('idle')
    seen.pingSentMs = -1
    seen.dialMs = this.nowMs() + this.round.waitMs()
    const server = line?.server ?? ''
    if (wasServing) this.settings.log.warn('connection to ZooKeeper lost', { server, why })
    else this.settings.log.debug('ZooKeeper server not reached', { server, why })
    const lost: ErrorOf = (what, outcome) =>
      unavailable(what, `connection to ${server} lost: ${why}`, outcome)
    this.queue.failInFlight(lost)
    // Those that waited behind them must not overtake them on the next connection.
    if (wasServing) this.queue.failWaiting(lost)
  }

  private onOver(why: string): void {
    if (this.farewell !== undefined) this.end('closed', closedError)
    else {
      this.drop(why)
      this.step()
    }
  }

  private moveTo(phase: Phase): void {
    this.seen.phase = phase
    this.seen.phaseMs = this.nowMs()
  }

  // ── The end ──

  private expire(why: string): void {
    const sessionId = this.seen.sessionId.toString(16)
    this.settings.log.warn('session with ZooKeeper is over', { sessionId, why })
    this.end('expired', sessionExpired)
  }

  private refuse(error: StreamError): void {
    if (this.refusal !== undefined) return
    this.refusal = error
    this.settings.log.error('ZooKeeper refused', { why: error.message })
    this.end('closed', () => error)
  }

  private end(ending: 'expired' | 'closed', errorOf: ErrorOf): void {
    this.line?.close()
    this.line = undefined
    this.timer?.stop()
    this.timerMs = Number.POSITIVE_INFINITY
    this.moveTo('over')
    this.seen.ending = ending
    this.queue.failInFlight(errorOf)
    this.queue.failWaiting(errorOf)
    if (ending === 'expired') this.announcer.tellWatches(this.watches.lastWords())
    this.watches.clear()
    this.announce()
    this.farewell?.resolve()
  }

  private errorOfState(state: SessionState, { what }: Request<unknown>): Error {
    if (state === 'suspended') return unavailable(what, 'no ZooKeeper server answers', 'none')
    return this.errorOfEnd(what, 'none')
  }

  private errorOfEnd(what: string, outcome: 'none'): Error {
    if (this.refusal !== undefined) return this.refusal
    return this.seen.ending === 'expired' ? sessionExpired(what, outcome) : closedError(what, outcome)
  }

  // ── What arrives ──

  private onFrame(bytes: Uint8Array, start: number, end: number): void {
    const nowMs = this.nowMs()
    const { seen } = this
    if (seen.phase !== 'over' && hasLapsed(seen, nowMs)) {
      this.expire('nobody answered for its whole length')
      return
    }
    seen.heardMs = nowMs
    const reader = this.reader.open(bytes, start, end)
    if (seen.phase === 'dialling') this.onHello(readConnect(reader))
    else this.onMessage(reader)
  }

  private onHello(reply: ConnectReply): void {
    const { seen, line } = this
    if (reply.sessionId === 0n && seen.sessionId !== 0n) {
      this.expire('a server said so')
      return
    }
    const isOurs = seen.sessionId === 0n || seen.sessionId === reply.sessionId
    if (reply.sessionId === 0n || !isOurs || line === undefined)
      throw malformed('a hello without our session')
    seen.sessionId = reply.sessionId
    seen.sessionTimeoutMs = reply.sessionTimeoutMs
    seen.confirmedMs = seen.sentMs
    this.password = reply.password
    this.moveTo('opening')
    // Rejects with bugs only, and those end the process.
    void this.converse(line)
    this.step()
  }

  private async converse(line: ServerLine): Promise<void> {
    const ask = <T>(request: OpeningRequest<T>): Promise<T> => this.ask(line, request)
    try {
      await introduce(ask, this.settings)
      if (!this.hasRoot && line === this.line) await makeRoot(ask, this.settings)
    } catch (error) {
      if (!isStreamError(error)) throw error
      if (line !== this.line) return
      if (error.family === 'usage') this.refuse(error)
      else {
        this.drop(error.message)
        this.step()
      }
      return
    }
    if (line === this.line) this.serve(line)
  }

  private ask<T>(line: ServerLine, request: OpeningRequest<T>): Promise<T> {
    const { what, read } = request
    const xid = request.xid ?? this.nextXid()
    const frame = request.write(this.writer, xid)
    const deadlineMs = this.nowMs() + this.settings.callTimeoutMs
    const call = new Call({ xid, frame, what, deadlineMs, read })
    if (line === this.line) this.send(line, call)
    else call.fail(unavailable(what, 'the connection is lost', 'none'))
    return call.promise
  }

  private send(line: ServerLine, call: PendingCall): void {
    const nowMs = this.nowMs()
    this.seen.sentMs = nowMs
    this.queue.pushSent(call, nowMs)
    line.write(call.frame)
  }

  private serve(line: ServerLine): void {
    const { seen, round, settings } = this
    this.hasRoot = true
    this.moveTo('serving')
    seen.hasBeenConnected = true
    round.serves()
    const sessionId = seen.sessionId.toString(16)
    settings.log.info('connected to ZooKeeper', { server: line.server, sessionId })
    this.setWatches(line)
    this.step()
    this.flushSoon()
  }

  /** Before any call, so a read that follows a `reset` sees what it is about. */
  private setWatches(line: ServerLine): void {
    const groups = this.watches.groups()
    for (const [index, group] of groups.entries()) {
      const isLast = index === groups.length - 1
      const read: AnswerReader<void> = (_, code) => {
        if (code !== ServerError.ok) throw malformed(`watches refused with ${code}`)
        if (isLast) this.announcer.tellWatches(this.watches.resets())
      }
      const write = (writer: JuteWriter) => writeSetWatches(writer, this.lastZxid, group)
      // If the connection ends before, the next one sets them.
      this.ask(line, { xid: Xid.setWatches, what: 'set watches', write, read }).catch(() => undefined)
    }
  }

  /** HOT. (bench zookeeper) */
  private onMessage(reader: JuteReader): void {
    const xid = reader.int()
    const zxid = reader.long()
    const code = reader.int()
    const { seen } = this
    if (xid === Xid.event) {
      const event = readEvent(reader)
      if (event !== undefined) this.announcer.tellWatches(this.watches.match(event))
      return
    }
    if (xid === Xid.ping) {
      if (seen.pingSentMs > seen.confirmedMs) seen.confirmedMs = seen.pingSentMs
      seen.pingSentMs = -1
      return
    }
    if (zxid > this.lastZxid) this.lastZxid = zxid
    const sentMs = this.queue.answer(xid, code, reader)
    if (sentMs > seen.confirmedMs) seen.confirmedMs = sentMs
    if (code !== ServerError.ok) this.onError(code)
    if (this.queue.hasWaiting) this.flushSoon()
  }

  /** Errors that are about the session, not about a call. */
  private onError(code: number): void {
    if (this.seen.phase === 'over') return
    if (isLoginRefused(code)) {
      const error = serverError(code, 'login', '/')
      this.refuse(error)
    } else if (code === ServerError.sessionExpired) this.expire('a server said so')
    else if (code === ServerError.sessionMoved) this.onOver('the session moved')
  }

  private flushSoon(): void {
    if (this.isFlushing || this.seen.phase !== 'serving') return
    this.isFlushing = true
    void Promise.resolve().then(() => this.flush())
  }

  private flush(): void {
    this.isFlushing = false
    const { line, seen } = this
    if (seen.phase !== 'serving' || line === undefined) return
    const nowMs = this.nowMs()
    for (const bytes of this.queue.takeSendable(nowMs)) {
      seen.sentMs = nowMs
      line.write(bytes)
    }
  }

  private announce(): void {
    const state = judgeState(this.seen, this.nowMs())
    this.announcer.tellState(state, () => this.errorOfEnd('connect', 'none'))
  }
}

function closedError(what: string, outcome: 'none' | 'unknown'): Error {
  return unavailable(what, 'the coordinator is closed', outcome)
}

function tooLarge(what: string, sizeBytes: number): UsageError {
  const limit = REQUEST_BYTES_MAX
  return new UsageError('RECORD_TOO_LARGE', `${what}: a request of ${sizeBytes} bytes, at most ${limit}`, {
    sizeBytes,
    limit,
  })
}
