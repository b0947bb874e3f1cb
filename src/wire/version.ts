/**
 * Which versions of the bytes this build writes and reads.
 *
 * Two numbers, because two things may change: how a frame is cut (seen by every reader before anything else)
 * and what is inside (agreed on in the handshake).
 *
 * Frame versions                       Protocol versions (HELLO)
 *   1  first                             1  first
 *
 * A reader takes every version it knows. Fixtures of every released version stay in test/fixtures/wire for
 * ever.
 */

/**
 * First byte of a frame: this mark in the high half, the version below. No HTTP verb or TLS record begins so.
 */
export const FRAME_MARK = 0x70
export const FRAME_VERSION = 1

/** What this build says in HELLO. */
export const PROTOCOL_VERSION = 1
/** Oldest protocol it still speaks. */
export const PROTOCOL_VERSION_MIN = 1

/** True if a peer that announced `version` can be spoken to. */
export function speaksProtocol(version: number): boolean {
  return version >= PROTOCOL_VERSION_MIN && version <= PROTOCOL_VERSION
}
