/**
 * Sources that stand in for real ones: rows in memory, by partition, replayable whatever the real source is.
 *
 *   mockSource(rows) ─▶ MockFeed ─▶ a replayable spout's `read` ─▶ the engine
 *   testDriver.push ───────▲
 *
 * A feed belongs to a run and outlives its workers: one that starts again goes on reading where its stored
 * position is.
 */
import type { Host, Stoppable } from '../../host/host.ts'
import type {
  ReplayableSpoutDefinition,
  RuntimePositioned,
  RuntimeReplayableSpoutSpec,
  SpoutDefinition,
} from '../../topology/definition.ts'
import type { SourceHandle } from '../../topology/handle.ts'

/** Stands in for a source. */
export interface MockSource {
  readonly component: string
}

/** Options of a replaced source. */
export interface MockOptions {
  /** Items per second of virtual time. Default: as fast as they are taken. */
  readonly rate?: number
  /** Partitions to spread the items over, in turn. Default 1. */
  readonly partitions?: number
}

/** What `mockSource` gives, with what only this room reads. */
export interface MockRows extends MockSource {
  readonly rows: readonly unknown[]
  readonly options: MockOptions
}

/**
 * Replaces a source by rows. It is replayable, whatever the real one is; the real one is not opened. The rows
 * are its stream `default`.
 * @param source a handle, or a component id
 */
export function mockSource<V>(
  source: SourceHandle<V> | string,
  rows: readonly NoInfer<V>[],
  options: MockOptions = {},
): MockSource {
  const made: MockRows = {
    component: typeof source === 'string' ? source : source.componentId,
    rows,
    options,
  }
  return made
}

/** Where an item of a feed stands. */
export class MockPosition {
  readonly partition: string
  readonly index: number

  constructor(partition: string, index: number) {
    this.partition = partition
    this.index = index
  }
}

/** Items that one call of a reader gives at most. */
const BATCH_MAX = 100

export class MockFeed {
  readonly partitions: readonly string[]
  private readonly rows: unknown[][]
  private readonly gapMs: number
  private readonly waiting = new Set<() => void>()
  private count = 0
  private isEnded = false

  constructor({ rate, partitions = 1 }: MockOptions = {}) {
    this.partitions = Array.from({ length: partitions }, (_, index) => `p${index}`)
    this.rows = this.partitions.map(() => [])
    this.gapMs = rate === undefined ? 0 : 1_000 / rate
  }

  push(items: readonly unknown[]): void {
    for (const item of items) {
      this.rows[this.count % this.rows.length]?.push(item)
      this.count += 1
    }
    this.wake()
  }

  /** No further items will come. */
  end(): void {
    this.isEnded = true
    this.wake()
  }

  /** Items of a partition from `index` on that are due, and when the next one is; Infinity: nobody knows. */
  ready(partition: string, index: number, nowMs: number): { items: readonly unknown[]; nextMs: number } {
    const number = this.partitions.indexOf(partition)
    const rows = this.rows[number] ?? []
    let end = Math.min(rows.length, index + BATCH_MAX)
    if (this.gapMs > 0) while (end > index && this.dueMs(number, end - 1) > nowMs) end -= 1
    const items = rows.slice(index, end)
    if (end < rows.length) return { items, nextMs: this.dueMs(number, end) }
    return { items, nextMs: Number.POSITIVE_INFINITY }
  }

  isOver(partition: string, index: number): boolean {
    return this.isEnded && index >= (this.rows[this.partitions.indexOf(partition)]?.length ?? 0)
  }

  /** Resolves at the next change, at `nextMs`, or when the reader is told to end. */
  change(host: Host, nextMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let timer: Stoppable | undefined
      const done = (): void => {
        timer?.stop()
        this.waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (Number.isFinite(nextMs)) {
        timer = host.timers.after(nextMs - host.clock.monotonicMs(), done)
      }
      this.waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  private dueMs(partition: number, index: number): number {
    return (index * this.rows.length + partition) * this.gapMs
  }

  private wake(): void {
    for (const done of [...this.waiting]) done()
  }
}

/** The definition of a source whose items come from a feed. Streams, settings and event time stay. */
export function mockedDefinition(definition: SpoutDefinition, feed: MockFeed): ReplayableSpoutDefinition {
  const spec: RuntimeReplayableSpoutSpec = {
    partitions: () => feed.partitions,
    // Without a host nothing is read: the executor binds one first.
    read: () => nothing(),
    bindHost: (host: Host) => ({
      partitions: () => feed.partitions,
      read: (partition, after, signal) => readFeed(feed, host, new Cursor(partition, after), signal),
    }),
  }
  const { kind, outputs, settings, eventTime } = definition
  return { kind, outputs, settings, eventTime, form: 'replayable', replay: 'replayable', spec }
}

class Cursor {
  readonly partition: string
  index: number

  constructor(partition: string, after: unknown) {
    this.partition = partition
    this.index = after instanceof MockPosition ? after.index + 1 : 0
  }
}

async function* readFeed(
  feed: MockFeed,
  host: Host,
  cursor: Cursor,
  signal: AbortSignal,
): AsyncGenerator<readonly RuntimePositioned[]> {
  while (!signal.aborted) {
    const { partition, index } = cursor
    const { items, nextMs } = feed.ready(partition, index, host.clock.monotonicMs())
    if (items.length > 0) {
      cursor.index += items.length
      yield items.map((values, i) => ({ values, position: new MockPosition(partition, index + i) }))
      continue
    }
    if (feed.isOver(partition, index)) return
    // What is waited for comes in virtual time: the clock need not stand still for it.
    host.userCallEnded()
    await feed.change(host, nextMs, signal)
    host.userCallBegan()
  }
}

async function* nothing(): AsyncGenerator<readonly RuntimePositioned[]> {
  // No items.
}
