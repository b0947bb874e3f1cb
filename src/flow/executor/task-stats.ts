/** Exact counts of one task, and its sampled times. Plain fields: they are touched for every tuple. */
import { Histogram } from '../../base/histogram.ts'

export class TaskStats {
  readonly componentId: string
  readonly task: number
  readonly kind: 'spout' | 'bolt'
  executedCount = 0
  ackedCount = 0
  failedCount = 0
  /** Calls that threw, retries included. */
  threwCount = 0
  retriedCount = 0
  skippedCount = 0
  deadLetteredCount = 0
  /** Of a source whose replays the engine does. */
  replayedCount = 0
  expiredCount = 0
  tickCount = 0
  /** Records a source could not read and was told to skip. */
  invalidCount = 0
  /** One call of execute, or for a spout from emit to ack: milliseconds, sampled. */
  readonly executeMs = new Histogram()
  readonly completeMs = new Histogram()
  /** Emits by stream id are read from the task's outputs when they are asked for. */
  streams: ReadonlyMap<string, { readonly emittedCount: number; readonly transferredCount: number }> =
    new Map()

  constructor(componentId: string, task: number, kind: 'spout' | 'bolt') {
    this.componentId = componentId
    this.task = task
    this.kind = kind
  }
}
