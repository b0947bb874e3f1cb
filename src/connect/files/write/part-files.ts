/**
 * The part files of one task of a `fileSink`: which are open, which are finished, and what of them counts.
 *
 *   items ─▶ bucket ─▶ open part ─▶ (big, old, idle, too many) ─▶ finished ─▶ in a receipt ─▶ commit: renamed
 *                          └──────────── its length in the receipt ────────────▶ commit: that much is safe
 *
 * A part lives across checkpoints. After a crash the open parts of the last checkpoint are cut to the length
 * it knows, finished and renamed; everything else that is hidden goes away.
 *
 * Invariants
 *   F1  what has a final name is committed, whole, and never written to again
 *   F2  a batch counts as a whole or not at all, so that writing it again after a failure does no harm
 */
import type { Host } from '../../../host/host.ts'
import { directoryOf, sizeOf, transactionGone, withFile } from './disk-steps.ts'
import { footerPiece, joined, PartFile, type PartReceipt, type PartRecord } from './part-file.ts'
import type { PartJournal } from './part-journal.ts'
import type { PartNames } from './part-names.ts'
import type { ShownList } from './shown-list.ts'

export interface PartTransaction {
  /** Lengths at its beginning. A part that is not in here was begun later. */
  readonly before: ReadonlyMap<PartFile, number>
  /** Of a prepared transaction: parts that were finished in it. */
  finished: readonly FinishedPart[]
  receipt: PartReceipt | undefined
}

interface FinishedPart {
  readonly part: PartFile
  readonly record: PartRecord
}

export interface PartFilesSpec {
  readonly host: Host
  readonly names: PartNames
  readonly header: Uint8Array
  readonly footer: Uint8Array
  readonly gzip: boolean
  readonly rotateBytes: number
  readonly rotateAgeMs: number
  readonly rotateIdleMs: number
  readonly openMax: number
  /** Where receipts rest if there are no checkpoints that hold them. */
  readonly journal: PartJournal | undefined
  readonly shown: ShownList
}

export class PartFiles {
  private readonly spec: PartFilesSpec
  /** By bucket; the one longest unused first. */
  private readonly open = new Map<string, PartFile>()
  /** Finished since the last prepare. */
  private finished: FinishedPart[] = []
  private preparedCount = 0

  constructor(spec: PartFilesSpec) {
    this.spec = spec
  }

  begin(): PartTransaction {
    const before = new Map<PartFile, number>()
    for (const part of this.open.values()) before.set(part, part.lengthBytes)
    return { before, finished: [], receipt: undefined }
  }

  /** Adds pieces to their buckets. If it throws, none of them counts, and all may be added again. */
  async write(pieces: ReadonlyMap<string, readonly Uint8Array[]>): Promise<void> {
    const staged: (() => void)[] = []
    const nowMs = this.spec.host.clock.monotonicMs()
    for (const [bucket, parts] of pieces) {
      const part = await this.partOf(bucket, pieces)
      staged.push(await part.stage(joined(parts)))
    }
    for (const apply of staged) apply()
    for (const bucket of pieces.keys()) this.noteUsed(bucket, nowMs)
  }

  async prepare(transaction: PartTransaction): Promise<PartReceipt> {
    if (transaction.receipt !== undefined) return transaction.receipt
    const { host, journal, rotateAgeMs, rotateIdleMs, rotateBytes } = this.spec
    const nowMs = host.clock.monotonicMs()
    for (const [bucket, part] of [...this.open]) {
      const isDue = nowMs - part.beganMs >= rotateAgeMs || nowMs - part.usedMs >= rotateIdleMs
      if (isDue || part.sizeBytes >= rotateBytes) await this.finish(bucket, part)
      else await part.settle()
    }
    const open = [...this.open.values()].map((part) => part.record(part.lengthBytes))
    const receipt: PartReceipt = { finished: this.finished.map(({ record }) => record), open }
    await this.syncDirectories([...receipt.finished, ...open])
    await journal?.write(receipt)
    transaction.receipt = receipt
    transaction.finished = this.finished
    this.finished = []
    this.preparedCount += 1
    return receipt
  }

