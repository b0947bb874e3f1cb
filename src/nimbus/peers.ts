/**
 * What Nimbus asks of other daemons. Made over `host.http` where daemons are started; a fake in tests.
 * Every call has a deadline of its own (10 s at most) and throws UnavailableError when nobody answers.
 */
import type { BlobRef } from '../cluster/records.ts'
import type { LogAnswer, LogQuestion } from '../rpc/supervisor-api.ts'

export type PingAnswer = 'answers' | 'refused' | 'silent'

export interface NimbusPeers {
  /** Whether a daemon's API answers. Never throws; a second at most. `refused`: nobody listens there. */
  ping(address: string): Promise<PingAnswer>
  /** It answered nothing within the time when it was asked last, and that was seconds ago. */
  isSilent(address: string): boolean
  /** From another Nimbus. @throws UnavailableError BLOB_MISSING */
  readBlob(address: string, digest: string, offset: number, sizeBytes: number): Promise<Uint8Array>
  /** To another Nimbus, so that it has it before somebody relies on that. */
  writeBlob(address: string, digest: string, bytes: Uint8Array): Promise<BlobRef>
  /** From a supervisor. */
  readLog(address: string, question: LogQuestion): Promise<LogAnswer>
}
