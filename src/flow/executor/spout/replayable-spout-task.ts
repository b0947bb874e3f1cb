/**
 * A task of `replayableSpout`: reads its share of the partitions, keeps for each how far it is done without a
 * gap.
 *
 *   partitions ─▶ a reader each ─▶ batches, in turn ─▶ emit ─▶ acked ─▶ prefix of the partition ─▶ stored
 *
 * A partition belongs to one task, by its name (partition-share.ts): partitions that come and go do not move
 * the others. One that comes back is read on behind what was read of it before.
 *
 * A reader that throws is opened again at the last item it gave, with growing waits; an error that says
 * itself that trying again is of no use stops the topology.
 */
import { Backoff } from '../../../base/backoff.ts'
import { isStreamError, UsageError, UserCodeError } from '../../../base/errors.ts'
import type {
  ReplayableSpoutDefinition,
  RuntimePositioned,
  RuntimeReplayableSpoutSpec,
} from '../../../topology/definition.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { durationOr, messageOf } from '../user-code.ts'
import { AckedPrefix, PositionedEntry } from './acked-prefix.ts'
import { taskOfPartition } from './partition-share.ts'
import { SourceTask } from './source-task.ts'
import { Next, type SpoutHome } from './spout-task.ts'

const REFRESH_MS = 30_000
/**
 * Items of a partition handed out after the oldest one that is not done. Bounds memory while one keeps
 * failing.
 */
const AHEAD_MAX = 250_000
const REOPEN_WAITS = { firstMs: 100, factor: 2, maxMs: 10_000 }

/** What a position store is told of a partition. */
export interface PartitionProgress {
  readonly partition: string
  /** Everything before it is done; undefined: nothing yet. */
  readonly position: unknown
  /** Items handed out and done since this task started. */
  readonly takenCount: number
  readonly doneCount: number
  readonly isFinished: boolean
}

/** A record that the source could not read and that the user wants out of the way. */
interface InvalidRecord {
  readonly code: string
  readonly message: string
  readonly raw: unknown
  readonly action: 'skip' | 'dead-letter'
}

interface Reader {
  readonly partition: string
  readonly prefix: AckedPrefix
  readonly reopen: Backoff
  readonly end: AbortController
  iterator: AsyncIterator<unknown> | undefined
  batch: readonly RuntimePositioned[]
  at: number
  isWaiting: boolean
  isFinished: boolean
  /** It was ended, and a refresh ago all its items were done: what it knows has been collected. */
  isSettled: boolean
}

const NO_BATCH: readonly RuntimePositioned[] = []

export class ReplayableSpoutTask extends SourceTask {
  readonly spec: RuntimeReplayableSpoutSpec
  private readers: Reader[] = []
  private turn = 0
  private isStopped = false

  constructor(
    self: TaskIdentity,
    services: EngineServices,
    home: SpoutHome,
    definition: ReplayableSpoutDefinition,
  ) {
    super(self, services, home, definition.eventTime)
    const { spec } = definition
    this.spec = spec.bindHost?.(services.host as never) ?? spec
  }

  async open(): Promise<void> {
    await this.refresh(0)
    const refreshMs = durationOr(this.spec.partitionRefresh, REFRESH_MS)
    const timer = this.services.host.timers.every(refreshMs, () => {
      this.refresh(refreshMs / 2).catch((error: unknown) => this.reportThrow(error))
    })
    const onEnd = () => {
      timer.stop()
      // Also at an end in bad order: files of this process stay open if nobody closes them.
      for (const reader of this.readers) this.endReader(reader)
    }
    this.self.context.signal.addEventListener('abort', onEnd, { once: true })
  }

  async close(): Promise<void> {
    this.isStopped = true
    for (const reader of this.readers) this.endReader(reader)
  }

  progress(): readonly PartitionProgress[] {
    return this.readers.map((reader) => ({
      partition: reader.partition,
      position: reader.prefix.position,
      takenCount: reader.prefix.takenCount,
      doneCount: reader.prefix.doneCount,
      isFinished: reader.isFinished && reader.prefix.openCount === 0,
    }))
  }

  /** HOT. */
  protected nextItem(): number {
    const { readers } = this
    for (let i = 0; i < readers.length; i += 1) {
      const reader = readers[this.turn % readers.length]
      if (reader === undefined) continue
      if (reader.at < reader.batch.length && reader.prefix.openCount < AHEAD_MAX) {
        this.emitNext(reader)
        return Next.EMITTED
      }
      // A batch is used up before the next partition has its turn: neighbours share cache lines and patience.
      this.turn = (this.turn + 1) % readers.length
      if (this.mayFetch(reader)) this.fetch(reader)
    }
    const isAllRead = readers.every((reader) => reader.isFinished && reader.at >= reader.batch.length)
    return isAllRead && this.pendingCount === 0 && !this.hasReplays ? Next.FINISHED : Next.WAITING
  }

  protected onItemDone(messageId: unknown): void {
    if (messageId instanceof PositionedEntry) messageId.prefix.done(messageId)
  }

  private mayFetch(reader: Reader): boolean {
    if (reader.isWaiting || reader.isFinished || this.isStopped) return false
    return reader.at >= reader.batch.length
  }

  /** HOT. */
  private emitNext(reader: Reader): void {
    const item = reader.batch[reader.at]
    reader.at += 1
    if (typeof item !== 'object' || item === null) {
      this.onReadError(reader, notPositioned(this.self.componentId, reader.partition))
      return
    }
    const entry = reader.prefix.take(item.position)
    const invalid = invalidOf(item)
    if (invalid === undefined) this.emitItem(item.values, entry, 0)
    else this.setAside(invalid, entry)
  }

