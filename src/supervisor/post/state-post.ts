/**
 * Keyed state that a worker has written out, on its way to Nimbus: each file becomes a blob, here and there.
 *
 *   file below the worker's directory ─▶ digest ─▶ Nimbus, until it has it ─▶ removed ─▶ told in heartbeats
 *
 * Invariants
 *   V1  only files below the directory that the worker was given are read, whatever it says
 *   V2  what is told is stored at Nimbus
 */
import { Backoff } from '../../base/backoff.ts'
import { isStreamError, UsageError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { digestText } from '../../blob/blob-store.ts'
import type { StateFile } from '../../cluster/seat-messages.ts'
import type { Host } from '../../host/host.ts'
import type { DumpedState } from '../../rpc/heartbeat.ts'

export interface StatePostSpec {
  readonly host: Host
  readonly log: Logger
  /** @throws UnavailableError; FormatError BUNDLE_INVALID */
  readonly writeBlob: (digest: string, bytes: Uint8Array) => Promise<unknown>
}

/** Of what one request may bring. */
const FILE_BYTES_MAX = 128 * 1_024 * 1_024

export class StatePost {
  private readonly spec: StatePostSpec

  constructor(spec: StatePostSpec) {
    this.spec = spec
  }

  /**
   * Resolves when Nimbus has all; undefined: `isWanted` said no in between.
   * @throws UsageError REQUEST_INVALID a file that is none of the worker's, or too large
   */
  async upload(
    directory: string,
    files: readonly StateFile[],
    isWanted: () => boolean,
  ): Promise<readonly DumpedState[] | undefined> {
    const dumped: DumpedState[] = []
    for (const { executor, path } of files) {
      const bytes = await this.read(directory, path)
      const digest = digestText(this.spec.host.digest('sha256', bytes))
      if (!(await this.send(digest, bytes, isWanted))) return undefined
      await this.spec.host.files.remove(path)
      dumped.push({ executor, digest, sizeBytes: bytes.length })
    }
    return dumped
  }

  private async send(digest: string, bytes: Uint8Array, isWanted: () => boolean): Promise<boolean> {
    const { host, log, writeBlob } = this.spec
    const backoff = new Backoff({ firstMs: 250, maxMs: 5_000 }, () => host.random.next())
    while (isWanted()) {
      try {
        await writeBlob(digest, bytes)
        return true
      } catch (error) {
        if (!isStreamError(error) || !error.retryable) throw error
        log.warn('moved state cannot be stored now, and is tried again', { why: error.message })
        await new Promise<void>((resolve) => host.timers.after(backoff.nextMs(), resolve))
      }
    }
    return false
  }

  private async read(directory: string, path: string): Promise<Uint8Array> {
    const { files } = this.spec.host
    const full = files.resolve(path)
    if (!full.startsWith(`${files.resolve(directory)}/`)) {
      throw new UsageError('REQUEST_INVALID', 'a worker named a file that is not in its directory')
    }
    const facts = await files.stat(full)
    if (facts?.kind !== 'file' || facts.sizeBytes > FILE_BYTES_MAX) {
      const sizeBytes = facts?.sizeBytes ?? 0
      const text = `moved state in a file of ${sizeBytes} bytes cannot be sent`
      throw new UsageError('REQUEST_INVALID', text, { sizeBytes, sizeBytesMax: FILE_BYTES_MAX })
    }
    const file = await files.open(full, 'read')
    try {
      const bytes = new Uint8Array(facts.sizeBytes)
      return bytes.subarray(0, await file.read(bytes, 0))
    } finally {
      await file.close()
    }
  }
}
