/** What supervisors need of Nimbus: an interface, so that tests put something else there. */
import type { BlobRef } from '../cluster/records.ts'
import type { HeartbeatReply, NodeHeartbeat } from './heartbeat.ts'
import { BLOB_PIECE_BYTES_MAX } from './limits.ts'
import type { NimbusClient } from './nimbus-client.ts'

export interface NimbusCalls {
  /** Not tried again for longer than `HEARTBEAT_MS`: the next one says more. @throws UnavailableError */
  heartbeat(beat: NodeHeartbeat): Promise<HeartbeatReply>
  /** From `offset` on, at most `sizeBytes` (16 MiB). @throws UnavailableError BLOB_MISSING */
  readBlob(digest: string, offset: number, sizeBytes: number): Promise<Uint8Array>
  /** @throws FormatError BUNDLE_INVALID the bytes have another digest */
  writeBlob(digest: string, bytes: Uint8Array): Promise<BlobRef>
}

/** A heartbeat that takes longer is of no use any more. */
const HEARTBEAT_MS = 3_000
const BLOB_MS = 120_000

export function createNimbusCalls(client: NimbusClient): NimbusCalls {
  return {
    heartbeat: (beat) => client.call('heartbeat', [beat], { timeoutMs: HEARTBEAT_MS }),
    readBlob: (digest, offset, sizeBytes) => {
      const size = Math.min(sizeBytes, BLOB_PIECE_BYTES_MAX)
      return client.call('readBlob', [digest, offset, size], { timeoutMs: BLOB_MS })
    },
    writeBlob: (digest, bytes) => client.call('writeBlob', [digest, bytes], { timeoutMs: BLOB_MS }),
  }
}
