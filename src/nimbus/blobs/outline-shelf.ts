/**
 * Outlines of the topologies on the board, read from blobs and parsed once.
 *
 * Bound: outlines that a topology on the board names.
 */
import { hasCode, isStreamError } from '../../base/errors.ts'
import type { BlobStore } from '../../blob/blob-store.ts'
import type { BlobRef, TopologyRecord } from '../../cluster/records.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import type { OutlineFound } from '../leader/facts.ts'
import { parseOutline } from '../submit/outline-check.ts'

export class OutlineShelf {
  private readonly blobs: BlobStore
  private found = new Map<string, OutlineFound>()

  constructor(blobs: BlobStore) {
    this.blobs = blobs
  }

  /** Reads those that are not known yet, and forgets those that nobody names. */
  async load(records: Iterable<TopologyRecord>): Promise<ReadonlyMap<string, OutlineFound>> {
    const byTopology = new Map<string, OutlineFound>()
    const byDigest = new Map<string, OutlineFound>()
    for (const { id, outline } of records) {
      const known = byDigest.get(outline.digest) ?? this.found.get(outline.digest)
      const found = known === undefined || known.kind === 'missing' ? await this.read(outline) : known
      byDigest.set(outline.digest, found)
      byTopology.set(id, found)
    }
    this.found = byDigest
    return byTopology
  }

  /** Reads it if it is not known yet: a new leader may be asked before its first round. */
  async fetch({ outline }: TopologyRecord): Promise<void> {
    const known = this.found.get(outline.digest)
    if (known !== undefined && known.kind !== 'missing') return
    this.found.set(outline.digest, await this.read(outline))
  }

  outlineOf({ outline }: TopologyRecord): TopologyOutline | undefined {
    const found = this.found.get(outline.digest)
    return found?.kind === 'outline' ? found.outline : undefined
  }

  private async read({ digest, sizeBytes }: BlobRef): Promise<OutlineFound> {
    try {
      if (!(await this.blobs.has(digest))) {
        return { kind: 'missing', why: `its outline ${digest.slice(0, 12)}… is not on this Nimbus yet` }
      }
      const bytes = await this.blobs.read(digest, 0, sizeBytes)
      return { kind: 'outline', outline: parseOutline(bytes) }
    } catch (error) {
      if (hasCode(error, 'REQUEST_INVALID') || hasCode(error, 'REQUEST_TOO_LARGE'))
        return { kind: 'broken', why: messageOf(error) }
      // The disk, or a blob that was found damaged: it is fetched again.
      if (isStreamError(error)) return { kind: 'missing', why: error.message }
      throw error
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
