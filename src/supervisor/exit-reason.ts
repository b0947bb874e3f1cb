/**
 * Why a worker ended, from all that was seen of it: what the supervisor did, what the worker said last, how
 * the process ended, what stands at the end of its output. Pure.
 */
import { exitReasonOf } from '../cluster/exit-codes.ts'
import type { ExitReason } from '../cluster/seat-messages.ts'

export interface LastWords {
  readonly reason: ExitReason
  readonly text: string
  /** Of an `outdated` one: the incarnation of it that its peers know. */
  readonly newest?: number | undefined
}

export interface EndSeen {
  readonly code: number | undefined
  readonly signal: string | undefined
  /** Last words of the process, by its connection. */
  readonly said: LastWords | undefined
  /** What this supervisor did to it, if it did something. */
  readonly done: 'hung' | 'start-failed' | 'assignment-changed' | 'shutdown' | undefined
  readonly outputTail: string
}

export interface WorkerEnd {
  readonly reason: ExitReason
  /** For people: what is known, on one line. */
  readonly text: string
  readonly newest?: number | undefined
}

const TEXT_MAX = 500

export function judgeEnd(seen: EndSeen): WorkerEnd {
  const how =
    seen.signal !== undefined
      ? `signal ${seen.signal}`
      : seen.code === undefined
        ? 'unseen end'
        : `exit code ${seen.code}`
  // Our own doing explains the end, whatever it looks like.
  if (seen.done !== undefined) return end(seen.done, seen, how)
  const found = exitReasonOf(seen, seen.outputTail)
  // An adopted process is nobody's child here: only what it said, or wrote, can tell why it ended.
  const isUnseen = seen.code === undefined && seen.signal === undefined
  if (found === 'out-of-memory') return end(found, seen, how)
  if (seen.said !== undefined && (isUnseen || found === 'crash' || found === 'shutdown')) {
    return end(seen.said.reason, seen, how)
  }
  return end(found, seen, how)
}

function end(reason: ExitReason, seen: EndSeen, how: string): WorkerEnd {
  const last = seen.said?.text ?? lastLine(seen.outputTail)
  const text = last === '' ? how : `${how}: ${last}`
  const newest = reason === 'outdated' ? seen.said?.newest : undefined
  return { reason, text: text.slice(0, TEXT_MAX), ...(newest === undefined ? {} : { newest }) }
}

/** Of an error with its stack the message says more than the last line. */
function lastLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const fault = lines.findLast((line) => /Error\b|FATAL|out of memory/.test(line) && !/^\s+at /.test(line))
  return (fault ?? lines.at(-1) ?? '').trim()
}
