import { FormatError } from '../base/errors.ts'

/**
 * Ends the decoding of bytes that do not fit. The only way a decoder of this room fails: whatever arrives is
 * input, and the answer to bad input is one typed error, after which the link is closed.
 */
export function malformed(what: string): never {
  throw new FormatError('FRAME_MALFORMED', what)
}
