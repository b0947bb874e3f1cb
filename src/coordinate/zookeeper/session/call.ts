/** One request and what becomes of it: an answer, an error, or nobody waits for it any more. */
import { type Deferred, deferred } from '../../../base/deferred.ts'
import { hasCode } from '../../../base/errors.ts'
import type { JuteReader } from '../protocol/jute-reader.ts'
import { isLoginRefused } from '../protocol/server-errors.ts'

/** Reads an answer. `code` is the server's error, 0 if there is none. @throws the error of the call */
export type AnswerReader<T> = (reader: JuteReader, code: number) => T

export interface CallSpec<T> {
  readonly xid: number
  readonly frame: Uint8Array<ArrayBuffer>
  /** The call and its path, for messages. */
  readonly what: string
  /** Monotonic. */
  readonly deadlineMs: number
  readonly read: AnswerReader<T>
}

/** A call as the queue sees it. */
export interface PendingCall {
  readonly xid: number
  readonly frame: Uint8Array<ArrayBuffer>
  readonly what: string
  readonly deadlineMs: number
  /** Monotonic; -1 while it was not sent. */
  sentMs: number
  isSettled: boolean
  /** @throws FormatError FRAME_MALFORMED the answer cannot be; the call is still open then */
  answer(reader: JuteReader, code: number): void
  fail(error: Error): void
}

export class Call<T> implements PendingCall {
  readonly xid: number
  readonly frame: Uint8Array<ArrayBuffer>
  readonly what: string
  readonly deadlineMs: number
  sentMs = -1
  isSettled = false
  private readonly read: AnswerReader<T>
  private readonly settled: Deferred<T> = deferred<T>()

  constructor(spec: CallSpec<T>) {
    this.xid = spec.xid
    this.frame = spec.frame
    this.what = spec.what
    this.deadlineMs = spec.deadlineMs
    this.read = spec.read
  }

  get promise(): Promise<T> {
    return this.settled.promise
  }

  answer(reader: JuteReader, code: number): void {
    if (this.isSettled) return
    try {
      this.settled.resolve(this.read(reader, code))
    } catch (error) {
      if (hasCode(error, 'FRAME_MALFORMED') && !isLoginRefused(code)) throw error
      this.settled.reject(error)
    }
    this.isSettled = true
  }

  fail(error: Error): void {
    if (this.isSettled) return
    this.isSettled = true
    this.settled.reject(error)
  }
}
