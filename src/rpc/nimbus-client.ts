/**
 * Calls Nimbus, wherever the leader is: for supervisors, the command line and programs of users.
 *
 *   call ─▶ the leader as last seen ─┬─ reply, or an error that trying again does not mend ─▶ caller
 *              ▲                     ├─ "not I, but …"  ─▶ there, at once
 *              │                     ├─ silent for a second ─▶ all seeds asked beside it, now and then:
 *              │                     │     it leads ─▶ waited for · another does ─▶ there, at once
 *              │                     │     it leads, and answers elsewhere but not here ─▶ there
 *              │                     │     nobody does, for 5 s ─▶ as if nobody answered
 *              └─ all seeds asked ◀──┴─ nobody answers, no leader now ─▶ a pause, then again
 *
 * Invariants
 *   N1  retries are here, and nowhere above or below; they end with the call's time
 *   N2  a call that may have been carried out is repeated only if its route says that it does no harm
 *   N3  a dead seed is never waited for while another answers, nor a silent leader when another leads
 *   N4  a leader that says where it was asked that it leads is asked once, however long it takes
 */
import { backoffMs } from '../base/backoff.ts'
import { deferred } from '../base/deferred.ts'
import { hasCode, isStreamError, UnavailableError } from '../base/errors.ts'
import { hide } from '../base/hide.ts'
import type { Clock, Host, Http, HttpReply, HttpRequest, Random, Stoppable, Timers } from '../host/host.ts'
import { type FoundNimbus, LeaderFinder, leaderIn } from './leader-finder.ts'
import { BLOB_BYTES_MAX } from './limits.ts'
import type { NimbusApi } from './nimbus-api.ts'
import { replyOf, requestOf } from './route-call.ts'
import { nimbusRoutes } from './routes/nimbus-routes.ts'
import type { ArgsOf, ReplyOf, Route } from './routes/route.ts'

export interface NimbusClientSpec {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random' | 'http'>
  /** `host:port` of Nimbuses: one that answers is enough. */
  readonly seeds: readonly string[]
  readonly token?: string | undefined
  /** Longest time of a call, with all its retries. Default 30 s. */
  readonly timeoutMs?: number
  /** Longest wait for one Nimbus that is asked whether it leads. Default 2 s. */
  readonly probeMs?: number
}

export interface CallOptions {
  /** Longest time of this call, with all its retries. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Whoever calls knows better than the route: it has a key by which it is known again. */
  readonly isRepeatable?: boolean
  /** Told when an attempt may have been carried out although no answer came. */
  readonly onUnknown?: () => void
}

const TIMEOUT_MS = 30_000
const PROBE_MS = 2_000
/** Redirects in a row without a pause: more means that two of them point at each other. */
const HOPS_MAX = 3
const PAUSE = { firstMs: 50, maxMs: 1_000 }
/** A leader that does not even say that it leads is given up then, if the call can be repeated. */
const SILENCE_MS = 5_000
/** After 1 s or a little more it is asked whether another leads by now; if not, again after twice as long. */
const DOUBT = { firstMs: 1_500, maxMs: 16_000, jitter: 1 / 3 }
/** The same while nobody leads. */
const NOBODY = { firstMs: 250, maxMs: 2_000 }

/** A call on its way. */
interface Pending<Args extends readonly unknown[], Reply> {
  readonly route: Route<NimbusApi, Args, Reply>
  readonly request: HttpRequest
  readonly isRepeatable: boolean
  /** On the monotonic clock. */
  readonly untilMs: number
  readonly signal: AbortSignal | undefined
  readonly onUnknown: (() => void) | undefined
}

export class NimbusClient {
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly http: Http
  private readonly random: Random
  private readonly token: string | undefined
  private readonly timeoutMs: number
  private readonly finder: LeaderFinder

  constructor(spec: NimbusClientSpec) {
    const { clock, timers, http, random } = spec.host
    this.clock = clock
    this.timers = timers
    this.http = http
    this.random = random.split('nimbus client')
    this.token = spec.token
    this.timeoutMs = spec.timeoutMs ?? TIMEOUT_MS
    const probeMs = spec.probeMs ?? PROBE_MS
    this.finder = new LeaderFinder({
      http,
      timers,
      random: this.random,
      seeds: spec.seeds,
      token: spec.token,
      probeMs,
    })
    hide(this, 'token', 'finder', 'random')
  }

