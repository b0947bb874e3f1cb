/**
 * The body of a TUPLES frame: tuples for tasks of one worker, one after the other, each against the one
 * before it.
 *
 * Route:   tuple-batch-writer.ts writes it, tuple-cursor.ts reads it. This file is the layout.
 *
 *   tuple = flags u8
 *           [stream number unsigned, source task unsigned]     unless SAME_SOURCE
 *           [target task unsigned]                             unless SAME_TARGET
 *           roots, by the two bits of ROOTS:
 *             NONE   nothing
 *             ONE    root (8 bytes), edge (8 bytes), [acker task unsigned]   unless SAME_ACKER
 *             SAME   edge (8 bytes): root and acker are those of the newest tuple with ROOTS ONE or SAME
 *             MANY   unsigned count, then for each: root, edge, acker task unsigned
 *           [time int]      if TIME: ms since the newest TIME of the batch, 0 at first
 *           [time float]    if EXACT_TIME: it is no safe integer, or too far off
 *           row length unsigned, row                           row-codec.ts
 *
 *   "The one before" starts with stream, source, target, root, acker and time 0. Ids are two int32, low half
 *   first, little endian. Flags TIME and EXACT_TIME exclude each other. There is no count of tuples: the
 *   frame ends, so do they.
 */
export const TupleFlag = {
  SAME_SOURCE: 0x01,
  SAME_TARGET: 0x02,
  ROOTS: 0x0c,
  SAME_ACKER: 0x10,
  TIME: 0x20,
  EXACT_TIME: 0x40,
  UNUSED: 0x80,
} as const

/** Values of the two bits ROOTS, in place. */
export const Roots = { NONE: 0x00, ONE: 0x04, SAME: 0x08, MANY: 0x0c } as const

/** Fewest bytes of one root among many: two ids and an acker. */
export const ROOT_BYTES_MIN = 17
