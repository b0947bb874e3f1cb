/**
 * A task of `spoutFrom`: takes items from an iterable, one or a batch at a time, and replays them from
 * memory.
 */
import type { IterableSpoutDefinition, RuntimeIterableSpoutSpec } from '../../../topology/definition.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import { isPromise } from '../user-code.ts'
import { notIterable, SourceTask } from './source-task.ts'
import { Next, type SpoutHome } from './spout-task.ts'

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>

const NO_ITEMS: readonly unknown[] = []

export class IterableSpoutTask extends SourceTask {
  private readonly spec: RuntimeIterableSpoutSpec
  private iterator: AnyIterator | undefined = undefined
  private batch: readonly unknown[] = NO_ITEMS
  private at = 0
  private isWaiting = false
  private isEnded = false
  /** Closed, or another task goes on in its place: what still comes counts for nothing. */
  private isOver = false
  /** The item that was asked for and has not come. */
  private awaited: PromiseLike<unknown> | undefined = undefined

  constructor(
    self: TaskIdentity,
    services: EngineServices,
    home: SpoutHome,
    definition: IterableSpoutDefinition,
  ) {
    super(self, services, home, definition.eventTime)
    const { spec } = definition
    this.spec = spec.bindHost?.(services.host as never) ?? spec
  }

  /** Goes on with what another task has handed over. Instead of opening the source; before `open`. */
  takeOver(source: AsyncIterator<unknown>): void {
    this.iterator = source
  }

  /**
   * What has not been emitted, for a task that goes on in place of this one: an iterable has no position at
   * which it could be opened again. This task gives nothing any more.
   */
  handOver(): AsyncIterator<unknown> {
    const { batch, at, awaited, iterator } = this
    const source = remainder(batch.slice(at), awaited, this.isEnded ? undefined : iterator)
    this.iterator = undefined
    this.batch = NO_ITEMS
    this.isWaiting = true
    this.isOver = true
    return source
  }

  async open(): Promise<void> {
    if (this.iterator !== undefined) return
    const iterable: unknown = await this.spec.open(this.self.context)
    this.iterator = iteratorOf(iterable)
    if (this.iterator === undefined) throw notIterable(this.self.componentId, iterable)
  }

  async close(): Promise<void> {
    this.isOver = true
    const ended = this.iterator?.return?.()
    if (!this.isWaiting) await ended
    // A generator in the middle of an item ends when that has come, or never; nobody waits for it.
    else Promise.resolve(ended).catch((error: unknown) => this.reportThrow(error))
  }

  /** HOT. */
  protected nextItem(): number {
    if (this.at < this.batch.length) {
      const item = this.batch[this.at]
      this.at += 1
      this.emitItem(item, item, 0)
      return Next.EMITTED
    }
    if (this.isEnded) return this.pendingCount === 0 && !this.hasReplays ? Next.FINISHED : Next.WAITING
    if (this.isWaiting) return Next.WAITING
    return this.fetch()
  }

  protected onItemDone(_messageId: unknown): void {
    // Memory is all there is: nothing to keep of an item that is done.
  }

  private fetch(): number {
    try {
      const result: unknown = this.iterator?.next()
      if (isPromise(result)) {
        this.wait(result)
        return Next.WAITING
      }
      return this.take(result as IteratorResult<unknown>)
    } catch (error) {
      this.end(error)
      return Next.WAITING
    }
  }

  private wait(promise: PromiseLike<unknown>): void {
    const { host } = this.services
    this.isWaiting = true
    this.awaited = promise
    host.userCallBegan()
    Promise.resolve(promise).then(
      (result) => {
        host.userCallEnded()
        if (this.isGone) return
        this.isWaiting = false
        this.awaited = undefined
        this.take(result as IteratorResult<unknown>)
        this.home.wake()
      },
      (error: unknown) => {
        host.userCallEnded()
        if (this.isGone) return
        this.isWaiting = false
        this.end(error)
      },
    )
  }

  /** Also at an end in bad order, of which a task hears by its signal only. */
  private get isGone(): boolean {
    return this.isOver || this.self.end.signal.aborted
  }

  private take(result: IteratorResult<unknown>): number {
    if (typeof result !== 'object' || result === null) {
      this.end(notIterable(this.self.componentId, result))
      return Next.WAITING
    }
    if (result.done === true) {
      this.isEnded = true
      return this.nextItem()
    }
    const { value } = result
    this.at = 0
    this.batch = Array.isArray(value) ? value : [value]
    // An item waited for is emitted at the next step; one that was there at once, now.
    return Next.EMITTED
  }

  private end(error: unknown): void {
    this.isEnded = true
    this.stop(error)
  }
}

async function* remainder(
  items: readonly unknown[],
  awaited: PromiseLike<unknown> | undefined,
  iterator: AnyIterator | undefined,
): AsyncGenerator<unknown> {
  if (items.length > 0) yield items
  let isOver = iterator === undefined
  try {
    let next: unknown = isOver ? undefined : (awaited ?? iterator?.next())
    while (!isOver) {
      const result = (await next) as IteratorResult<unknown>
      isOver = result.done === true
      if (isOver) return
      yield result.value
      next = iterator?.next()
    }
  } finally {
    if (!isOver) await iterator?.return?.()
  }
}

function iteratorOf(iterable: unknown): AnyIterator | undefined {
  if (typeof iterable !== 'object' || iterable === null) return undefined
  if (Symbol.asyncIterator in iterable) return (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  if (Symbol.iterator in iterable) return (iterable as Iterable<unknown>)[Symbol.iterator]()
  return undefined
}
