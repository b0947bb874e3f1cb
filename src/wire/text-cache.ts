/**
 * Short texts that were decoded lately, so that the same word is made once and not a million times.
 *
 * Route:   byte-reader.ts asks it for every short text.
 * Touches: nothing outside.
 *
 * Direct mapped: the hash of the bytes names one slot, a newcomer takes it. An answer is compared with the
 * bytes in full, so a collision costs time and never correctness.
 *
 * Invariants
 *   C1  Every text in a slot is pure ASCII: one character is one byte.
 */
import { malformed } from './malformed.ts'

const SLOTS = 4096
// Beyond it, pieces joined by `+` would make a rope, slow to compare.
const FLAT_MAX = 12
const HASHED_MAX = 12
/** Longest text that is kept, in bytes: longer ones repeat seldom and cost more to compare than to make. */
export const CACHED_TEXT_MAX = 40

// `ignoreBOM`: a text may begin with U+FEFF and keeps it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class TextCache {
  private readonly slots: string[] = new Array<string>(SLOTS).fill('')

  /** HOT. The text in `bytes` from `start`, `length` ≤ CACHED_TEXT_MAX. Bench: bench/wire.bench.ts. */
  find(bytes: Uint8Array, start: number, length: number): string {
    // All bytes of a short text, the end of a longer one: the comparison sees the rest.
    let hash = length
    const end = start + length
    for (let at = length > HASHED_MAX ? end - HASHED_MAX : start; at < end; at++) {
      hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
    }
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const known = this.slots[slot] ?? ''
    if (known.length === length && isSame(known, bytes, start)) return known
    return this.make(bytes, start, end, slot)
  }

  private make(bytes: Uint8Array, start: number, end: number, slot: number): string {
    if (!isAscii(bytes, start, end)) return decodeUtf8(bytes, start, end)
    const text = asciiText(bytes, start, end)
    this.slots[slot] = text
    return text
  }
}

/** @throws FormatError FRAME_MALFORMED if it is not UTF-8 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(bytes.subarray(start, end))
  } catch {
    return malformed(`a text of ${end - start} bytes is not UTF-8`)
  }
}

function isSame(text: string, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false
  }
  return true
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let mixed = 0
  for (let at = start; at < end; at++) mixed |= bytes[at] ?? 0
  return mixed <= 0x7f
}

/** Eight at a time: a call with a fixed number of arguments makes a flat string without a list. */
function asciiText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > FLAT_MAX) return decodeUtf8(bytes, start, end)
  let text = ''
  let at = start
  for (; at + 8 <= end; at += 8) {
    text += String.fromCharCode(
      bytes[at] ?? 0,
      bytes[at + 1] ?? 0,
      bytes[at + 2] ?? 0,
      bytes[at + 3] ?? 0,
      bytes[at + 4] ?? 0,
      bytes[at + 5] ?? 0,
      bytes[at + 6] ?? 0,
      bytes[at + 7] ?? 0,
    )
  }
  for (; at + 2 <= end; at += 2) text += String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0)
  return at < end ? text + String.fromCharCode(bytes[at] ?? 0) : text
}
