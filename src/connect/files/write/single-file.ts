/**
 * One file that grows by whole transactions. The file of one task; whoever reads it sees committed lines
 * only.
 *
 * Lines wait in a hidden file beside it. The names of that file say how far its transaction is, so that every
 * step can be done again after a crash at any moment:
 *
 *   .NAME.open-ID          written, then prepared
 *   .NAME.at-OFFSET-ID     decided: being copied into NAME, to begin at OFFSET
 *   .NAME.done-ID          copied (empty; kept until the next one is, because commit may be called again)
 *
 * Invariants
 *   S1  NAME is written to only while its transaction is called `at`, and only behind OFFSET
 *   S2  what is called `at` is always finished, never rolled back: copying it again gives the same bytes
 *   S3  an ID is never used twice
 */
import type { Files, Host, OpenFile } from '../../../host/host.ts'
import { copyInto, directoryOf, nameOf, sizeOf, transactionGone, withFile } from './disk-steps.ts'

/** What commit needs. Rests in the checkpoint. */
export interface SingleFileReceipt {
  /** Absolute path of the file it is for. */
  readonly path: string
  readonly id: string
  readonly lengthBytes: number
}

export interface SingleFileTransaction {
  readonly id: string
  lengthBytes: number
  file: OpenFile | undefined
}

export interface SingleFileSpec {
  readonly host: Host
  /** Absolute. */
  readonly path: string
  readonly sync: boolean
  /** Commit may be called again later (exactly-once): remember what is done. */
  readonly keepsDone: boolean
}

const AT = /^at-(\d+)-(.+)$/

export class SingleFile {
  private readonly spec: SingleFileSpec
  private readonly files: Files
  private readonly directory: string
  private readonly prefix: string

  constructor(spec: SingleFileSpec) {
    this.spec = spec
    this.files = spec.host.files
    this.directory = directoryOf(spec.path)
    this.prefix = `.${nameOf(spec.path)}.`
  }

  begin(checkpoint: number): SingleFileTransaction {
    const bits = new Int32Array(2)
    this.spec.host.random.fill(bits)
    const random = Array.from(bits, (half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
    return { id: `${checkpoint}-${random}`, lengthBytes: 0, file: undefined }
  }

  /** Adds bytes. If it throws, they count as not added, and may be added again. */
  async write(transaction: SingleFileTransaction, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    if (transaction.file === undefined) {
      await this.files.makeDirectory(this.directory)
      transaction.file = await this.files.open(this.hidden(`open-${transaction.id}`), 'create')
    }
    await transaction.file.write(bytes, transaction.lengthBytes)
    transaction.lengthBytes += bytes.length
  }

  async prepare(transaction: SingleFileTransaction): Promise<SingleFileReceipt> {
    const { id, lengthBytes, file } = transaction
    if (file !== undefined) {
      // Of a write that failed half-way something may stand behind what counts.
      await file.truncate(lengthBytes)
      if (this.spec.sync) await file.sync()
      await this.syncDirectory()
      transaction.file = undefined
      await file.close()
    }
    return { path: this.spec.path, id, lengthBytes }
  }

  /** @throws ConflictError TRANSACTION_GONE */
  async commit({ id, lengthBytes }: SingleFileReceipt): Promise<void> {
    if (lengthBytes === 0) return
    const names = await this.hiddenNames()
    if (names.includes(`done-${id}`)) return
    const decided = names.find((name) => AT.exec(name)?.[2] === id)
    if (decided === undefined && !names.includes(`open-${id}`)) {
      throw transactionGone(this.spec.path, `${this.hidden(`open-${id}`)} is not there`, lengthBytes)
    }
    await this.finish(id, decided ?? `open-${id}`, lengthBytes)
    const before = names.filter((name) => name.startsWith('done-'))
    for (const name of before) await this.files.remove(this.hidden(name))
  }

  async rollBack(transaction: SingleFileTransaction): Promise<void> {
    const file = transaction.file
    transaction.file = undefined
    await file?.close()
    await this.files.remove(this.hidden(`open-${transaction.id}`))
  }

  /** Removes what was not prepared for the last checkpoint; finishes what was being copied. */
  async recover(receipts: readonly SingleFileReceipt[]): Promise<void> {
    const known = new Set(receipts.filter(({ path }) => path === this.spec.path).map(({ id }) => id))
    for (const name of await this.hiddenNames()) {
      const id = AT.exec(name)?.[2]
      if (id !== undefined) {
        await this.finish(id, name, (await sizeOf(this.files, this.hidden(name))) ?? 0)
      } else if (/^(?:open|done)-/.test(name) && !known.has(name.slice(name.indexOf('-') + 1))) {
        await this.files.remove(this.hidden(name))
      }
    }
  }

  /** Copies a transaction to its place, from wherever an attempt before has ended. */
  private async finish(id: string, name: string, lengthBytes: number): Promise<void> {
    const { path, sync, keepsDone } = this.spec
    const sizeBytes = (await sizeOf(this.files, path)) ?? 0
    let offsetBytes = Number(AT.exec(name)?.[1] ?? sizeBytes)
    let decided = name
    if (decided.startsWith('open-') || offsetBytes > sizeBytes) {
      // Behind what is there. Cut by somebody else since it was decided: what is left is what counts.
      offsetBytes = sizeBytes
      decided = `at-${offsetBytes}-${id}`
      await this.files.rename(this.hidden(name), this.hidden(decided))
      await this.syncDirectory()
    }
    const copied = await withFile(this.files, this.hidden(decided), 'read', (from) =>
      withFile(this.files, path, 'write', async (to) => {
        const count = await copyInto(from, to, offsetBytes)
        if (sync) await to.sync()
        return count
      }),
    )
    if (copied !== lengthBytes) throw transactionGone(path, `only ${copied} bytes are left`, lengthBytes)
    if (sizeBytes === 0) await this.syncDirectory()
    if (!keepsDone) {
      await this.files.remove(this.hidden(decided))
      return
    }
    await this.files.rename(this.hidden(decided), this.hidden(`done-${id}`))
    // Not before its new name is durable: under the old one, the bytes are still needed.
    await this.syncDirectory()
    await withFile(this.files, this.hidden(`done-${id}`), 'create', () => Promise.resolve())
  }

  /** Names of this file's hidden companions, without what all have in common. */
  private async hiddenNames(): Promise<readonly string[]> {
    const names = await this.files.list(this.directory)
    return names.filter((name) => name.startsWith(this.prefix)).map((name) => name.slice(this.prefix.length))
  }

  private hidden(rest: string): string {
    return this.files.resolve(this.directory, this.prefix + rest)
  }

  private async syncDirectory(): Promise<void> {
    if (this.spec.sync) await this.files.syncDirectory(this.directory)
  }
}