  /**
   * A call of the leader: `call('kill', ['orders', 30_000])`.
   * @throws UnavailableError NIMBUS_UNREACHABLE, OPERATION_TIMED_OUT; whatever Nimbus answers
   */
  async call<K extends keyof NimbusApi>(
    name: K,
    args: ArgsOf<NimbusApi[K]>,
    options: CallOptions = {},
  ): Promise<ReplyOf<NimbusApi[K]>> {
    const route: Route<NimbusApi, ArgsOf<NimbusApi[K]>, ReplyOf<NimbusApi[K]>> = nimbusRoutes[name]
    return await this.untilDone({
      route,
      request: requestOf(route, args, this.token),
      isRepeatable: options.isRepeatable ?? route.isRepeatable,
      untilMs: this.clock.monotonicMs() + (options.timeoutMs ?? this.timeoutMs),
      signal: options.signal,
      onUnknown: options.onUnknown,
    })
  }

  /** Where the leader is, as far as is known: for messages. */
  async leader(): Promise<string> {
    return (await this.finder.find()).address
  }

  /** A request as it is, for `typhoon api`: of the leader, or of a standby while nobody leads. */
  async raw(
    request: Omit<HttpRequest, 'headers' | 'body'>,
  ): Promise<HttpReply & { readonly address: string }> {
    const { address } = await this.finder.findAny()
    const headers = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }
    const limits = { timeoutMs: this.timeoutMs, bodyBytesMax: BLOB_BYTES_MAX }
    const whole = { ...request, headers, body: new Uint8Array() }
    return { ...(await this.http.request(address, whole, limits)), address }
  }

  private async untilDone<Args extends readonly unknown[], Reply>(
    pending: Pending<Args, Reply>,
  ): Promise<Reply> {
    let hops = 0
    /** Why another Nimbus is looked for: it may have been carried out. */
    let lastFailure: unknown
    for (let failures = 0; ; ) {
      let found: FoundNimbus | undefined
      try {
        found = await this.inTime(this.nimbusFor(pending), pending)
        return await this.ask(found, pending)
      } catch (error) {
        // Time that ran out in a search says less than what the search was for.
        if (found === undefined && lastFailure !== undefined && hasCode(error, 'OPERATION_TIMED_OUT'))
          throw lastFailure
        lastFailure = error
        if (found !== undefined && isMaybeDone(error)) pending.onUnknown?.()
        const leader = leaderIn(error)
        const address = found?.address
        if (address !== undefined && leader !== undefined && leader !== address && hops < HOPS_MAX) {
          hops += 1
          this.finder.believe(leader)
          continue
        }
        // Whoever fails may be the leader no longer; asking the seeds again is cheap.
        if (address !== undefined && isUnavailable(error)) this.finder.forget(address)
        if (!isWorthAnother(error, pending.isRepeatable)) throw error
        failures += 1
        hops = 0
        await this.pause(failures, error, pending)
      }
    }
  }

  private async nimbusFor<Args extends readonly unknown[], Reply>({
    route,
  }: Pending<Args, Reply>): Promise<FoundNimbus> {
    return await (route.isAnsweredByAll ? this.finder.findAny() : this.finder.find())
  }

  private async ask<Args extends readonly unknown[], Reply>(
    found: FoundNimbus,
    { route, request, isRepeatable, untilMs, signal }: Pending<Args, Reply>,
  ): Promise<Reply> {
    const { address } = found
    const timeoutMs = Math.max(1, untilMs - this.clock.monotonicMs())
    const left = new AbortController()
    const signals = signal === undefined ? left.signal : AbortSignal.any([left.signal, signal])
    const limits = { timeoutMs, bodyBytesMax: BLOB_BYTES_MAX, signal: signals }
    // Who may not ask twice has to wait for what comes of the first time.
    const doubt = isRepeatable ? this.doubt(found, left) : undefined
    try {
      return replyOf(route, await this.http.request(address, request, limits), address)
    } finally {
      doubt?.stop()
    }
  }

  /** While one is silent: looks who leads, and ends the request to it if another does, or nobody answers. */
  private doubt({ address, self }: FoundNimbus, left: AbortController): Stoppable {
    let saidMs = this.clock.monotonicMs()
    let isOver = false
    let timer: Stoppable | undefined
    const look = (looks: number, barren = 0): void => {
      if (isOver) return
      const chance = this.random.next()
      const delayMs = barren === 0 ? backoffMs(looks, DOUBT, chance) : backoffMs(barren, NOBODY, chance)
      timer = this.timers.after(delayMs, () => {
        this.finder.searchBeside({ address, self }).then(
          (leader) => {
            if (isOver) return
            if (leader.address !== address) {
              left.abort(otherLeads(address, leader.address))
              return
            }
            // It is slow, and the leader all the same.
            saidMs = this.clock.monotonicMs()
            look(looks + 1)
          },
          () => {
            if (isOver) return
            // Nobody leads now: somebody will soon.
            if (this.clock.monotonicMs() - saidMs < SILENCE_MS) look(looks, barren + 1)
            else left.abort(silent(address))
          },
        )
      })
    }
    look(1)
    return {
      stop: () => {
        isOver = true
        timer?.stop()
      },
    }
  }

  /** @throws what failed, if there is no time for another attempt */
  private async pause<Args extends readonly unknown[], Reply>(
    failures: number,
    error: unknown,
    pending: Pending<Args, Reply>,
  ): Promise<void> {
    const waitMs = backoffMs(failures, PAUSE, this.random.next())
    if (this.clock.monotonicMs() + waitMs >= pending.untilMs) throw error
    const over = deferred()
    const timer = this.timers.after(waitMs, over.resolve)
    try {
      await this.inTime(over.promise, pending)
    } finally {
      timer.stop()
    }
  }

  /** @throws OPERATION_TIMED_OUT, or the reason of the signal */
  private async inTime<T, Args extends readonly unknown[], Reply>(
    wanted: Promise<T>,
    { untilMs, signal, route }: Pending<Args, Reply>,
  ): Promise<T> {
    const end = deferred<never>()
    const leftMs = Math.max(1, untilMs - this.clock.monotonicMs())
    const late = () => {
      const message = `${route.name} found no leading Nimbus in time`
      end.reject(new UnavailableError('OPERATION_TIMED_OUT', message, { outcome: 'none' }))
    }
    const timer = this.timers.after(leftMs, late)
    const onAbort = () => end.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    try {
      return await Promise.race([wanted, end.promise])
    } finally {
      timer.stop()
      signal?.removeEventListener('abort', onAbort)
      wanted.catch(() => undefined)
      end.promise.catch(() => undefined)
    }
  }
}

