/**
 * Where the leader is: asked of all seeds at once, so that a dead one costs nothing; remembered until it
 * is wrong.
 *
 * A Nimbus that answers as the leader is used under the address at which it answered: what it calls
 * itself may not be reachable from here. A standby names its leader, which is asked as well.
 */
import { deferred } from '../base/deferred.ts'
import { hasCode, isStreamError, UnavailableError } from '../base/errors.ts'
import type { Http } from '../host/host.ts'
import { BODY_BYTES_MAX } from './limits.ts'
import { replyOf, requestOf } from './route-call.ts'
import { nimbusRoutes } from './routes/nimbus-routes.ts'

export interface LeaderFinderSpec {
  readonly http: Http
  readonly seeds: readonly string[]
  readonly token: string | undefined
  /** Longest wait for one Nimbus. */
  readonly probeMs: number
}

export class LeaderFinder {
  private readonly spec: LeaderFinderSpec
  private known: string | undefined
  private search: Promise<string> | undefined

  constructor(spec: LeaderFinderSpec) {
    this.spec = spec
  }

  /** The leader as last seen, or a search for it; searches at the same time are one. */
  async find(): Promise<string> {
    if (this.known !== undefined) return this.known
    this.search ??= this.ask().finally(() => {
      this.search = undefined
    })
    return await this.search
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
    const asked = new Map<string, Promise<void>>()
    const troubles: unknown[] = []
    const probe = (address: string): void => {
      if (asked.has(address)) return
      const asking = this.probe(address, stop.signal).then(
        () => found.resolve(address),
        (error: unknown) => {
          troubles.push(error)
          const leader =
            hasCode(error, 'NIMBUS_NOT_LEADER') && isStreamError(error) && error.details['leader']
          if (typeof leader === 'string') probe(leader)
        },
      )
      asked.set(address, asking)
    }
    for (const seed of this.spec.seeds) probe(seed)
    void this.untilAllFailed(asked).then(() => found.reject(this.mostTelling(troubles)))
    try {
      this.known = await found.promise
      return this.known
    } finally {
      stop.abort()
    }
  }

  private async untilAllFailed(asked: ReadonlyMap<string, Promise<void>>): Promise<void> {
    // Standbys add addresses while the others are waited for.
    for (let count = 0; count < asked.size; ) {
      count = asked.size
      await Promise.all(asked.values())
    }
  }

  private async probe(address: string, signal: AbortSignal): Promise<void> {
    const { http, token, probeMs } = this.spec
    const route = nimbusRoutes.cluster
    const limits = { timeoutMs: probeMs, bodyBytesMax: BODY_BYTES_MAX, signal }
    replyOf(route, await http.request(address, requestOf(route, [], token), limits), address)
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

function isSilence(code: string): boolean {
  return code === 'CONNECT_FAILED' || code === 'OPERATION_TIMED_OUT' || code === 'NIMBUS_UNREACHABLE'
}
