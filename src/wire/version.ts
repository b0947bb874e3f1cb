/**
 * Which versions of the bytes this build writes and reads.
 *
 * Two numbers, because two things may change: how a frame is cut (seen by every reader before anything else)
 * and what is inside (agreed on in the handshake).
 *
 * Frame versions                       Protocol versions (HELLO)
 *   1  first                             1  first
 *                                        2  SUSPECT names the incarnation in which a worker came back
 *
 * A HELLO says two protocols: in its body the oldest that its worker speaks, in the place of the frame's
 * number, where protocol 1 writes 0 and does not look, the newest. WELCOME says which one is spoken: the
 * newest that both know. So a build that adds a protocol is still understood by those without it.
 *
 * A reader takes every version it knows. Fixtures of every released version stay in test/fixtures/wire for
 * ever.
 */

/**
 * First byte of a frame: this mark in the high half, the version below. No HTTP verb or TLS record begins so.
 */
export const FRAME_MARK = 0x70
export const FRAME_VERSION = 1

/** Newest protocol of this build. */
export const PROTOCOL_VERSION = 2
/** Oldest protocol it still speaks. */
export const PROTOCOL_VERSION_MIN = 1

/** True if this build speaks `version`. */
export function speaksProtocol(version: number): boolean {
  return version >= PROTOCOL_VERSION_MIN && version <= PROTOCOL_VERSION
}

/** What is spoken with a peer that speaks `oldest` to `newest`, 0: `oldest` only. undefined: nothing fits. */
export function commonProtocol(oldest: number, newest: number): number | undefined {
  const common = Math.min(Math.max(oldest, newest), PROTOCOL_VERSION)
  return common >= oldest && speaksProtocol(common) ? common : undefined
}
