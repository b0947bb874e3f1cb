/** Numbers of frames: 1 … 2^32 - 1, and 1 again. 0 means none. */

export function sequenceAfter(sequence: number): number {
  return sequence === 0xffff_ffff ? 1 : sequence + 1
}

/** True if `left` was numbered later than `right`. Both lie within 2^31 frames of each other. */
export function isLater(left: number, right: number): boolean {
  return ((left - right) | 0) > 0
}
