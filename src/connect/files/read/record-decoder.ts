/** How the bytes of a record become the values of a tuple; and what is thrown where they do not. */

/** A record is none: a blank line, a header. Nothing is emitted. */
export const NO_RECORD: unique symbol = Symbol('no record')

export interface RecordDecoder {
  /**
   * HOT for lines. The values of the record in `bytes` from `from` to before `to`, or a promise of them, or
   * NO_RECORD.
   * @throws InvalidRecordError, or anything else: the record is invalid
   */
  decode(bytes: Uint8Array, from: number, to: number): unknown
}

/** Why a record is invalid. Becomes SOURCE_RECORD_INVALID with its place, or a skip, or a dead letter. */
export class InvalidRecordError extends Error {}

/** Text of bytes, never repaired. */
export class StrictText {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  /** @throws InvalidRecordError */
  decode(bytes: Uint8Array, from: number, to: number): string {
    try {
      return this.decoder.decode(bytes.subarray(from, to))
    } catch (error) {
      throw new InvalidRecordError('its bytes are no valid UTF-8', { cause: error })
    }
  }
}
