import { createHash } from 'node:crypto'
import type { DigestAlgorithm } from './host.ts'

/** Digest of bytes. A function of its own because the virtual host uses it as well: it depends on nothing. */
export function nodeDigest(algorithm: DigestAlgorithm, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(algorithm).update(bytes).digest())
}
