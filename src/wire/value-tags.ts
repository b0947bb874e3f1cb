/**
 * Tags of values whose kind is not known beforehand: the byte in front of each.
 *
 *   0x00–0x7f  the int 0…127 itself, nothing follows
 *   0x80       undefined
 *   0x81       null
 *   0x82       false
 *   0x83       true
 *   0x84       int        int
 *   0x85       number     float (all that are no safe integer: fractions, NaN, ±Infinity, beyond 2^53)
 *   0x86       bigint     bigint
 *   0x87       text       text
 *   0x88       bytes      bytes
 *   0x89       Date       float: milliseconds, NaN for an invalid one
 *   0x8a       array      unsigned count, values
 *   0x8b       Map        unsigned count, key and value in turn, in its order
 *   0x8c       Set        unsigned count, values, in its order
 *   0x8d       object     unsigned count, text key and value in turn, own enumerable ones in their order
 *   0x8e       object without a prototype, as 0x8d
 *   0x8f…0xff  not used: malformed
 *
 * The primitives (int, float, text …) are those of byte-writer.ts.
 */
export const Tag = {
  SMALL_INT_MAX: 0x7f,
  UNDEFINED: 0x80,
  NULL: 0x81,
  FALSE: 0x82,
  TRUE: 0x83,
  INT: 0x84,
  FLOAT: 0x85,
  BIGINT: 0x86,
  TEXT: 0x87,
  BYTES: 0x88,
  DATE: 0x89,
  ARRAY: 0x8a,
  MAP: 0x8b,
  SET: 0x8c,
  OBJECT: 0x8d,
  BARE_OBJECT: 0x8e,
} as const

/** How deep values may be nested, on both sides. */
export const VALUE_DEPTH_MAX = 1000
