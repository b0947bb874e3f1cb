/**
 * The bytes of a file in order, from a position on: as they are, or decompressed.
 *
 * A gzip file may have several members, one behind the other: that is what appending to one gives, and what
 * `fileSink` writes. The platform's DecompressionStream takes one member and does not say where it ends, so
 * the ends are looked for:
 *
 *   member 1 ……………… │ 1f 8b 08 … member 2          a magic number: perhaps the next member begins here
 *
 * At each candidate the member is closed. If it was complete, the next one begins there; if not, the three
 * bytes were data (once in 64 MiB or so), and the member is read again from its beginning with that candidate
 * left out.
 */
import { UserCodeError } from '../../../base/errors.ts'
import type { OpenFile } from '../../../host/host.ts'

export interface ByteSource {
  /** Reads on; returns how many bytes, 0 at the present end. Calls do not overlap. */
  read(target: Uint8Array): Promise<number>
  close(): Promise<void>
}

/** A file as it is. */
export class PlainBytes implements ByteSource {
  private readonly file: OpenFile
  private positionBytes: number

  constructor(file: OpenFile, positionBytes: number) {
    this.file = file
    this.positionBytes = positionBytes
  }

  async read(target: Uint8Array): Promise<number> {
    const count = await this.file.read(target, this.positionBytes)
    this.positionBytes += count
    return count
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

const CHUNK_BYTES = 64 * 1024
/** A member has a header of 10 bytes, data, and a trailer of 8. */
const MEMBER_BYTES_MIN = 19

/** A gzip file, decompressed. */
export class GzipBytes implements ByteSource {
  private readonly path: string
  private readonly file: OpenFile
  /** Offset in the file where the current member begins. */
  private memberAt = 0
  private member: Member | undefined
  /** Decompressed bytes of the current member that were given out. */
  private givenBytes = 0
  /** Offsets that look like the beginning of a member and are none. */
  private readonly wrong = new Set<number>()
  private rest: Uint8Array = new Uint8Array(0)

  constructor(path: string, file: OpenFile) {
    this.path = path
    this.file = file
  }

  async read(target: Uint8Array): Promise<number> {
    while (this.rest.length === 0) {
      const chunk = await this.nextChunk()
      if (chunk === undefined) return 0
      this.rest = chunk
    }
    const part = this.rest.subarray(0, target.length)
    target.set(part)
    this.rest = this.rest.subarray(part.length)
    return part.length
  }

  /** Reads on without keeping anything. Returns how many bytes there were to skip. */
  async skip(byteCount: number): Promise<number> {
    const target = new Uint8Array(CHUNK_BYTES)
    let skipped = 0
    while (skipped < byteCount) {
      const count = await this.read(target.subarray(0, byteCount - skipped))
      if (count === 0) break
      skipped += count
    }
    return skipped
  }

  async close(): Promise<void> {
    await this.member?.stop()
    await this.file.close()
  }

  /** The next decompressed bytes; undefined at the end of the file. */
  private async nextChunk(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.member === undefined) {
        if ((await this.file.read(new Uint8Array(1), this.memberAt)) === 0) return undefined
        this.member = new Member(this.file, this.memberAt, this.givenBytes, this.wrong)
      }
      const member = this.member
      let chunk: Uint8Array | undefined
      try {
        chunk = await member.next()
      } catch (error) {
        this.again(member, error)
        continue
      }
      if (chunk !== undefined) {
        this.givenBytes += chunk.length
        return chunk
      }
      this.member = undefined
      this.memberAt = member.endAt
      this.givenBytes = 0
    }
  }

  /** The member did not decompress. If it was closed at a candidate, that one was wrong. */
  private again(member: Member, cause: unknown): void {
    if (member.candidateAt === undefined) {
      throw new UserCodeError(
        'SOURCE_RECORD_INVALID',
        `gzip file ${this.path} is damaged or cut short in what begins at its byte ${this.memberAt}`,
        { path: this.path, byte: this.memberAt },
        { cause },
      )
    }
    this.wrong.add(member.candidateAt)
    this.member = undefined
  }
}

/** One attempt to decompress one member. */
class Member {
  /** Where the member was closed because another seems to begin there. */
  candidateAt: number | undefined
  /** Where it ended; right once `next` gave undefined. */
  endAt: number
  private readonly file: OpenFile
  private readonly from: number
  private readonly wrong: ReadonlySet<number>
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>
  private readonly writer: WritableStreamDefaultWriter<Uint8Array>
  private toSkip: number
  private failure: unknown
  private isStopped = false

  constructor(file: OpenFile, from: number, skipBytes: number, wrong: ReadonlySet<number>) {
    this.file = file
    this.from = from
    this.endAt = from
    this.toSkip = skipBytes
    this.wrong = wrong
    const stream = new DecompressionStream('gzip')
    this.writer = stream.writable.getWriter()
    this.reader = stream.readable.getReader()
    // Why feeding failed is told by whoever reads: the stream fails on that side too, or `failure` is looked
    // at.
    this.feed().catch((error: unknown) => {
      this.failure = error
      this.writer.abort(error).catch(() => undefined)
    })
    this.writer.closed.catch(() => undefined)
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.reader.read()
      if (done) {
        if (this.failure !== undefined) throw this.failure
        return undefined
      }
      const skipped = Math.min(this.toSkip, value.length)
      this.toSkip -= skipped
      if (skipped < value.length) return value.subarray(skipped)
    }
  }

  async stop(): Promise<void> {
    this.isStopped = true
    await this.reader.cancel().catch(() => undefined)
  }

  /** Writes the member's bytes into the stream, as fast as they are read from the other side. */
  private async feed(): Promise<void> {
    let at = this.from
    while (!this.isStopped) {
      await this.writer.ready
      const chunk = new Uint8Array(CHUNK_BYTES)
      const count = await this.file.read(chunk, at)
      const found = this.findCandidate(chunk, count, at)
      if (found !== undefined) this.candidateAt = at + found
      // What might be the first half of a magic number is read again with its second half.
      const taken = found ?? (count > MEMBER_BYTES_MIN ? count - 2 : count)
      if (taken > 0) await this.writer.write(chunk.subarray(0, taken))
      at += taken
      this.endAt = at
      if (found !== undefined || count === 0) {
        await this.writer.close()
        return
      }
    }
  }

  private findCandidate(chunk: Uint8Array, count: number, at: number): number | undefined {
    const first = Math.max(0, this.from + MEMBER_BYTES_MIN - at)
    for (let i = chunk.indexOf(0x1f, first); i >= 0 && i + 2 < count; i = chunk.indexOf(0x1f, i + 1)) {
      const isMagic = chunk[i + 1] === 0x8b && chunk[i + 2] === 0x08
      if (isMagic && !this.wrong.has(at + i)) return i
    }
    return undefined
  }
}
