/**
 * Content by its digest: a blob is named by the SHA-256 of its bytes, so whoever has the name can tell
 * whether it is whole, and nobody has to ask which version it is.
 *
 * Who calls: Nimbus (bundles, outlines, moved state), supervisors (what workers need here). Calls may
 * overlap; of two that put the same blob both succeed.
 *
 * A damaged blob counts as missing: it is removed, and whoever asked fetches it anew.
 *
 * Errors: UsageError REQUEST_INVALID a name that is no digest; UnavailableError DISK_FULL, what was there
 * before is kept; UnavailableError CONNECT_FAILED from the disk.
 */

/** SHA-256 in hex, small letters. */
export type BlobDigest = string

export interface StoredBlob {
  readonly digest: BlobDigest
  readonly sizeBytes: number
  /**
   * Last put or first read in this life, milliseconds since 1970: what was not used for longest goes first.
   */
  readonly usedAt: number
}

/** Bytes, or a file that the store takes over: it is moved, or removed if the blob is there already. */
export type BlobSource = Uint8Array | { readonly file: string }

export interface BlobStore {
  /**
   * Durable when it resolves.
   * @throws FormatError BUNDLE_INVALID the bytes have another digest; nothing was stored
   */
  put(digest: BlobDigest, source: BlobSource): Promise<void>
  /** True: there, and whole as far as is known. */
  has(digest: BlobDigest): Promise<boolean>
  /**
   * At most `sizeBytes` from `offset` on; empty from the end on. The first read since the start checks the
   * whole blob.
   * @throws UnavailableError BLOB_MISSING
   */
  read(digest: BlobDigest, offset: number, sizeBytes: number): Promise<Uint8Array>
  /** @throws UnavailableError BLOB_MISSING */
  sizeOf(digest: BlobDigest): Promise<number>
  /** In order of their digests. Files that are no blobs are not named. */
  list(): Promise<readonly StoredBlob[]>
  /** A missing one is no error. */
  remove(digest: BlobDigest): Promise<void>
  /** Where its bytes are, for who must open a file. Nothing is checked: `read` first. */
  path(digest: BlobDigest): string
}

const DIGEST = /^[0-9a-f]{64}$/

export function isBlobDigest(text: string): boolean {
  return DIGEST.test(text)
}

/** Bytes of a digest as its text. */
export function digestText(digest: Uint8Array): BlobDigest {
  let text = ''
  for (const byte of digest) text += byte.toString(16).padStart(2, '0')
  return text
}
