/**
 * A 32-bit hash of a key, the same in every process, on every machine and in every version: fields grouping
 * and key groups rest on it, so checkpoints do, too. MurmurHash3 x86_32, seed 0, over these bytes:
 *
 *   string            UTF-8; a lone surrogate counts as U+FFFD
 *   number            the 8 bytes of the float64, little endian; -0 is 0, every NaN is one NaN
 *   bigint            8 bytes of two's complement, little endian; beyond 64 bits the bytes of its hex text
 *   boolean           one byte, 1 or 0
 *   null, undefined   one byte, 2
 *   bytes             as they are
 *   Date              as the number of its milliseconds
 *   list              the 4 bytes, little endian, of the hash of each element
 *
 * Never change any of this: old checkpoints would give keys to the wrong tasks.
 */
import { UsageError } from './errors.ts'

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

const encoder = new TextEncoder()
/** Bytes of texts that are not all ASCII; UTF-8 takes at most three bytes per UTF-16 unit. */
const scratch = new Uint8Array(3 * 1024)

const float = new Float64Array(1)
const integer = new BigInt64Array(1)
const floatWords = new Int32Array(float.buffer)
const integerWords = new Int32Array(integer.buffer)
/** Which of the two words holds the low 32 bits: 0 on little-endian machines. */
const LOW = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1
const HIGH = 1 - LOW

const NAN_HASH = hashWords(0, 0x7ff80000)

/** How deep lists may nest in a key. A key that deep is a mistake. */
const NEST_MAX = 16

/** HOT. Hash of a text: an int32. */
export function hashText(text: string): number {
  const length = text.length
  const blocksEnd = length & ~3
  let hash = 0
  let all = 0
  let index = 0
  for (; index < blocksEnd; index += 4) {
    const a = text.charCodeAt(index)
    const b = text.charCodeAt(index + 1)
    const c = text.charCodeAt(index + 2)
    const d = text.charCodeAt(index + 3)
    all |= a | b | c | d
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  let tail = 0
  for (let shift = 0; index < length; index += 1, shift += 8) {
    const unit = text.charCodeAt(index)
    all |= unit
    tail |= unit << shift
  }
  // Looked at once, at the end: nearly every text is ASCII, and a wrong hash of another is just thrown away.
  if (all > 0x7f) return hashWideText(text)
  return finish(hash ^ scramble(tail), length)
}

function hashWideText(text: string): number {
  const bytes = text.length * 3 <= scratch.length ? scratch : new Uint8Array(text.length * 3)
  return hashRange(bytes, encoder.encodeInto(text, bytes).written)
}

/** Hash of bytes: an int32. */
export function hashBytes(bytes: Uint8Array): number {
  return hashRange(bytes, bytes.length)
}

function hashRange(bytes: Uint8Array, length: number): number {
  const blocksEnd = length & ~3
  let hash = 0
  let index = 0
  for (; index < blocksEnd; index += 4) {
    const low = byteAt(bytes, index) | (byteAt(bytes, index + 1) << 8)
    hash = mix(hash, low | (byteAt(bytes, index + 2) << 16) | (byteAt(bytes, index + 3) << 24))
  }
  let tail = 0
  for (let shift = 0; index < length; index += 1, shift += 8) tail |= byteAt(bytes, index) << shift
  return finish(hash ^ scramble(tail), length)
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}

/** HOT. Hash of a number: an int32. Integers and floats of the same value are the same. */
export function hashNumber(value: number): number {
  if (Number.isNaN(value)) return NAN_HASH
  float[0] = value + 0 // -0 + 0 is 0
  return hashWords(floatWords[LOW] ?? 0, floatWords[HIGH] ?? 0)
}

function hashBigint(value: bigint): number {
  integer[0] = value
  if (integer[0] !== value) return hashText(value.toString(16))
  return hashWords(integerWords[LOW] ?? 0, integerWords[HIGH] ?? 0)
}

/** Hash of two words of four bytes. */
function hashWords(low: number, high: number): number {
  return finish(mix(mix(0, low), high), 8)
}

/**
 * HOT. Hash of any value that can be a key: an int32.
 * @throws UsageError VALUE_NOT_ENCODABLE for an object, a function, a symbol or lists nested too deep
 */
export function hashKey(value: unknown): number {
  if (typeof value === 'string') return hashText(value)
  if (typeof value === 'number') return hashNumber(value)
  return hashOther(value, 0)
}

/** HOT. Hash of the values at some positions: of one it is its own hash, of several that of their list. */
export function hashAt(values: readonly unknown[], positions: readonly number[]): number {
  const count = positions.length
  if (count === 1) return hashKey(values[positions[0] ?? 0])
  let hash = 0
  for (let i = 0; i < count; i += 1) hash = mix(hash, hashKey(values[positions[i] ?? 0]))
  return finish(hash, count * 4)
}

/** Puts a hash into one of `count` buckets, numbered from 0. */
export function bucketOf(hash: number, count: number): number {
  return ((hash >>> 0) % (count >>> 0)) | 0
}

function hashOther(value: unknown, depth: number): number {
  if (typeof value === 'string') return hashText(value)
  if (typeof value === 'number') return hashNumber(value)
  if (typeof value === 'bigint') return hashBigint(value)
  if (value === true) return hashByte(1)
  if (value === false) return hashByte(0)
  if (value === null || value === undefined) return hashByte(2)
  if (value instanceof Uint8Array) return hashBytes(value)
  if (value instanceof Date) return hashNumber(value.getTime())
  if (Array.isArray(value) && depth < NEST_MAX) return hashList(value, depth)
  const found = Array.isArray(value) ? 'a list nested too deep' : `a value of type ${typeof value}`
  throw new UsageError('VALUE_NOT_ENCODABLE', `${found} cannot be a key`, { type: typeof value })
}

function hashList(values: readonly unknown[], depth: number): number {
  let hash = 0
  for (const value of values) hash = mix(hash, hashOther(value, depth + 1))
  return finish(hash, values.length * 4)
}

function hashByte(byte: number): number {
  return finish(scramble(byte), 1)
}

function mix(hash: number, block: number): number {
  const mixed = hash ^ scramble(block)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function scramble(block: number): number {
  const k = Math.imul(block, C1)
  return Math.imul((k << 15) | (k >>> 17), C2)
}

function finish(hash: number, length: number): number {
  let h = hash ^ length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