  /** @throws ConflictError TRANSACTION_GONE */
  async commit(receipt: PartReceipt): Promise<void> {
    await this.showAll(receipt.finished)
    for (const part of this.open.values()) {
      const record = receipt.open.find(({ hidden }) => hidden === part.spec.hidden)
      if (record !== undefined) part.committedBytes = record.lengthBytes
    }
    this.preparedCount = Math.max(0, this.preparedCount - 1)
  }

  /** Everything as it was when the transaction began, but that a part finished since then stays finished. */
  async rollBack(transaction: PartTransaction): Promise<void> {
    if (transaction.receipt !== undefined) this.preparedCount = Math.max(0, this.preparedCount - 1)
    const kept: FinishedPart[] = []
    for (const { part, record } of [...transaction.finished, ...this.finished]) {
      const again = await this.cutFinished(part, record, transaction.before.get(part) ?? 0)
      if (again !== undefined) kept.push({ part, record: again })
    }
    transaction.finished = []
    this.finished = kept
    for (const [bucket, part] of [...this.open]) {
      const lengthBytes = transaction.before.get(part) ?? 0
      if (lengthBytes > 0) await part.cut(lengthBytes)
      else await this.discard(bucket, part)
    }
  }

  /**
   * Shows what the last checkpoint (or journal) knows, and removes all else that a run before has left.
   * @param taskCount set if leftovers of tasks above it are to be removed as well
   */
  async recover(receipts: readonly PartReceipt[], taskCount: number | undefined): Promise<void> {
    const { host, journal, names } = this.spec
    const stored = receipts.length > 0 ? receipts : ((await journal?.read()) ?? [])
    for (const { finished, open } of stored) {
      await this.showAll(finished)
      await this.finishAll(open)
    }
    for (const path of await names.left(taskCount)) await host.files.remove(path)
    await journal?.remove()
  }

  /** Shows what is committed. What is prepared and not committed stays hidden, for whoever comes next. */
  async close(): Promise<void> {
    const parts = [...this.open.values(), ...this.finished.map(({ part }) => part)]
    for (const part of parts) await part.close()
    this.open.clear()
    this.finished = []
    if (this.preparedCount > 0) return
    await this.finishAll(parts.map((part) => part.record(part.committedBytes)))
    if (this.spec.journal === undefined) return
    // Without checkpoints nobody commits these again.
    await this.spec.journal.remove()
    await this.spec.shown.remove()
  }

  private async partOf(bucket: string, inUse: ReadonlyMap<string, unknown>): Promise<PartFile> {
    const found = this.open.get(bucket)
    if (found !== undefined) {
      const ageMs = this.spec.host.clock.monotonicMs() - found.beganMs
      if (found.sizeBytes < this.spec.rotateBytes && ageMs < this.spec.rotateAgeMs) return found
      await this.finish(bucket, found)
    }
    if (this.open.size >= this.spec.openMax) await this.finishUnused(inUse)
    const { host, names, header, footer, gzip } = this.spec
    const paths = await names.next(bucket)
    const file = await host.files.open(paths.hidden, 'create')
    const nowMs = host.clock.monotonicMs()
    const part = new PartFile({ files: host.files, ...paths, header, footer, gzip, nowMs }, file)
    this.open.set(bucket, part)
    return part
  }

  /**
   * The longest unused goes first. Those of the batch in hand stay, also if that makes too many for a moment.
   */
  private async finishUnused(inUse: ReadonlyMap<string, unknown>): Promise<void> {
    for (const [bucket, part] of [...this.open]) {
      if (this.open.size < this.spec.openMax) return
      if (!inUse.has(bucket)) await this.finish(bucket, part)
    }
  }

  private noteUsed(bucket: string, nowMs: number): void {
    const part = this.open.get(bucket)
    if (part === undefined) return
    part.usedMs = nowMs
    this.open.delete(bucket)
    this.open.set(bucket, part)
  }

