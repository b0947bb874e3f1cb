/**
 * Where the leader is: asked of all seeds at once, so that a dead one costs nothing; remembered until it
 * is wrong.
 *
 *   seeds ─▶ each asked ─┬─ leads ────────────▶ found, the others are left
 *              ▲         ├─ "not I, but …" ───▶ that one is asked as well; this one again, in a moment,
 *              ╰─────────┤                      while another is still silent: it may lead by then
 *                        ╰─ silent, no answer ▶ found nothing, when all have ended so
 *
 * A Nimbus that answers as the leader is used under the address at which it answered: what it calls
 * itself may not be reachable from here.
 */
import { deferred } from '../base/deferred.ts'
import { hasCode, isStreamError, UnavailableError } from '../base/errors.ts'
import type { Http, Timers } from '../host/host.ts'
import { BODY_BYTES_MAX } from './limits.ts'
import { replyOf, requestOf } from './route-call.ts'
import { nimbusRoutes } from './routes/nimbus-routes.ts'

export interface LeaderFinderSpec {
  readonly http: Http
  readonly timers: Timers
  readonly seeds: readonly string[]
  readonly token: string | undefined
  /** Longest wait for one Nimbus. */
  readonly probeMs: number
}

/** A standby is asked again so soon, while somebody else is silent. */
const AGAIN_MS = 250
/** Addresses beyond the seeds that standbys may name in one search. */
const NAMED_MAX = 16

export class LeaderFinder {
  private readonly spec: LeaderFinderSpec
  private known: string | undefined
  private searching: Promise<string> | undefined

  constructor(spec: LeaderFinderSpec) {
    this.spec = spec
  }

  /** The leader as last seen, or a search for it. */
  async find(): Promise<string> {
    return this.known ?? (await this.search())
  }

  /** Asks anew, whatever is known; searches at the same time are one. */
  async search(): Promise<string> {
    this.searching ??= this.ask().finally(() => {
      this.searching = undefined
    })
    return await this.searching
  }

  /** Somebody who should know says that it is there. */
  believe(address: string): void {
    this.known = address
  }

  /** It was not there. */
  forget(address: string): void {
    if (this.known === address) this.known = undefined
  }

  /**
   * @throws StreamError the most telling of what was answered: a refusal, a standby, or
   * NIMBUS_UNREACHABLE
   */
  private async ask(): Promise<string> {
    const stop = new AbortController()
    const found = deferred<string>()
    const troubles = new Map<string, unknown>()
    const asked = new Set<string>()
    const silent = new Set<string>()
    const ask = async (address: string): Promise<void> => {
      for (;;) {
        const error = await this.probe(address, stop.signal)
        if (error === undefined) found.resolve(address)
        if (stop.signal.aborted || error === undefined) return
        silent.delete(address)
        troubles.set(address, error)
        const leader = leaderIn(error)
        if (leader !== undefined && asked.size < this.spec.seeds.length + NAMED_MAX) begin(leader)
        if (silent.size === 0) found.reject(this.mostTelling([...troubles.values()]))
        if (silent.size === 0 || !isStandby(error)) return
        await this.pause(AGAIN_MS, stop.signal)
      }
    }
    const begin = (address: string): void => {
      if (asked.has(address)) return
      asked.add(address)
      silent.add(address)
      void ask(address)
    }
    for (const seed of this.spec.seeds) begin(seed)
    try {
      this.known = await found.promise
      return this.known
    } finally {
      stop.abort()
    }
  }

  private pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const over = deferred()
    const timer = this.spec.timers.after(delayMs, over.resolve)
    const onAbort = () => {
      timer.stop()
      over.resolve()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return over.promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  /** undefined: it leads. Else why not. */
  private async probe(address: string, signal: AbortSignal): Promise<unknown> {
    const { http, token, probeMs } = this.spec
    const route = nimbusRoutes.cluster
    const limits = { timeoutMs: probeMs, bodyBytesMax: BODY_BYTES_MAX, signal }
    try {
      replyOf(route, await http.request(address, requestOf(route, [], token), limits), address)
      return undefined
    } catch (error) {
      return error
    }
  }

  private mostTelling(troubles: readonly unknown[]): unknown {
    const answered = troubles.find((error) => isStreamError(error) && !isSilence(error.code))
    if (answered !== undefined) return answered
    const seeds = this.spec.seeds.join(', ')
    const [first] = troubles
    const reason = isStreamError(first) ? first.message : String(first)
    const message = `no Nimbus answers at ${seeds}: ${reason}`
    return new UnavailableError('NIMBUS_UNREACHABLE', message, { seeds, outcome: 'none' })
  }
}

/** Whom a standby names as the leader. */
export function leaderIn(error: unknown): string | undefined {
  if (!isStandby(error) || !isStreamError(error)) return undefined
  const leader = error.details['leader']
  return typeof leader === 'string' ? leader : undefined
}

function isStandby(error: unknown): boolean {
  return hasCode(error, 'NIMBUS_NOT_LEADER')
}

function isSilence(code: string): boolean {
  return code === 'CONNECT_FAILED' || code === 'OPERATION_TIMED_OUT' || code === 'NIMBUS_UNREACHABLE'
}
