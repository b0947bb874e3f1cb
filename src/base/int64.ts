/**
 * 64-bit ids as two int32 halves. `bigint` would be a heap object per id and four times slower on the ack
 * path.
 */

/** An id as a pair, where one value is wanted. `hi` and `lo` are int32. */
export interface Int64 {
  readonly hi: number
  readonly lo: number
}

/** 16 hexadecimal digits, upper half first. For logs and files. */
export function hexOf(hi: number, lo: number): string {
  return hex32(hi) + hex32(lo)
}

/** 8 hexadecimal digits of an int32. */
export function hex32(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}

/** The id of `hexOf`'s text; undefined if it is not 16 hexadecimal digits. */
export function parseHex(text: string): Int64 | undefined {
  if (!/^[0-9a-f]{16}$/i.test(text)) return undefined
  return { hi: Number.parseInt(text.slice(0, 8), 16) | 0, lo: Number.parseInt(text.slice(8), 16) | 0 }
}

/** Four characters that stand for the id: the shortest key of a Map. Not for people. */
export function keyText(hi: number, lo: number): string {
  return String.fromCharCode(hi >>> 16, hi & 0xffff, lo >>> 16, lo & 0xffff)
}

/** The id of `keyText`'s text. */
export function parseKeyText(text: string): Int64 {
  return {
    hi: (text.charCodeAt(0) << 16) | text.charCodeAt(1),
    lo: (text.charCodeAt(2) << 16) | text.charCodeAt(3),
  }
}

/** The id as a signed integer, for an outside that wants one. */
export function bigintOf(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0)
}

/** The low 64 bits of an integer. */
export function int64Of(value: bigint): Int64 {
  return { hi: Number(BigInt.asIntN(32, value >> 32n)), lo: Number(BigInt.asIntN(32, value)) }
}
