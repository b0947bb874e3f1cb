/**
 * One part file: open and growing under a hidden name, or finished and waiting for its rename.
 *
 *   .<name>.part     growing ──▶ finished (footer written, on disk) ──commit──▶ <name>
 *
 * With gzip each piece written is a member of its own: at every checkpoint the file is a valid gzip file, and
 * it can be cut at any of them.
 */
import type { Files, OpenFile } from '../../../host/host.ts'

/** What a part is made of. */
export interface PartSpec {
  readonly files: Files
  /** Absolute, the hidden name. */
  readonly hidden: string
  /** Absolute, the name it will have. */
  readonly final: string
  readonly header: Uint8Array
  readonly footer: Uint8Array
  readonly gzip: boolean
  readonly nowMs: number
}

/** A part in a receipt. */
export interface PartRecord {
  readonly hidden: string
  readonly final: string
  /** What counts of the hidden file. Of a finished one, with its footer. */
  readonly lengthBytes: number
}

/** What commit needs. Rests in the checkpoint. */
export interface PartReceipt {
  readonly finished: readonly PartRecord[]
  /** Parts that go on growing: so much of each is safe. */
  readonly open: readonly PartRecord[]
}

/** Items of a gzip file are gathered up to here: smaller members would not be smaller than what they hold. */
const GZIP_PIECE_BYTES = 64 * 1024
const NOTHING = new Uint8Array(0)

export class PartFile {
  readonly spec: PartSpec
  readonly beganMs: number
  usedMs: number
  /** Bytes in the file that count. */
  lengthBytes = 0
  /** Bytes of the last commit. */
  committedBytes = 0
  private readonly file: OpenFile
  /** Bytes that count and are not in the file yet. Gzip only. */
  private gathered: Uint8Array = NOTHING
  private isClosed = false

  constructor(spec: PartSpec, file: OpenFile) {
    this.spec = spec
    this.file = file
    this.beganMs = spec.nowMs
    this.usedMs = spec.nowMs
  }

  /** About how big the file is, with what is gathered. */
  get sizeBytes(): number {
    return this.lengthBytes + this.gathered.length
  }

  /**
   * Puts bytes behind what counts, and returns what makes them count. Until that is called the part is as it
   * was, and the same bytes can be staged again.
   */
  async stage(bytes: Uint8Array): Promise<() => void> {
    const { header, gzip } = this.spec
    const whole = joined([this.sizeBytes === 0 ? header : NOTHING, this.gathered, bytes])
    if (gzip && whole.length < GZIP_PIECE_BYTES) {
      return () => {
        this.gathered = whole
      }
    }
    const piece = gzip ? await gzipped(whole) : whole
    await this.file.write(piece, this.lengthBytes)
    return () => {
      this.gathered = NOTHING
      this.lengthBytes += piece.length
    }
  }

  /** Everything that counts is in the file, and nothing else; on disk for sure. */
  async settle(): Promise<void> {
    if (this.gathered.length > 0) {
      const piece = await gzipped(this.gathered)
      await this.file.write(piece, this.lengthBytes)
      this.gathered = NOTHING
      this.lengthBytes += piece.length
    }
    await this.file.truncate(this.lengthBytes)
    await this.file.sync()
  }

  /** Takes back everything behind this length. */
  async cut(lengthBytes: number): Promise<void> {
    this.gathered = NOTHING
    this.lengthBytes = Math.min(this.lengthBytes, lengthBytes)
    await this.file.truncate(this.lengthBytes)
  }

  /**
   * Writes the footer behind what counts, and gives what a receipt says of it. The part itself stays as it
   * was.
   */
  async finish(): Promise<PartRecord> {
    await this.settle()
    const footer = await footerPiece(this.spec)
    await this.file.write(footer, this.lengthBytes)
    await this.file.sync()
    return this.record(this.lengthBytes + footer.length)
  }

  record(lengthBytes: number): PartRecord {
    return { hidden: this.spec.hidden, final: this.spec.final, lengthBytes }
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    await this.file.close()
  }
}

/** The footer as it stands in the file. */
export function footerPiece(spec: {
  readonly footer: Uint8Array
  readonly gzip: boolean
}): Promise<Uint8Array> {
  const isPlain = !spec.gzip || spec.footer.length === 0
  return isPlain ? Promise.resolve(spec.footer) : gzipped(spec.footer)
}

/** One gzip member. */
async function gzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new CompressionStream('gzip')
  const writer = stream.writable.getWriter()
  // A failure shows on the side that is read.
  const written = writer.write(new Uint8Array(bytes)).then(() => writer.close())
  written.catch(() => undefined)
  const parts: Uint8Array[] = []
  const reader = stream.readable.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return joined(parts)
    parts.push(value)
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const filled = parts.filter((part) => part.length > 0)
  if (filled.length === 1) return filled[0] ?? NOTHING
  const whole = new Uint8Array(filled.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of filled) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
