/**
 * The last receipt of a task, in a file. Under `at-least-once` no checkpoint holds receipts, and tuples are
 * acked at commit: what of the open parts was acked must be known after a crash.
 */
import type { Files } from '../../../host/host.ts'
import { directoryOf, sizeOf, withFile } from './disk-steps.ts'
import type { PartReceipt, PartRecord } from './part-file.ts'

export class PartJournal {
  private readonly files: Files
  private readonly path: string

  /** @param path absolute */
  constructor(files: Files, path: string) {
    this.files = files
    this.path = path
  }

  async write(receipt: PartReceipt): Promise<void> {
    const temporary = `${this.path}.tmp`
    const bytes = new TextEncoder().encode(JSON.stringify(receipt))
    await this.files.makeDirectory(directoryOf(this.path))
    await withFile(this.files, temporary, 'create', async (file) => {
      await file.write(bytes, 0)
      await file.sync()
    })
    await this.files.rename(temporary, this.path)
    await this.files.syncDirectory(directoryOf(this.path))
  }

  /** Renamed into place when it was whole, so what does not read was not written here: it is left alone. */
  async read(): Promise<readonly PartReceipt[]> {
    const sizeBytes = await sizeOf(this.files, this.path)
    if (sizeBytes === undefined) return []
    const bytes = new Uint8Array(sizeBytes)
    await withFile(this.files, this.path, 'read', (file) => file.read(bytes, 0))
    const stored: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return isReceipt(stored) ? [stored] : []
  }

  remove(): Promise<void> {
    return this.files.remove(this.path)
  }
}

function isReceipt(stored: unknown): stored is PartReceipt {
  if (typeof stored !== 'object' || stored === null) return false
  if (!('finished' in stored) || !('open' in stored)) return false
  return areRecords(stored.finished) && areRecords(stored.open)
}

function areRecords(list: unknown): list is readonly PartRecord[] {
  return Array.isArray(list) && list.every(isRecord)
}

function isRecord(record: unknown): record is PartRecord {
  if (typeof record !== 'object' || record === null) return false
  if (!('hidden' in record) || !('final' in record) || !('lengthBytes' in record)) return false
  return (
    typeof record.hidden === 'string' &&
    typeof record.final === 'string' &&
    typeof record.lengthBytes === 'number'
  )
}
