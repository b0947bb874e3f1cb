/**
 * The worker's desk: what executors report comes here, is counted, limited, and told to whoever runs the
 * worker.
 *
 * Limits: `maxErrorReportPerInterval` reported errors of a task in `errorThrottleInterval`; the rest are only
 * counted, but for the first of each code. Failures of user code are counted against `maxFailures` in
 * `maxFailuresWindow`, by the worker's clock.
 */
import { isStreamError, type StreamError, UserCodeError } from '../base/errors.ts'
import type { TopologySettings } from '../config/settings.ts'
import type { ReportedError, WorkerDesk } from '../flow/executor/services.ts'
import { messageOf } from '../flow/executor/user-code.ts'
import type { Clock } from '../host/host.ts'
import type { DeadLetter } from '../topology/tuple.ts'

/** An error as it is shown. */
export interface ShownError {
  readonly componentId: string
  readonly task: number
  readonly code: string
  readonly error: StreamError
  readonly at: number
}

/**
 * Who runs the worker: a local cluster, or later the worker's main. Called from within steps; must be quick.
 */
export interface WorkerOwner {
  onError(worker: number, shown: ShownError): void
  /** How many errors were held back for a task by the limit, for the log. */
  onErrorsHeldBack(worker: number, componentId: string, count: number): void
  onDeadLetter(worker: number, letter: DeadLetter): boolean
  onRestartWanted(worker: number, reported: ReportedError): void
  onStopWanted(worker: number, reported: ReportedError): void
  onSourceFinished(worker: number, task: number): void
  onSourceResumed(worker: number, task: number): void
  /** A broken invariant: the worker must not go on. */
  onBroken(worker: number, error: unknown): void
}

interface Span {
  startMs: number
  readonly codes: Set<string>
  shownCount: number
  heldCount: number
}

export class Desk implements WorkerDesk {
  /** By code. Exact, whatever the limit holds back. */
  readonly errorCounts = new Map<string, number>()
  private readonly worker: number
  private readonly settings: TopologySettings
  private readonly clock: Clock
  private readonly owner: WorkerOwner
  private readonly spans = new Map<string, Span>()
  private failureTimes: number[] = []
  private isStopping = false

  constructor(worker: number, settings: TopologySettings, clock: Clock, owner: WorkerOwner) {
    this.worker = worker
    this.settings = settings
    this.clock = clock
    this.owner = owner
  }

  report(reported: ReportedError): void {
    const error = typed(reported)
    this.count(error.code)
    const { componentId, task } = reported
    const at = this.clock.now()
    if (!this.mayShow(reported, error.code, at)) return
    this.owner.onError(this.worker, { componentId, task, code: error.code, error, at })
  }

  /** What is to be expected, and no error to be shown. */
  count(code: string): void {
    this.errorCounts.set(code, (this.errorCounts.get(code) ?? 0) + 1)
  }

  storeDeadLetter(letter: DeadLetter): boolean {
    return this.owner.onDeadLetter(this.worker, letter)
  }

  restartWorker(reported: ReportedError): void {
    this.owner.onRestartWanted(this.worker, reported)
  }

  stopTopology(reported: ReportedError): void {
    this.owner.onStopWanted(this.worker, reported)
  }

  sourceFinished(task: number): void {
    this.owner.onSourceFinished(this.worker, task)
  }

  sourceResumed(task: number): void {
    this.owner.onSourceResumed(this.worker, task)
  }

  countFailure(reported: ReportedError): void {
    const { maxFailures, maxFailuresWindowMs } = this.settings
    if (maxFailures === undefined || this.isStopping) return
    const now = this.clock.now()
    this.failureTimes.push(now)
    // At most maxFailures times are kept: older ones cannot matter.
    while (
      (this.failureTimes[0] ?? now) < now - maxFailuresWindowMs ||
      this.failureTimes.length > maxFailures + 1
    ) {
      this.failureTimes.shift()
    }
    if (this.failureTimes.length <= maxFailures) return
    this.isStopping = true
    const error = new UserCodeError(
      'TOO_MANY_FAILURES',
      `${this.failureTimes.length} failures within ${maxFailuresWindowMs / 1_000} s, ` +
        `${maxFailures} are allowed`,
      { component: reported.componentId, maxFailures },
      { cause: reported.error },
    )
    this.report({ ...reported, error })
    this.owner.onStopWanted(this.worker, { ...reported, error })
  }

  /**
   * A code that is new in this span is always shown: the one error that explains must not drown in others.
   */
  private mayShow({ componentId, task }: ReportedError, code: string, at: number): boolean {
    const { errorThrottleIntervalMs, maxErrorReportPerInterval } = this.settings
    const key = `${componentId}/${task}`
    let span = this.spans.get(key)
    if (span === undefined || at - span.startMs >= errorThrottleIntervalMs) {
      if (span !== undefined && span.heldCount > 0) {
        this.owner.onErrorsHeldBack(this.worker, componentId, span.heldCount)
      }
      span = { startMs: at, codes: new Set(), shownCount: 0, heldCount: 0 }
      this.spans.set(key, span)
    }
    const isNew = !span.codes.has(code)
    span.codes.add(code)
    if (maxErrorReportPerInterval > 0 && (isNew || span.shownCount < maxErrorReportPerInterval)) {
      span.shownCount += 1
      return true
    }
    span.heldCount += 1
    return false
  }
}

function typed({ error, componentId, task }: ReportedError): StreamError {
  if (isStreamError(error)) return error
  return new UserCodeError(
    'EXECUTE_THREW',
    `${componentId}: ${messageOf(error)}`,
    { component: componentId, task },
    { cause: error },
  )
}
