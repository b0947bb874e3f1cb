/**
 * Blobs as files of one directory, each named by its digest (the contract is blob-store.ts).
 *
 *   put: bytes ─▶ digest right? ─▶ incoming/<n> ─▶ sync ─▶ rename to <digest> ─▶ sync directory
 *   read, first since the start: whole file ─▶ digest right? ─ no ─▶ removed, BLOB_MISSING
 *
 * Does not know: what a blob means, who else has it.
 *
 * Invariants
 *   S1  a file with a digest for a name was whole when it got the name
 *   S2  no name but 64 hex digits ever becomes part of a path
 *   S3  a put that fails leaves what was there, and nothing new but perhaps a file in `incoming`, which the
 *       next start removes
 */
import { FormatError, hasCode, UnavailableError, UsageError } from '../base/errors.ts'
import type { Host } from '../host/host.ts'
import {
  type BlobDigest,
  type BlobSource,
  type BlobStore,
  digestText,
  isBlobDigest,
  type StoredBlob,
} from './blob-store.ts'

const INCOMING = 'incoming'

export class FileBlobStore implements BlobStore {
  private readonly host: Host
  private readonly directory: string
  /** Checked since the start, with the time of last use. */
  private readonly known = new Map<BlobDigest, number>()
  private readonly checks = new Map<BlobDigest, Promise<boolean>>()
  private putCount = 0
  private preparing: Promise<void> | undefined

  constructor(host: Host, directory: string) {
    this.host = host
    this.directory = directory
  }

  async put(digest: BlobDigest, source: BlobSource): Promise<void> {
    const target = this.path(digest)
    const bytes = source instanceof Uint8Array ? source : await this.readWhole(source.file)
    const found = digestText(this.host.digest('sha256', bytes))
    if (found !== digest) {
      const text = `${bytes.length} bytes with digest ${found} were to be stored as ${digest}`
      throw new FormatError('BUNDLE_INVALID', text, { digest, found, sizeBytes: bytes.length })
    }
    if (await this.has(digest)) {
      if (!(source instanceof Uint8Array)) await this.host.files.remove(source.file)
      return
    }
    await this.prepare()
    const from = source instanceof Uint8Array ? await this.writeIncoming(source) : source.file
    if (!(source instanceof Uint8Array)) await this.syncFile(from)
    await this.host.files.rename(from, target)
    await this.host.files.syncDirectory(this.directory)
    this.known.set(digest, this.host.clock.now())
  }

  async has(digest: BlobDigest): Promise<boolean> {
    const facts = await this.host.files.stat(this.path(digest))
    if (facts?.kind !== 'file') {
      this.known.delete(digest)
      return false
    }
    return this.isWhole(digest)
  }

  async read(digest: BlobDigest, offset: number, sizeBytes: number): Promise<Uint8Array> {
    const path = this.path(digest)
    if (!(await this.has(digest))) throw missing(digest)
    this.known.set(digest, this.host.clock.now())
    const file = await this.host.files.open(path, 'read')
    try {
      const facts = await this.host.files.stat(path)
      const left = Math.max(0, (facts?.sizeBytes ?? 0) - offset)
      const bytes = new Uint8Array(Math.min(left, sizeBytes))
      const count = await readFully(file, bytes, offset)
      return bytes.subarray(0, count)
    } finally {
      await file.close()
    }
  }

  async sizeOf(digest: BlobDigest): Promise<number> {
    const facts = await this.host.files.stat(this.path(digest))
    if (facts?.kind !== 'file') throw missing(digest)
    return facts.sizeBytes
  }

  async list(): Promise<readonly StoredBlob[]> {
    const found: StoredBlob[] = []
    for (const digest of await this.host.files.list(this.directory)) {
      if (!isBlobDigest(digest)) continue
      const facts = await this.host.files.stat(this.path(digest))
      if (facts?.kind !== 'file') continue
      const usedAt = this.known.get(digest) ?? facts.modifiedMs
      found.push({ digest, sizeBytes: facts.sizeBytes, usedAt })
    }
    return found
  }

  async remove(digest: BlobDigest): Promise<void> {
    const path = this.path(digest)
    this.known.delete(digest)
    await this.host.files.remove(path)
  }

  path(digest: BlobDigest): string {
    if (!isBlobDigest(digest)) {
      throw new UsageError('REQUEST_INVALID', `'${digest.slice(0, 100)}' is no digest of a blob`)
    }
    return this.host.files.resolve(this.directory, digest)
  }

  /** One check at a time for each blob, and one for each life. */
  private async isWhole(digest: BlobDigest): Promise<boolean> {
    if (this.known.has(digest)) return true
    const running = this.checks.get(digest)
    if (running !== undefined) return running
    const check = this.check(digest).finally(() => this.checks.delete(digest))
    this.checks.set(digest, check)
    return check
  }

  private async check(digest: BlobDigest): Promise<boolean> {
    let bytes: Uint8Array
    try {
      bytes = await this.readWhole(this.path(digest))
    } catch (error) {
      if (hasCode(error, 'CONNECT_FAILED') && (await this.host.files.stat(this.path(digest))) === undefined) {
        return false
      }
      throw error
    }
    if (digestText(this.host.digest('sha256', bytes)) !== digest) {
      await this.remove(digest)
      return false
    }
    this.known.set(digest, this.host.clock.now())
    return true
  }

  /** Left-overs of a life that ended in the middle of a put go, once. */
  private prepare(): Promise<void> {
    this.preparing ??= this.emptyIncoming().catch((error: unknown) => {
      this.preparing = undefined
      throw error
    })
    return this.preparing
  }

  private async emptyIncoming(): Promise<void> {
    const incoming = this.host.files.resolve(this.directory, INCOMING)
    await this.host.files.remove(incoming)
    await this.host.files.makeDirectory(incoming)
  }

  private async writeIncoming(bytes: Uint8Array): Promise<string> {
    this.putCount += 1
    const path = this.host.files.resolve(this.directory, INCOMING, String(this.putCount))
    try {
      const file = await this.host.files.open(path, 'create')
      try {
        await file.write(bytes, 0)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      // The room that is missing is partly taken by this very file.
      await this.host.files.remove(path)
      throw error
    }
    return path
  }

  private async syncFile(path: string): Promise<void> {
    const file = await this.host.files.open(path, 'write')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }

  private async readWhole(path: string): Promise<Uint8Array> {
    const sizeBytes = (await this.host.files.stat(path))?.sizeBytes ?? 0
    const file = await this.host.files.open(path, 'read')
    try {
      const bytes = new Uint8Array(sizeBytes)
      return bytes.subarray(0, await readFully(file, bytes, 0))
    } finally {
      await file.close()
    }
  }
}

/** Reads may come back short. */
async function readFully(
  file: { read(target: Uint8Array, positionBytes: number): Promise<number> },
  target: Uint8Array,
  positionBytes: number,
): Promise<number> {
  let count = 0
  while (count < target.length) {
    const got = await file.read(target.subarray(count), positionBytes + count)
    if (got === 0) break
    count += got
  }
  return count
}

function missing(digest: BlobDigest): UnavailableError {
  return new UnavailableError('BLOB_MISSING', `there is no whole blob ${digest} here`, { digest })
}
