/** Who must act on an error. */
export type ErrorFamily = 'usage' | 'unavailable' | 'conflict' | 'format' | 'user-code'

/** What the table holds of a code. */
export interface ErrorCodeEntry {
  /** Short form for people: `typhoon explain E1004`. */
  readonly number: string
  readonly family: ErrorFamily
  /** What happened, in a sentence. */
  readonly meaning: string
  /** What to do about it. */
  readonly action: string
}
