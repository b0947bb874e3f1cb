/** Calls of other daemons and of who uploads: blobs and heartbeats. */
import { ConflictError, UnavailableError, UsageError } from '../../base/errors.ts'
import { isBlobDigest } from '../../blob/blob-store.ts'
import type { NodeHeartbeat } from '../../rpc/heartbeat.ts'
import { BLOB_BYTES_MAX } from '../../rpc/limits.ts'
import type { Caller, NimbusApi } from '../../rpc/nimbus-api.ts'
import { namedBlobs } from '../blobs/blob-sync.ts'
import type { Reign } from '../leader/round.ts'
import { permit } from '../permissions.ts'
import { tooLarge } from '../submit/examine.ts'
import { OUTLINE_BYTES_MAX } from '../submit/outline-check.ts'
import { type Desk, leading, notLeader } from './desk.ts'

type Calls = Pick<NimbusApi, 'blobs' | 'readBlob' | 'writeBlob' | 'deleteBlob' | 'heartbeat'>

const PIECE_BYTES_MAX = 16 * 1024 * 1024
const STOP_ROUNDS_MAX = 3

export function daemonCalls(desk: Desk): Calls {
  const { settings, blobs, memory, board, host } = desk
  return {
    async blobs(caller) {
      permit(caller, 'look', settings)
      const stored = await blobs.list()
      return stored.map(({ digest, sizeBytes }) => ({ digest, sizeBytes }))
    },
    /** Every Nimbus answers it, leader or not: standbys keep copies for that. */
    async readBlob(caller, digest, offset, sizeBytes) {
      permit(caller, 'blobs', settings)
      checkDigest(digest)
      return blobs.read(digest, offset, Math.min(sizeBytes, PIECE_BYTES_MAX))
    },
    async writeBlob(caller, digest, bytes) {
      permit(caller, 'blobs', settings)
      checkDigest(digest)
      const bytesMax = blobBytesMax(desk, caller)
      if (bytes.length > bytesMax) throw tooLarge(bytes.length, bytesMax)
      desk.claims.uploaded(digest)
      await blobs.put(digest, bytes)
      return { digest, sizeBytes: bytes.length }
    },
    async deleteBlob(caller, digest) {
      permit(caller, 'blobs', settings)
      checkDigest(digest)
      await board.sync()
      if (namedBlobs(board.view).has(digest)) {
        const text = `the blob ${digest.slice(0, 12)}… belongs to a topology`
        throw new ConflictError('TOPOLOGY_WRONG_STATE', text, { digest })
      }
      if (desk.claims.isHeld(digest)) {
        const text = `the blob ${digest.slice(0, 12)}… is of a topology that is being submitted`
        throw new ConflictError('TOPOLOGY_WRONG_STATE', text, { digest })
      }
      await blobs.remove(digest)
    },
    async heartbeat(caller, beat) {
      permit(caller, 'beat', settings)
      const now = host.clock.now()
      // Also who does not lead keeps what it was told: it may lead next, and must not begin blind.
      const taken = memory.take(board.view, beat, now, host.clock.monotonicMs())
      const reign = leading(desk)
      if (taken.isNews) reign.kick()
      await stopsWritten(desk, reign, beat)
      const topologies = new Set(beat.slots.flatMap(({ topologyId }) => topologyId ?? []))
      return { epoch: reign.leadership.epoch, logLevels: memory.levels.replyFor(topologies, now) }
    },
  }
}

/**
 * Topologies of this node that want to stop have been stopped: the answer lets the supervisor forget that
 * they do, so it must stand on the board by then.
 */
async function stopsWritten(desk: Desk, reign: Reign, beat: NodeHeartbeat): Promise<void> {
  const told = beat.happenings.flatMap((each) => (each.kind === 'stop-wanted' ? [each.topologyId] : []))
  const isOpen = (): boolean => told.some((id) => desk.memory.stopWanted.has(id))
  for (let attempt = 1; isOpen() && attempt <= STOP_ROUNDS_MAX; attempt += 1) await reign.round()
  if (!reign.leadership.isHeld) throw notLeader(desk)
  if (!isOpen()) return
  throw new UnavailableError('OPERATION_TIMED_OUT', 'that a topology stops itself is not written yet', {})
}

/** Outlines are blobs, too; and daemons bring keyed state, which is as large as it is. */
function blobBytesMax({ settings }: Desk, { roles }: Caller): number {
  if (roles.includes('daemon')) return BLOB_BYTES_MAX
  return Math.max(settings.bundleBytesMax, OUTLINE_BYTES_MAX)
}

/** @throws UsageError REQUEST_INVALID */
function checkDigest(digest: string): void {
  if (isBlobDigest(digest)) return
  throw new UsageError('REQUEST_INVALID', 'a digest has 64 digits 0-9 and a-f', { field: 'digest' })
}