  private setAside(invalid: InvalidRecord, entry: PositionedEntry): void {
    const { componentId, task } = this.self
    const code = invalid.code === 'FRAME_TOO_LARGE' ? 'FRAME_TOO_LARGE' : 'SOURCE_RECORD_INVALID'
    const error = new UserCodeError(code, invalid.message, {
      component: componentId,
      task,
    })
    if (invalid.action === 'dead-letter') this.onPoison({ raw: invalid.raw }, entry, error)
    else {
      this.self.stats.invalidCount += 1
      this.services.desk.report({ componentId, task, error })
      this.onItemDone(entry)
    }
  }

  private fetch(reader: Reader): void {
    const { host } = this.services
    reader.isWaiting = true
    host.userCallBegan()
    const { prefix } = reader
    let next: Promise<IteratorResult<unknown>>
    try {
      this.services.beforeCall?.(this.self.componentId, 'read')
      reader.iterator ??= this.spec
        .read(reader.partition, prefix.lastTaken, reader.end.signal)
        [Symbol.asyncIterator]()
      // A source that gives plain results is taken as well.
      next = Promise.resolve(reader.iterator.next())
    } catch (error) {
      host.userCallEnded()
      this.onReadError(reader, error)
      return
    }
    next.then(
      (result) => {
        host.userCallEnded()
        this.onBatch(reader, result)
      },
      (error: unknown) => {
        host.userCallEnded()
        this.onReadError(reader, error)
      },
    )
  }

  private onBatch(reader: Reader, result: IteratorResult<unknown>): void {
    reader.isWaiting = false
    if (this.isGone(reader)) return
    if (result?.done === true) reader.isFinished = true
    else {
      reader.reopen.reset()
      const value: unknown = result?.value
      reader.batch = Array.isArray(value) ? value : [value as RuntimePositioned]
      reader.at = 0
    }
    this.home.wake()
  }

  private onReadError(reader: Reader, error: unknown): void {
    if (this.isGone(reader)) return
    reader.iterator = undefined
    if (isStreamError(error) && !error.retryable) {
      this.isStopped = true
      this.stop(error)
      return
    }
    const { componentId, task } = this.self
    const message = `reading ${reader.partition} failed, it is opened again: ${messageOf(error)}`
    const details = { component: componentId, partition: reader.partition }
    const wrapped = new UserCodeError('SOURCE_ENDED_WITH_ERROR', message, details, { cause: error })
    this.self.stats.threwCount += 1
    this.services.desk.report({ componentId, task, error: wrapped })
    this.services.host.timers.after(reader.reopen.nextMs(), () => {
      reader.isWaiting = false
      this.home.wake()
    })
  }

  /** What still comes counts for nothing. */
  private isGone(reader: Reader): boolean {
    return reader.end.signal.aborted || this.self.end.signal.aborted
  }

  /** Takes up new partitions of its share, and lets go of those that are gone. */
  private async refresh(maxAgeMs: number): Promise<void> {
    const { componentId, context, taskIndex } = this.self
    const { taskCount } = context
    const ask = async () => await this.spec.partitions(context)
    const names = await this.services.positions.partitionsOf(componentId, ask, maxAgeMs)
    if (this.isStopped) return
    const mine = new Set(names.filter((name) => taskOfPartition(name, taskCount) === taskIndex))
    const kept = this.readers.filter((reader) => !reader.isSettled || mine.has(reader.partition))
    const known = new Map(kept.map((reader) => [reader.partition, reader]))
    for (const reader of kept) {
      if (!mine.has(reader.partition)) this.endReader(reader)
      reader.isSettled = reader.end.signal.aborted && reader.prefix.openCount === 0
    }
    for (const partition of mine) {
      const before = known.get(partition)
      if (before !== undefined && !before.end.signal.aborted) continue
      known.set(partition, this.makeReader(partition, before?.prefix))
      this.goOn()
    }
    this.readers = [...known.values()]
    this.home.wake()
  }

  /** It had come to the end of all partitions there were. */
  private goOn(): void {
    if (!this.isFinished) return
    this.isFinished = false
    this.services.desk.sourceResumed(this.self.task)
  }

  /** `before`: of a partition that was gone for a while. It is read on behind what was read then. */
  private makeReader(partition: string, before: AckedPrefix | undefined): Reader {
    const { positions, random } = this.services
    return {
      partition,
      prefix: before ?? new AckedPrefix(positions.stored(this.self.componentId, partition)),
      reopen: new Backoff(REOPEN_WAITS, () => random.next()),
      end: new AbortController(),
      iterator: undefined,
      batch: NO_BATCH,
      at: 0,
      isWaiting: false,
      isFinished: false,
      isSettled: false,
    }
  }

  private endReader(reader: Reader): void {
    if (reader.end.signal.aborted) return
    reader.isFinished = true
    reader.batch = NO_BATCH
    reader.at = 0
    reader.end.abort()
    const ended = reader.iterator?.return?.()
    // A generator that is in the middle of a read ends when that is done; nobody waits for it.
    ended?.catch((error: unknown) => {
      if (!this.self.end.signal.aborted) this.reportThrow(error)
    })
  }
}

function notPositioned(componentId: string, partition: string): UsageError {
  return new UsageError(
    'VALUE_INVALID',
    `reading ${partition} of ${componentId} gave something that is no item with values and a position`,
    { component: componentId, partition },
  )
}

function invalidOf(item: RuntimePositioned): InvalidRecord | undefined {
  return 'invalid' in item ? (item.invalid as InvalidRecord) : undefined
}
