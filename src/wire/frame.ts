/**
 * Frame: the envelope of everything two workers send each other.
 *
 * Route:   a batch or control-codec.ts writes a body between `beginFrame` and `endFrame` → messaging sends it
 *          → frame-reader.ts of the other worker.
 * Touches: nothing outside; the checksum is handed in.
 *
 *   byte  0         1       2                6               10              14       14 + length
 *         ┌─────────┬───────┬────────────────┬───────────────┬───────────────┬────────┬──────────────┐
 *         │ mark,   │ kind  │ body length    │ sequence      │ incarnation   │ body … │ crc32 of all │
 *         │ version │ u8    │ u32            │ u32           │ u32           │        │ before it u32│
 *         └─────────┴───────┴────────────────┴───────────────┴───────────────┴────────┴──────────────┘
 *
 *   Numbers of the envelope are big endian. Mark and version: 0x70 | version.
 *   sequence      counts the frames of one direction of a link from 1 on, over reconnects: a gap is a loss.
 *                 After 2^32 - 1 comes 1; 0 means none. Frames that answer say with it the newest one seen.
 *   incarnation   of the worker it is meant for: bytes for an older or a newer one must not be believed.
 *   crc32         IEEE, over envelope and body, at the end so that it covers one run of bytes.
 *
 * Versions
 *   1  first
 */
import type { ByteWriter } from './byte-writer.ts'
import { FRAME_MARK, FRAME_VERSION } from './version.ts'

export const FRAME_HEAD_BYTES = 14
export const FRAME_TAIL_BYTES = 4

/** What a frame's body is. Numbers are bytes on the wire: never given to another meaning. */
export const FrameKind = {
  /** Handshake of who dialled. control-codec.ts */
  HELLO: 1,
  /** Its answer. control-codec.ts */
  WELCOME: 2,
  /** A batch of tuples. tuple-batch.ts */
  TUPLES: 3,
  /** A batch of ack entries. ack-batch.ts */
  ACKS: 4,
  /** Room granted per receiving executor. control-codec.ts */
  CREDIT: 5,
  /** Are you there? control-codec.ts */
  ECHO: 6,
  ECHO_REPLY: 7,
  /** The orderly end, with a reason. control-codec.ts */
  GOODBYE: 8,
  /** Trees that passed another link may be lost. control-codec.ts */
  SUSPECT: 9,
} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]
export const FRAME_KIND_MAX = FrameKind.SUSPECT

/** CRC-32 (IEEE) of bytes, as an unsigned number. `Host.checksum` is one. */
export type Checksum = (bytes: Uint8Array) => number

/** Writes the envelope. Returns where the frame begins: for `endFrame`. */
export function beginFrame(
  writer: ByteWriter,
  kind: FrameKind,
  sequence: number,
  incarnation: number,
): number {
  const start = writer.position
  writer.reserve(FRAME_HEAD_BYTES)
  writer.bytes[start] = FRAME_MARK | FRAME_VERSION
  writer.bytes[start + 1] = kind
  writer.view.setUint32(start + 2, 0)
  writer.view.setUint32(start + 6, sequence)
  writer.view.setUint32(start + 10, incarnation)
  writer.position = start + FRAME_HEAD_BYTES
  return start
}

/** Fills in the length and leaves room for the checksum: a frame whose numbers are not known yet. */
export function boundFrame(writer: ByteWriter, start: number): void {
  writer.view.setUint32(start + 2, writer.position - start - FRAME_HEAD_BYTES)
  writer.reserve(FRAME_TAIL_BYTES)
  writer.position += FRAME_TAIL_BYTES
}

/** Gives a bound frame its numbers and its checksum. May be done again as long as it was not sent. */
export function stampFrame(
  frame: Uint8Array,
  sequence: number,
  incarnation: number,
  checksum: Checksum,
): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const bodyEnd = frame.length - FRAME_TAIL_BYTES
  view.setUint32(6, sequence)
  view.setUint32(10, incarnation)
  view.setUint32(bodyEnd, checksum(frame.subarray(0, bodyEnd)))
}

/** Fills in length and checksum. What was written since `start` is a whole frame now. */
export function endFrame(writer: ByteWriter, start: number, checksum: Checksum): void {
  boundFrame(writer, start)
  const bodyEnd = writer.position - FRAME_TAIL_BYTES
  writer.view.setUint32(bodyEnd, checksum(writer.bytes.subarray(start, bodyEnd)))
}
