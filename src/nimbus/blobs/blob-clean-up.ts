/**
 * Blobs of this Nimbus that nobody names and nobody has used for long: uploads that were never submitted,
 * bundles of killed topologies, state that has moved. Pure but for `cleanBlobs`.
 *
 * Invariants
 *   U1  while a record cannot be read nothing is deleted: it may name any of them
 *   U2  what was uploaded not long ago, or is being submitted, stays (blob-claims.ts)
 */
import type { BlobStore, StoredBlob } from '../../blob/blob-store.ts'
import type { Board, BoardView } from '../../cluster/board.ts'
import type { BlobClaims } from './blob-claims.ts'
import { namedBlobs } from './blob-sync.ts'

const DELETES_MAX = 100

export function unnamedBlobs(
  view: BoardView,
  stored: readonly StoredBlob[],
  now: number,
  expirationMs: number,
): readonly string[] {
  const isUnsure = [...view.malformed.keys()].some((path) => /\/(topologies|assignments)\//.test(path))
  if (isUnsure) return []
  const named = namedBlobs(view)
  return stored
    .filter(({ digest, usedAt }) => !named.has(digest) && now - usedAt > expirationMs)
    .map(({ digest }) => digest)
    .slice(0, DELETES_MAX)
}

export interface CleanBlobsSpec {
  readonly blobs: BlobStore
  readonly board: Board
  readonly claims: BlobClaims
  readonly now: number
  readonly expirationMs: number
}

export async function cleanBlobs(spec: CleanBlobsSpec): Promise<readonly string[]> {
  const { blobs, board, claims, now, expirationMs } = spec
  const stored = await blobs.list()
  // Its picture must have whatever names them by now.
  await board.sync()
  const removed: string[] = []
  for (const digest of unnamedBlobs(board.view, stored, now, expirationMs)) {
    // Asked at each: a submit may have begun while others were removed, or have come to its end.
    if (claims.isClaimed(digest) || namedBlobs(board.view).has(digest)) continue
    await blobs.remove(digest)
    removed.push(digest)
  }
  return removed
}
