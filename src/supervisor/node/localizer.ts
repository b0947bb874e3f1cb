/**
 * Blobs that workers here need, brought from Nimbus once for all slots.
 *
 *   ensure(blob) ─▶ here and whole? ─ yes ─▶ done
 *                        │ no
 *                        ▼
 *        pieces ─▶ <incoming>/<digest>.part, going on where it stopped ─▶ digest right? ─▶ store
 *                                                                          │ no: thrown away
 *
 * Does not know: what a blob is for.
 *
 * Invariants
 *   Z1  one transfer of a blob at a time, however many wait for it
 *   Z2  what is not used and was not used for longest goes first when there is too much; what is in use stays
 */
import { FormatError, hasCode, isStreamError, UnavailableError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { type BlobStore, digestText, isBlobDigest } from '../../blob/blob-store.ts'
import type { BlobRef } from '../../cluster/records.ts'
import type { Host } from '../../host/host.ts'

export interface LocalizerSpec {
  readonly host: Host
  readonly log: Logger
  readonly store: BlobStore
  /** For what has not arrived yet. */
  readonly incoming: string
  /** Bundles under names that Node loads as modules. */
  readonly bundles: string
  readonly bytesMax: number
  /** @throws UnavailableError */
  readonly fetchBlob: (digest: string, offset: number, sizeBytes: number) => Promise<Uint8Array>
}

/** A choice: several fit into what a request may bring, and a broken transfer loses little. */
const PIECE_BYTES = 4 * 1_024 * 1_024
/** Nobody submits more; a record that says more is wrong. */
const BLOB_BYTES_MAX = 1_024 * 1_024 * 1_024

export class Localizer {
  private readonly spec: LocalizerSpec
  private readonly transfers = new Map<string, Promise<void>>()
  private readonly modules = new Map<string, Promise<string>>()

  constructor(spec: LocalizerSpec) {
    this.spec = spec
  }

  /**
   * Resolves when all are here and whole.
   * @throws UnavailableError BLOB_MISSING, NIMBUS_UNREACHABLE, DISK_FULL; FormatError BUNDLE_INVALID
   */
  async ensure(blobs: readonly BlobRef[]): Promise<void> {
    for (const blob of blobs) await this.ensureOne(blob)
  }

  /** The path of a bundle that is here, as a module. Checked once in a life, and when asked to. */
  modulePath(digest: string): Promise<string> {
    let made = this.modules.get(digest)
    if (made === undefined) {
      made = this.makeModule(digest)
      this.modules.set(digest, made)
      made.catch(() => this.modules.delete(digest))
    }
    return made
  }

  /** A worker could not start with it: look at it again before the next one does. */
  async doubt(digest: string): Promise<void> {
    this.modules.delete(digest)
    await this.spec.host.files.remove(this.moduleName(digest))
  }

  async text(digest: string): Promise<string> {
    const { store } = this.spec
    const bytes = await store.read(digest, 0, await store.sizeOf(digest))
    // What is no text becomes a text that fits nothing: who reads it says so.
    return new TextDecoder().decode(bytes)
  }

  /** Makes room: what nobody uses goes, oldest use first, until the rest is within its bound. */
  async cleanUp(isUsed: (digest: string) => boolean): Promise<number> {
    const { store, bytesMax } = this.spec
    const blobs = [...(await store.list())].sort((one, other) => one.usedAt - other.usedAt)
    let sizeBytes = blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0)
    let removedCount = 0
    for (const blob of blobs) {
      if (sizeBytes <= bytesMax) break
      if (isUsed(blob.digest) || this.transfers.has(blob.digest)) continue
      await store.remove(blob.digest)
      await this.doubt(blob.digest)
      sizeBytes -= blob.sizeBytes
      removedCount += 1
    }
    await this.dropModules(isUsed)
    return removedCount
  }

  private async ensureOne(blob: BlobRef): Promise<void> {
    if (!isBlobDigest(blob.digest) || blob.sizeBytes > BLOB_BYTES_MAX) {
      throw new FormatError('BUNDLE_INVALID', 'a record names a blob that cannot be', {
        sizeBytes: blob.sizeBytes,
      })
    }
    if (await this.spec.store.has(blob.digest)) return
    let transfer = this.transfers.get(blob.digest)
    if (transfer === undefined) {
      transfer = this.bring(blob).finally(() => this.transfers.delete(blob.digest))
      this.transfers.set(blob.digest, transfer)
    }
    await transfer
  }

  private async bring(blob: BlobRef): Promise<void> {
    const { host, store, incoming, log } = this.spec
    const path = host.files.resolve(incoming, `${blob.digest}.part`)
    await host.files.makeDirectory(incoming)
    try {
      await this.fill(path, blob)
      await store.put(blob.digest, { file: path })
    } catch (error) {
      // Half a transfer is worth keeping, a wrong one is not, and on a full disk it is in the way.
      const isWorthIt =
        isStreamError(error) && !hasCode(error, 'BUNDLE_INVALID') && !hasCode(error, 'DISK_FULL')
      if (!isWorthIt) await host.files.remove(path)
      throw error
    }
    log.info('a blob has arrived', { digest: blob.digest, sizeBytes: blob.sizeBytes })
  }

  private async fill(path: string, { digest, sizeBytes }: BlobRef): Promise<void> {
    const { files } = this.spec.host
    const facts = await files.stat(path)
    let at = facts?.kind === 'file' && facts.sizeBytes <= sizeBytes ? facts.sizeBytes : 0
    const file = await files.open(path, at === 0 ? 'create' : 'write')
    try {
      while (at < sizeBytes) {
        const piece = await this.spec.fetchBlob(digest, at, Math.min(PIECE_BYTES, sizeBytes - at))
        if (piece.length === 0 || at + piece.length > sizeBytes) {
          const text = `blob ${digest} has another length than the ${sizeBytes} bytes of its record`
          throw new FormatError('BUNDLE_INVALID', text, { digest, sizeBytes })
        }
        await file.write(piece, at)
        at += piece.length
      }
      await file.sync()
    } finally {
      await file.close()
    }
  }

  private async makeModule(digest: string): Promise<string> {
    const { host, store, bundles } = this.spec
    const path = this.moduleName(digest)
    // A blob that was damaged since is missing now, and is told so.
    const bytes = await store.read(digest, 0, await store.sizeOf(digest))
    if (digestText(host.digest('sha256', bytes)) !== digest) {
      await store.remove(digest)
      throw new UnavailableError('BLOB_MISSING', `blob ${digest} was damaged on this node`, { digest })
    }
    const facts = await host.files.stat(path)
    if (facts?.kind === 'file' && (await this.isSame(path, bytes))) return path
    await host.files.makeDirectory(bundles)
    const fresh = `${path}.new`
    const file = await host.files.open(fresh, 'create')
    try {
      await file.write(bytes, 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await host.files.rename(fresh, path)
    return path
  }

  private async isSame(path: string, bytes: Uint8Array): Promise<boolean> {
    const facts = await this.spec.host.files.stat(path)
    if (facts?.sizeBytes !== bytes.length) return false
    const file = await this.spec.host.files.open(path, 'read')
    try {
      const found = new Uint8Array(bytes.length)
      const count = await file.read(found, 0)
      return count === bytes.length && found.every((byte, index) => byte === bytes[index])
    } finally {
      await file.close()
    }
  }

  private async dropModules(isUsed: (digest: string) => boolean): Promise<void> {
    const { host, bundles, store } = this.spec
    for (const name of await host.files.list(bundles)) {
      const digest = name.slice(0, 64)
      const isKept = isBlobDigest(digest) && (isUsed(digest) || (await isStored(store, digest)))
      if (!isKept) await host.files.remove(host.files.resolve(bundles, name))
    }
  }

  private moduleName(digest: string): string {
    if (!isBlobDigest(digest)) throw new UnavailableError('BLOB_MISSING', 'this is no digest of a blob')
    return this.spec.host.files.resolve(this.spec.bundles, `${digest}.mjs`)
  }
}

async function isStored(store: BlobStore, digest: string): Promise<boolean> {
  try {
    await store.sizeOf(digest)
    return true
  } catch (error) {
    if (hasCode(error, 'BLOB_MISSING')) return false
    throw error
  }
}
