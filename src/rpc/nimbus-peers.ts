/**
 * What a Nimbus asks of daemons at known addresses: other Nimbuses, whoever leads, and supervisors. One
 * attempt each; who asks knows whom to ask next.
 */
import { hasCode, isStreamError } from '../base/errors.ts'
import type { BlobRef } from '../cluster/records.ts'
import type { Host, HttpLimits, HttpReply, HttpRequest } from '../host/host.ts'
import { BLOB_BYTES_MAX, BLOB_PIECE_BYTES_MAX } from './limits.ts'
import { replyOf, requestOf } from './route-call.ts'
import { nimbusRoutes } from './routes/nimbus-routes.ts'
import type { Route } from './routes/route.ts'
import { supervisorRoutes } from './routes/supervisor-routes.ts'
import type { LogAnswer, LogQuestion } from './supervisor-api.ts'

/** Shaped like nimbus/peers.ts, which this room does not know. Every call throws UnavailableError in time. */
export interface Peers {
  ping(address: string): Promise<'answers' | 'refused' | 'silent'>
  isSilent(address: string): boolean
  readBlob(address: string, digest: string, offset: number, sizeBytes: number): Promise<Uint8Array>
  writeBlob(address: string, digest: string, bytes: Uint8Array): Promise<BlobRef>
  readLog(address: string, question: LogQuestion): Promise<LogAnswer>
}

const CALL_MS = 10_000
const PING_MS = 1_000
/** For so long silence is remembered; it is shorter than a session, after which the board says the same. */
const SILENT_MS = 5_000
const SILENT_MAX = 1_000
const PING_BYTES_MAX = 1_024
const PING: HttpRequest = { method: 'GET', path: '/livez', headers: {}, body: new Uint8Array(0) }

export function createPeers(host: Pick<Host, 'http' | 'clock'>, token: string | undefined): Peers {
  /** When they were silent last, oldest first. */
  const silent = new Map<string, number>()
  const request = async (address: string, what: HttpRequest, limits: HttpLimits): Promise<HttpReply> => {
    try {
      const reply = await host.http.request(address, what, limits)
      silent.delete(address)
      return reply
    } catch (error) {
      silent.delete(address)
      if (hasCode(error, 'OPERATION_TIMED_OUT')) silent.set(address, host.clock.monotonicMs())
      const [oldest] = silent.keys()
      if (silent.size > SILENT_MAX && oldest !== undefined) silent.delete(oldest)
      throw error
    }
  }
  const ask = async <Api, Args extends readonly unknown[], Reply>(
    address: string,
    route: Route<Api, Args, Reply>,
    args: Args,
  ): Promise<Reply> => {
    const limits = { timeoutMs: CALL_MS, bodyBytesMax: BLOB_BYTES_MAX }
    return replyOf(route, await request(address, requestOf(route, args, token), limits), address)
  }
  return {
    isSilent: (address) => {
      const sinceMs = silent.get(address)
      return sinceMs !== undefined && host.clock.monotonicMs() - sinceMs < SILENT_MS
    },
    ping: async (address) => {
      const limits = { timeoutMs: PING_MS, bodyBytesMax: PING_BYTES_MAX }
      try {
        await request(address, PING, limits)
        return 'answers'
      } catch (error) {
        if (!isStreamError(error)) throw error
        return error.details['reason'] === 'ECONNREFUSED' ? 'refused' : 'silent'
      }
    },
    readBlob: (address, digest, offset, sizeBytes) => {
      const size = Math.min(sizeBytes, BLOB_PIECE_BYTES_MAX)
      return ask(address, nimbusRoutes.readBlob, [digest, offset, size])
    },
    writeBlob: (address, digest, bytes) => ask(address, nimbusRoutes.writeBlob, [digest, bytes]),
    readLog: (address, question) => ask(address, supervisorRoutes.readLog, [question]),
  }
}
