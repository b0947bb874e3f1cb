/**
 * Random numbers for production: the key stream of AES-128 in counter mode under a key from the system. As
 * good as the cipher, and 64 KiB at a time as fast as a weak generator.
 */
import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import type { Random } from './host.ts'

const BLOCK_BYTES = 64 * 1024
const KEY_BYTES = 16
const zeros = new Uint8Array(BLOCK_BYTES)
const counterStart = new Uint8Array(16)
/** Up to here a loop is faster than a view on the block and `set`. */
const SHORT_COUNT = 64

/** A generator of its own under `key`, 16 bytes; without one under a fresh key from the system. */
export function createNodeRandom(key: Uint8Array = randomBytes(KEY_BYTES)): Random {
  return new KeyStream(key)
}

class KeyStream implements Random {
  private readonly key: Uint8Array
  private readonly cipher: ReturnType<typeof createCipheriv>
  private block = new Int32Array(0)
  private position = 0

  constructor(key: Uint8Array) {
    this.key = key
    this.cipher = createCipheriv('aes-128-ctr', key, counterStart)
  }

  next(): number {
    const high = this.int32() >>> 5
    const low = this.int32() >>> 6
    return (high * 0x4000000 + low) / 0x20000000000000
  }

  fill(target: Int32Array): void {
    const count = target.length
    if (count > SHORT_COUNT) {
      this.fillLong(target)
      return
    }
    for (let i = 0; i < count; i += 1) target[i] = this.int32()
  }

  split(label: string): Random {
    return new KeyStream(createHmac('sha256', this.key).update(label).digest().subarray(0, KEY_BYTES))
  }

  private int32(): number {
    if (this.position === this.block.length) this.refill()
    const word = this.block[this.position] ?? 0
    this.position += 1
    return word
  }

  private fillLong(target: Int32Array): void {
    let filled = 0
    while (filled < target.length) {
      if (this.position === this.block.length) this.refill()
      const part = this.block.subarray(this.position, this.position + target.length - filled)
      target.set(part, filled)
      filled += part.length
      this.position += part.length
    }
  }

  private refill(): void {
    const bytes = this.cipher.update(zeros)
    this.block = new Int32Array(bytes.buffer, bytes.byteOffset, BLOCK_BYTES / 4)
    this.position = 0
  }
}