  private async finish(bucket: string, part: PartFile): Promise<void> {
    if (part.sizeBytes === 0) {
      await this.discard(bucket, part)
      return
    }
    const record = await part.finish()
    this.open.delete(bucket)
    this.finished.push({ part, record })
    await part.close()
  }

  private async discard(bucket: string, part: PartFile): Promise<void> {
    this.open.delete(bucket)
    await part.close()
    await this.spec.host.files.remove(part.spec.hidden)
  }

  /** A finished part with less in it; undefined if nothing is left. */
  private async cutFinished(
    part: PartFile,
    record: PartRecord,
    lengthBytes: number,
  ): Promise<PartRecord | undefined> {
    const { files } = this.spec.host
    if (lengthBytes >= part.lengthBytes) return record
    if (lengthBytes > 0) return part.record(await this.writeFooter(record.hidden, lengthBytes))
    await files.remove(record.hidden)
    return undefined
  }

  /** Gives finished parts their names. A second time changes nothing. */
  private async showAll(records: readonly PartRecord[]): Promise<void> {
    const { host, shown } = this.spec
    const hidden = await this.stillHidden(records)
    if (hidden.length === 0) return
    await shown.note(finalsOf(records), false)
    for (const record of hidden) {
      await withFile(host.files, record.hidden, 'write', (file) => file.truncate(record.lengthBytes))
      await host.files.rename(record.hidden, record.final)
    }
    await this.syncDirectories(hidden)
  }

  /**
   * Cuts parts that were open to what is safe of them, and gives them their names. A second time changes
   * nothing.
   */
  private async finishAll(records: readonly PartRecord[]): Promise<void> {
    const { host, shown } = this.spec
    for (const { hidden, lengthBytes } of records) if (lengthBytes === 0) await host.files.remove(hidden)
    const hidden = await this.stillHidden(records.filter(({ lengthBytes }) => lengthBytes > 0))
    await shown.note(finalsOf(hidden), true)
    for (const record of hidden) {
      await this.writeFooter(record.hidden, record.lengthBytes)
      await host.files.rename(record.hidden, record.final)
    }
    await this.syncDirectories(hidden)
  }

  /**
   * The parts whose names are still to be given.
   * @throws ConflictError TRANSACTION_GONE one is neither hidden nor shown, and was not taken away
   *   after it was shown
   */
  private async stillHidden(records: readonly PartRecord[]): Promise<readonly PartRecord[]> {
    const { host, shown } = this.spec
    const hidden: PartRecord[] = []
    for (const record of records) {
      const { final, lengthBytes } = record
      const hiddenBytes = await sizeOf(host.files, record.hidden)
      const foundBytes = hiddenBytes ?? (await sizeOf(host.files, final))
      if (foundBytes === undefined && !(await shown.has(final))) {
        throw transactionGone(final, 'neither it nor its hidden file is there', lengthBytes)
      }
      if (foundBytes !== undefined && foundBytes < lengthBytes) {
        throw transactionGone(final, `only ${foundBytes} bytes are there`, lengthBytes)
      }
      if (hiddenBytes !== undefined) hidden.push(record)
    }
    return hidden
  }

  /** Cuts the file there and puts the footer behind. Returns its length then. */
  private async writeFooter(hidden: string, lengthBytes: number): Promise<number> {
    const footer = await footerPiece(this.spec)
    await withFile(this.spec.host.files, hidden, 'write', async (file) => {
      await file.truncate(lengthBytes)
      await file.write(footer, lengthBytes)
      await file.sync()
    })
    return lengthBytes + footer.length
  }

  private async syncDirectories(records: readonly PartRecord[]): Promise<void> {
    const directories = new Set(records.map(({ hidden }) => directoryOf(hidden)))
    for (const directory of directories) await this.spec.host.files.syncDirectory(directory)
  }
}

function finalsOf(records: readonly PartRecord[]): readonly string[] {
  return records.map(({ final }) => final)
}
