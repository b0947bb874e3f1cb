/**
 * Copies of all blobs that the board names, on every Nimbus: a standby can take over without a shared disk,
 * and a leader that lacks one gets it from a standby.
 *
 *   board (topologies, assignments) ─▶ named − here ─▶ pieces from the other Nimbuses ─▶ store
 *
 * Never the leader's end: what is nowhere is named in `missing`, and looked for again with growing waits.
 *
 * Invariants
 *   B1  at most two copies at a time, a piece of 1 MB each: memory is bounded by the largest blob
 *   B2  a blob is stored only if its bytes have its digest (the store checks)
 */
import { Backoff } from '../../base/backoff.ts'
import { hasCode, isStreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { BlobStore } from '../../blob/blob-store.ts'
import type { Board, BoardView } from '../../cluster/board.ts'
import type { BlobRef } from '../../cluster/records.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { NimbusPeers } from '../peers.ts'

const PIECE_BYTES = 1024 * 1024
const PARALLEL_MAX = 2
const LOOK_MS = 2_000
const WAIT = { firstMs: 500, maxMs: 30_000 }
/** No blob is larger: what says so is damaged, or wants our memory. */
const BLOB_BYTES_MAX = 1024 * 1024 * 1024

export interface BlobSyncSpec {
  readonly host: Host
  readonly log: Logger
  readonly board: Board
  readonly blobs: BlobStore
  readonly peers: NimbusPeers
  /** This Nimbus: it does not ask itself. */
  readonly nimbus: string
  readonly onFetched: (digest: string) => void
}

interface Missing {
  readonly ref: BlobRef
  readonly backoff: Backoff
  notBeforeMs: number
  why: string
  /** The last. */
  failure: unknown
}

export class BlobSync {
  private readonly spec: BlobSyncSpec
  private readonly wanted = new Map<string, Missing>()
  private readonly stops: Stoppable[] = []
  private isLooking = false
  private isStopped = false

  constructor(spec: BlobSyncSpec) {
    this.spec = spec
  }

  /** Digest → why it is not here. */
  get missing(): ReadonlyMap<string, string> {
    return new Map([...this.wanted].map(([digest, { why }]) => [digest, why]))
  }

  start(): void {
    const { host, board } = this.spec
    this.stops.push(
      host.timers.every(LOOK_MS, () => this.look()),
      board.onChange(({ part }) => {
        if (part === 'topologies' || part === 'assignments' || part === 'nimbuses') this.look()
      }),
    )
    this.look()
  }

  stop(): void {
    this.isStopped = true
    for (const each of this.stops) each.stop()
  }

  /**
   * A blob that somebody needs now: it may have been uploaded to another Nimbus. False: nobody has it.
   * @throws UnavailableError DISK_FULL another has it, and there is no room for it here
   */
  async obtain(ref: BlobRef): Promise<boolean> {
    if (await this.spec.blobs.has(ref.digest)) return true
    const wanted = missing(ref, this.spec.host)
    await this.fetch(wanted)
    if (await this.spec.blobs.has(ref.digest)) return true
    if (hasCode(wanted.failure, 'DISK_FULL')) throw wanted.failure
    return false
  }

  /** One look at a time; what changes meanwhile is seen by the next. */
  look(): void {
    if (this.isLooking || this.isStopped) return
    this.isLooking = true
    this.copyMissing()
      .catch((error: unknown) => {
        if (!isStreamError(error)) throw error
        this.spec.log.warn('blobs could not be looked at', { code: error.code, message: error.message })
      })
      .finally(() => {
        this.isLooking = false
      })
  }

  private async copyMissing(): Promise<void> {
    const { host, board, blobs } = this.spec
    const named = namedBlobs(board.view)
    for (const digest of this.wanted.keys()) if (!named.has(digest)) this.wanted.delete(digest)
    for (const ref of named.values()) {
      if (await blobs.has(ref.digest)) this.wanted.delete(ref.digest)
      else if (!this.wanted.has(ref.digest)) this.wanted.set(ref.digest, missing(ref, host))
    }
    const now = host.clock.monotonicMs()
    const due = [...this.wanted.values()].filter(({ notBeforeMs }) => notBeforeMs <= now)
    const copy = async (): Promise<void> => {
      for (let next = due.shift(); next !== undefined && !this.isStopped; next = due.shift())
        await this.fetch(next)
    }
    await Promise.all(Array.from({ length: PARALLEL_MAX }, copy))
  }

  private async fetch(each: Missing): Promise<void> {
    const { board, blobs, peers, nimbus, log, host } = this.spec
    const { digest } = each.ref
    const others = [...board.view.nimbuses.values()].filter((other) => other.nimbus !== nimbus)
    if (others.length === 0) each.why = 'there is no other Nimbus to get it from'
    for (const { address } of others) {
      try {
        await blobs.put(digest, await readWhole(peers, address, each.ref))
        this.wanted.delete(digest)
        log.info('blob copied', { digest, from: address, sizeBytes: each.ref.sizeBytes })
        this.spec.onFetched(digest)
        return
      } catch (error) {
        if (!isStreamError(error)) throw error
        each.why = `${address}: ${error.message}`
        each.failure = error
      }
    }
    each.notBeforeMs = host.clock.monotonicMs() + each.backoff.nextMs()
    log.warn('blob is missing', { digest, why: each.why })
  }
}

/** Every blob that the board names. */
export function namedBlobs(view: BoardView): ReadonlyMap<string, BlobRef> {
  const named = new Map<string, BlobRef>()
  for (const { record } of view.topologies.values()) {
    for (const ref of [record.outline, record.bundle]) named.set(ref.digest, ref)
  }
  for (const { record } of view.assignments.values()) {
    for (const { digest, sizeBytes } of record.state) named.set(digest, { digest, sizeBytes })
  }
  return named
}

function missing(ref: BlobRef, host: Host): Missing {
  const backoff = new Backoff(WAIT, () => host.random.next())
  return { ref, backoff, notBeforeMs: 0, why: 'it is being fetched', failure: undefined }
}

async function readWhole(peers: NimbusPeers, address: string, ref: BlobRef): Promise<Uint8Array> {
  const size = Math.min(ref.sizeBytes, BLOB_BYTES_MAX)
  const whole = new Uint8Array(size)
  for (let at = 0; at < size; ) {
    const piece = await peers.readBlob(address, ref.digest, at, Math.min(PIECE_BYTES, size - at))
    // Shorter than it should be: the digest will not fit, and the store says so.
    if (piece.length === 0) return whole.subarray(0, at)
    whole.set(piece.subarray(0, size - at), at)
    at += piece.length
  }
  return whole
}
