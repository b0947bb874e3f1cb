/**
 * Where a source goes on in a file, and how it knows that the file is still the one it was.
 *
 * Beside the byte, a position carries a fingerprint of the file's beginning: how many bytes it covers (at
 * most 1 KiB, less if the file was shorter) and their CRC-32. A log that was rotated begins differently, and
 * is told from one that grew.
 */
import { ConflictError } from '../../../base/errors.ts'
import type { Host, OpenFile } from '../../../host/host.ts'

/** What `read` is given and gives. Encodable. */
export interface FilePosition {
  /** After the last record and its line end. Of decompressed bytes in a gzip file. */
  readonly byte: number
  /** Lines before it. */
  readonly line: number
  /** Fingerprint `<bytes covered>:<crc32, hex>`; empty if the file was empty. */
  readonly head: string
}

const HEAD_BYTES_MAX = 1_024
const FORM = /^(\d+):([0-9a-f]{8})$/

/** The position in a value that came from a store. */
export function positionOf(value: unknown): FilePosition | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!('byte' in value) || typeof value.byte !== 'number') return undefined
  const line = 'line' in value && typeof value.line === 'number' ? value.line : 0
  const head = 'head' in value && typeof value.head === 'string' ? value.head : ''
  return { byte: value.byte, line, head }
}

/**
 * The fingerprint of a file as it is now, as wide as can be.
 * @param known a fingerprint of before, or empty
 * @throws ConflictError FILE_CHANGED the file does not begin as it did
 */
export async function fingerprint(host: Host, path: string, file: OpenFile, known: string): Promise<string> {
  const target = new Uint8Array(HEAD_BYTES_MAX)
  let filled = 0
  while (filled < target.length) {
    const count = await file.read(target.subarray(filled), filled)
    if (count === 0) break
    filled += count
  }
  const [, coveredText, crc] = FORM.exec(known) ?? []
  if (coveredText !== undefined) {
    const covered = Number(coveredText)
    const isSame = covered <= filled && crcText(host.checksum(target.subarray(0, covered))) === crc
    if (!isSame) throw fileChanged(path, `its first ${covered} bytes are not what they were`, { covered })
  }
  return filled === 0 ? '' : `${filled}:${crcText(host.checksum(target.subarray(0, filled)))}`
}

/** True if a fingerprint cannot become any wider. */
export function isWhole(head: string): boolean {
  return head.startsWith(`${HEAD_BYTES_MAX}:`)
}

export function fileChanged(path: string, why: string, facts: Record<string, number>): ConflictError {
  return new ConflictError('FILE_CHANGED', `file ${path} has changed: ${why}`, { path, ...facts })
}

function crcText(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0')
}
