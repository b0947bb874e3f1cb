/**
 * Blobs of this Nimbus that nobody names and nobody has used for long: uploads that were never submitted,
 * bundles of killed topologies, state that has moved. Pure but for `cleanBlobs`.
 *
 * Invariant: while a record cannot be read nothing is deleted: it may name any of them.
 */
import type { BlobStore, StoredBlob } from '../../blob/blob-store.ts'
import type { Board, BoardView } from '../../cluster/board.ts'
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

export async function cleanBlobs(
  blobs: BlobStore,
  board: Board,
  now: number,
  expirationMs: number,
): Promise<readonly string[]> {
  const stored = await blobs.list()
  // Its picture must have whatever names them by now.
  await board.sync()
  const due = unnamedBlobs(board.view, stored, now, expirationMs)
  for (const digest of due) await blobs.remove(digest)
  return due
}
