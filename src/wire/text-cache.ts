/**
 * Short texts that were decoded lately, so that the same word is made once and not a million times.
 *
 * Route:   byte-reader.ts asks it for every short text.
 * Touches: nothing outside.
 *
 * Direct mapped: the first and the last four bytes and the length name one slot, a newcomer takes it. An
 * answer is compared with the bytes in full, so a collision costs time and never correctness. Most words have
 * no more than those eight bytes: they are found without a loop, whose end no processor can foresee.
 *
 * Invariants
 *   C1  Every text in a slot is pure ASCII: one character is one byte.
 *   C2  `ends` of a slot are those of the text in it.
 */
import { malformed } from './malformed.ts'

const SLOTS = 8192
// Beyond it, pieces joined by `+` would make a rope, slow to compare.
const FLAT_MAX = 12
/** Longest text that is kept, in bytes: longer ones repeat seldom and cost more to compare than to make. */
export const CACHED_TEXT_MAX = 40
/** Texts up to here are their two ends. */
const ENDS_MAX = 8

// `ignoreBOM`: a text may begin with U+FEFF and keeps it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class TextCache {
  private readonly slots: string[] = new Array<string>(SLOTS).fill('')
  /** Of each slot: first four bytes, last four. */
  private readonly ends = new Int32Array(SLOTS * 2)

  /** HOT. The text in `bytes` from `start`, `length` ≤ CACHED_TEXT_MAX. Bench: bench/wire.bench.ts. */
  find(bytes: Uint8Array, start: number, length: number): string {
    const end = start + length
    let first = 0
    let last = 0
    if (length >= 4) {
      first = fourBytes(bytes, start)
      last = fourBytes(bytes, end - 4)
    } else if (length > 0) {
      // All there are of up to three bytes, some of them twice.
      first = (bytes[start] ?? 0) | ((bytes[start + (length >> 1)] ?? 0) << 8) | ((bytes[end - 1] ?? 0) << 16)
    }
    const mixed = Math.imul(first ^ length, 0x9e3779b1) ^ Math.imul(last, 0x85ebca6b)
    const slot = (mixed ^ (mixed >>> 15)) & (SLOTS - 1)
    const known = this.slots[slot] ?? ''
    if (known.length === length && this.ends[slot * 2] === first && this.ends[slot * 2 + 1] === last) {
      if (length <= ENDS_MAX || hasMiddle(known, bytes, start)) return known
    }
    return this.make(bytes, start, end, { slot, first, last })
  }

  private make(
    bytes: Uint8Array,
    start: number,
    end: number,
    at: { readonly slot: number; readonly first: number; readonly last: number },
  ): string {
    if (!isAscii(bytes, start, end)) return decodeUtf8(bytes, start, end)
    const text = asciiText(bytes, start, end)
    this.slots[at.slot] = text
    this.ends[at.slot * 2] = at.first
    this.ends[at.slot * 2 + 1] = at.last
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

function fourBytes(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
  return low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
}

/** What is between the first and the last four characters is the same. */
function hasMiddle(text: string, bytes: Uint8Array, start: number): boolean {
  const end = text.length - 4
  for (let index = 4; index < end; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false
  }
  return true
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let mixed = 0
  for (let at = start; at < end; at++) mixed |= bytes[at] ?? 0
  return mixed <= 0x7f
}

/** A call with a fixed number of arguments makes a flat string in one go, without a list. */
function asciiText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length > ENDS_MAX) return length > FLAT_MAX ? decodeUtf8(bytes, start, end) : longer(bytes, start, end)
  const a = bytes[start] ?? 0
  const b = bytes[start + 1] ?? 0
  const c = bytes[start + 2] ?? 0
  const d = bytes[start + 3] ?? 0
  if (length === 4) return String.fromCharCode(a, b, c, d)
  if (length < 4) {
    if (length === 3) return String.fromCharCode(a, b, c)
    if (length === 2) return String.fromCharCode(a, b)
    return length === 1 ? String.fromCharCode(a) : ''
  }
  const e = bytes[start + 4] ?? 0
  const f = bytes[start + 5] ?? 0
  if (length === 5) return String.fromCharCode(a, b, c, d, e)
  if (length === 6) return String.fromCharCode(a, b, c, d, e, f)
  const g = bytes[start + 6] ?? 0
  if (length === 7) return String.fromCharCode(a, b, c, d, e, f, g)
  return String.fromCharCode(a, b, c, d, e, f, g, bytes[start + 7] ?? 0)
}

/** Of nine bytes to FLAT_MAX. */
function longer(bytes: Uint8Array, start: number, end: number): string {
  let text = asciiText(bytes, start, start + ENDS_MAX)
  for (let at = start + ENDS_MAX; at < end; at += 4) text += asciiText(bytes, at, Math.min(at + 4, end))
  return text
}