function otherLeads(address: string, leader: string): UnavailableError {
  return new UnavailableError('NIMBUS_NOT_LEADER', `${address} is silent, and ${leader} leads`, {
    leader,
    outcome: 'unknown',
  })
}

/** It may have taken the request all the same. */
function silent(address: string): UnavailableError {
  const details = { address, outcome: 'unknown' }
  return new UnavailableError('OPERATION_TIMED_OUT', `${address} is silent, and nobody leads`, details)
}

function isUnavailable(error: unknown): boolean {
  return isStreamError(error) && error.family === 'unavailable'
}

/** Nobody was there, or nobody led: always. It may have been carried out: only if that does no harm. */
function isWorthAnother(error: unknown, isRepeatable: boolean): boolean {
  if (!isStreamError(error) || error.family !== 'unavailable') return false
  const { code } = error
  if (code === 'NIMBUS_NOT_LEADER' || code === 'NIMBUS_UNREACHABLE') return true
  return isBroken(code) && (!isMaybeDone(error) || isRepeatable)
}

/** It was sent, and no answer came that says what became of it. */
function isMaybeDone(error: unknown): boolean {
  if (!isStreamError(error)) return false
  const outcome = error.details['outcome']
  return isBroken(error.code) ? outcome !== 'none' : outcome === 'unknown'
}

function isBroken(code: string): boolean {
  return code === 'CONNECT_FAILED' || code === 'COORDINATOR_UNAVAILABLE' || code === 'OPERATION_TIMED_OUT'
}
