/**
 * SHA-1, because access lists of scheme `digest` are made of it. Not for secrets: the scheme is as weak with
 * a real server. No Node module, so that the tree stays the same wherever it runs.
 */

/** 20 bytes. */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = pad(message)
  const view = new DataView(padded.buffer)
  const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0]
  const words = new Int32Array(80)
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + i * 4)
    for (let i = 16; i < 80; i += 1) {
      words[i] = turn(word(words, i - 3) ^ word(words, i - 8) ^ word(words, i - 14) ^ word(words, i - 16), 1)
    }
    mixBlock(state, words)
  }
  const digest = new DataView(new ArrayBuffer(20))
  for (const [index, part] of state.entries()) digest.setInt32(index * 4, part)
  return new Uint8Array(digest.buffer)
}

function mixBlock(state: number[], words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
  for (let i = 0; i < 80; i += 1) {
    const next = (turn(a, 5) + choose(i, b, c, d) + e + word(words, i)) | 0
    e = d
    d = c
    c = turn(b, 30)
    b = a
    a = next
  }
  for (const [index, part] of [a, b, c, d, e].entries()) state[index] = ((state[index] ?? 0) + part) | 0
}

/** The round's function together with its constant. */
function choose(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}

function word(words: Int32Array, index: number): number {
  return words[index] ?? 0
}

function turn(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64)
  padded.set(message)
  padded[message.length] = 0x80
  new DataView(padded.buffer).setUint32(padded.length - 4, message.length * 8)
  return padded
}
