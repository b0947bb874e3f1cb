/**
 * Where the leader is: asked of all seeds at once, so that a dead one costs nothing; remembered until it
 * is wrong.
 *
 *   seeds ─▶ each asked ─┬─ leads ────────────▶ found, the others are left
 *              ▲         ├─ "not I, but …" ───▶ that one is asked as well; this one again, later and
 *              ╰─────────┤                      later, while another is silent: it may lead by then
 *                        ╰─ silent, no answer ▶ found nothing, when all have ended so
 *
 * A Nimbus that answers as the leader is used under the address at which it answered: what it calls
 * itself may not be reachable from here. Whether two are the same is told by what they call themselves.
 */
import { backoffMs } from '../base/backoff.ts'
import { deferred } from '../base/deferred.ts'
import { hasCode, isStreamError, UnavailableError } from '../base/errors.ts'
import type { Http, Random, Timers } from '../host/host.ts'
import { BODY_BYTES_MAX } from './limits.ts'
import { replyOf, requestOf } from './route-call.ts'
import { nimbusRoutes } from './routes/nimbus-routes.ts'

export interface FoundNimbus {
  /** Where it answers. */
  readonly address: string
  /** What it calls itself, and others call it. */
  readonly self: string
}

export interface LeaderFinderSpec {
  readonly http: Http
  readonly timers: Timers
  readonly random: Random
  readonly seeds: readonly string[]
  readonly token: string | undefined
  /** Longest wait for one Nimbus. */
  readonly probeMs: number
}

/** A standby is asked again so soon while somebody else is silent: by each of a thousand supervisors. */
const AGAIN = { firstMs: 250, maxMs: 2_000 }
/** Longest wait before a search after barren ones: whoever gave up together does not ask together. */
const SPREAD = { firstMs: 250, maxMs: 1_000, jitter: 1 }
/** Longest wait for a leader of who is content with a standby. */
const CONTENT_MS = 1_000
/** Addresses beyond the seeds that standbys may name in one search. */
const NAMED_MAX = 16

export class LeaderFinder {
  private readonly spec: LeaderFinderSpec
  private known: FoundNimbus | undefined
  private searching: Promise<FoundNimbus> | undefined
  /** Who answered that it does not lead, in the last search. */
  private standby: string | undefined
  /** Searches in a row that found nobody, while somebody was silent. */
  private barren = 0

  constructor(spec: LeaderFinderSpec) {
    this.spec = spec
  }

  /** The leader as last seen, or a search for it. */
  async find(): Promise<FoundNimbus> {
    return this.known ?? (await this.search())
  }

  /** The leader, or else a standby: for what both can tell. */
  async findAny(): Promise<FoundNimbus> {
    const leader = this.find()
    const over = deferred<undefined>()
    const timer = this.spec.timers.after(CONTENT_MS, () => over.resolve(undefined))
    try {
      const found = await Promise.race([leader, over.promise])
      if (found !== undefined) return found
    } catch (error) {
      if (!isStandby(error)) throw error
    } finally {
      timer.stop()
    }
    const { standby } = this
    return standby === undefined ? await leader : { address: standby, self: standby }
  }

  /** Asks anew, whatever is known; searches at the same time are one. */
  async search(): Promise<FoundNimbus> {
    this.searching ??= this.spread()
      .then(() => this.ask())
      .finally(() => {
        this.searching = undefined
      })
    return await this.searching
  }

  /**
   * The leader, while `asked` is silent: `asked` itself if it is the leader and says so where it was asked.
   * Of two addresses the one may hang, or be cut off, while the other answers.
   */
  async searchBeside(asked: FoundNimbus): Promise<FoundNimbus> {
    const leader = await this.search()
    if (leader.self !== asked.self || leader.address === asked.address) return leader
    const { leads } = await this.probe(asked.address, new AbortController().signal)
    return leads?.self === asked.self ? asked : leader
  }

  /** Somebody who should know says that it is there. */
  believe(address: string): void {
    this.barren = 0
    if (this.known?.address !== address) this.known = { address, self: address }
  }

  /** It was not there. */
  forget(address: string): void {
    if (this.known?.address === address) this.known = undefined
  }

  private async spread(): Promise<void> {
    if (this.barren === 0) return
    const over = deferred()
    this.spec.timers.after(backoffMs(this.barren, SPREAD, this.spec.random.next()), over.resolve)
    await over.promise
  }

  /**
   * @throws StreamError the most telling of what was answered: a refusal, a standby, or
   * NIMBUS_UNREACHABLE
   */
  private async ask(): Promise<FoundNimbus> {
    const stop = new AbortController()
    const found = deferred<FoundNimbus>()
    const troubles = new Map<string, unknown>()
    const asked = new Set<string>()
    const silent = new Set<string>()
    this.standby = undefined
    let isPatient = false
    const ask = async (address: string): Promise<void> => {
      for (let asks = 1; ; asks += 1) {
        const { leads, error } = await this.probe(address, stop.signal)
        if (leads !== undefined) found.resolve(leads)
        if (stop.signal.aborted || leads !== undefined) return
        silent.delete(address)
        troubles.set(address, error)
        if (isStandby(error)) this.standby = address
        const leader = leaderIn(error)
        if (leader !== undefined && asked.size < this.spec.seeds.length + NAMED_MAX) begin(leader)
        if (silent.size === 0) found.reject(this.mostTelling([...troubles.values()]))
        if (silent.size === 0 || !isStandby(error)) return
        const waits = Math.max(0, this.barren - 1) + asks
        await this.pause(backoffMs(waits, AGAIN, this.spec.random.next()), stop.signal)
        isPatient ||= !stop.signal.aborted
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
      this.barren = 0
      return this.known
    } catch (error) {
      if (isPatient) this.barren += 1
      throw error
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

  private async probe(
    address: string,
    signal: AbortSignal,
  ): Promise<{ readonly leads?: FoundNimbus; readonly error?: unknown }> {
    const { http, token, probeMs } = this.spec
    const route = nimbusRoutes.leadership
    const limits = { timeoutMs: probeMs, bodyBytesMax: BODY_BYTES_MAX, signal }
    try {
      const reply = await http.request(address, requestOf(route, [], token), limits)
      return { leads: { address, self: replyOf(route, reply, address).address } }
    } catch (error) {
      return { error }
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
