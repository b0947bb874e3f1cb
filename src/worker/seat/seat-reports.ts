/**
 * What the executors of a worker tell their owner, as messages to the supervisor: errors, dead letters,
 * wishes to stop or start again.
 *
 * Bounds: errors are throttled by the desk before they come here; a dead letter's values are cut to
 * `VALUES_CHARS_MAX`.
 */
import { isStreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { SeatFault, ToSupervisor } from '../../cluster/seat-messages.ts'
import type { ReportedError } from '../../flow/executor/services.ts'
import { messageOf } from '../../flow/executor/user-code.ts'
import { toPlainJson } from '../../state/plain-json.ts'
import type { Json } from '../../topology/describe/document.ts'
import type { DeadLetter } from '../../topology/tuple.ts'
import type { ShownError, WorkerOwner } from '../desk.ts'
import { type Sources, stackInSources } from './user-frame.ts'

const STACK_CHARS_MAX = 8_000
const MESSAGE_CHARS_MAX = 4_000
const VALUES_CHARS_MAX = 64 * 1024

export interface ReportsSpec {
  readonly log: Logger
  readonly now: () => number
  /** Of the bundle; undefined: stacks are told as they are. */
  readonly sources: Sources | undefined
  /** False: it could not be taken. */
  readonly tell: (message: ToSupervisor) => boolean
  readonly onRestartWanted: (why: string) => void
  readonly onStopWanted: () => void
  readonly onBroken: (error: unknown) => void
}

export class SeatReports implements WorkerOwner {
  private readonly spec: ReportsSpec
  private isStopWanted = false

  constructor(spec: ReportsSpec) {
    this.spec = spec
  }

  onError(_worker: number, { componentId, task, error, at }: ShownError): void {
    this.spec.log.warn('a component reports an error', {
      ...{ component: componentId, task, code: error.code },
      text: error.message,
    })
    this.spec.tell({ kind: 'fault', fault: faultOf(error, { componentId, task, at }, this.spec.sources) })
  }

  onErrorsHeldBack(_worker: number, componentId: string, count: number): void {
    this.spec.log.warn('errors were held back by their limit', { component: componentId, count })
  }

  onDeadLetter(_worker: number, letter: DeadLetter): boolean {
    return this.spec.tell({ kind: 'dead-letter', letter: letterOf(letter) })
  }

  onRestartWanted(_worker: number, { error }: ReportedError): void {
    this.spec.onRestartWanted(messageOf(error))
  }

  onStopWanted(_worker: number, { componentId, task, error }: ReportedError): void {
    if (this.isStopWanted) return
    this.isStopWanted = true
    this.spec.tell({
      kind: 'stop-wanted',
      fault: faultOf(error, { componentId, task, at: this.spec.now() }, this.spec.sources),
    })
    this.spec.onStopWanted()
  }

  onSourceFinished(): void {
    // Heartbeats say it.
  }

  onSourceResumed(): void {
    // The same.
  }

  onBroken(_worker: number, error: unknown): void {
    this.spec.onBroken(error)
  }
}

export function faultOf(
  error: unknown,
  where: { readonly componentId: string; readonly task: number; readonly at: number },
  sources: Sources | undefined,
): SeatFault {
  const own = isStreamError(error) ? error : undefined
  const cause = own?.cause instanceof Error ? own.cause : error
  const plain = cause instanceof Error ? cause.stack : undefined
  const stack = plain && sources ? stackInSources(plain, sources) : plain
  return {
    code: own?.code ?? 'EXECUTE_THREW',
    family: own?.family ?? 'user-code',
    component: where.componentId,
    task: where.task,
    message: messageOf(error).slice(0, MESSAGE_CHARS_MAX),
    stack: stack?.slice(0, STACK_CHARS_MAX),
    at: where.at,
  }
}

/**
 * What JSON cannot say is tagged as plain-json.ts does; what is too long, or cannot be said at all, is text.
 */
function letterOf({ values, ...letter }: DeadLetter): Json {
  const message = letter.message.slice(0, MESSAGE_CHARS_MAX)
  let text: string
  try {
    text = toPlainJson(values)
  } catch {
    return { ...letter, message, values: null, lost: 'the values cannot be written as text' }
  }
  if (text.length > VALUES_CHARS_MAX) {
    return { ...letter, message, values: null, lost: `the values are ${text.length} characters of text` }
  }
  return { ...letter, message, values: JSON.parse(text) }
}
