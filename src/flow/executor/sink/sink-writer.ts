/**
 * The two ways a sink writes: a batch and done with it, or transactions that end together.
 */

import { Backoff } from '../../../base/backoff.ts'
import { hasCode } from '../../../base/errors.ts'
import type { Stoppable } from '../../../host/host.ts'
import type {
  Result,
  RuntimeTransactionalSinkSpec,
  RuntimeWritingSinkSpec,
  SinkDefinition,
} from '../../../topology/definition.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import type { EngineTuple } from '../tuple.ts'
import { durationOr } from '../user-code.ts'

const RETRY_ATTEMPTS = 3
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 10_000
/** Items stop coming for so long: the transaction ends early. */
const PAUSE_MS = 20
/** Checkpoint numbers of different starts of a task must not meet. */
const NUMBERS_PER_INCARNATION = 1_000_000

export interface SinkRetry {
  readonly attempts: number
  readonly firstMs: number
  readonly factor: number
  readonly maxMs: number
}

/** Called when tuples are safe, or lost with an error. */
export type Settle = (tuples: readonly EngineTuple[], error: unknown) => void

export interface SinkWriter {
  readonly retry: SinkRetry
  open(): Promise<void>
  /** One attempt to write a batch. */
  write(batch: readonly EngineTuple[]): Promise<void>
  /** Tuples that are safe now. */
  takeSafe(): readonly EngineTuple[]
  /** The batch could not be written: which tuples are lost with it. */
  onLost(batch: readonly EngineTuple[]): Promise<readonly EngineTuple[]>
  /** For tuples that become safe later. */
  settleLater(settle: Settle): void
  close(): Promise<void>
  /** The task ends in bad order: nothing takes effect any more. */
  abort(): void
}

export function makeSinkWriter(
  definition: SinkDefinition,
  self: TaskIdentity,
  services: EngineServices,
): SinkWriter {
  return definition.sinkKind === 'transactional'
    ? new TransactionWriter(definition.spec, self, services)
    : new BatchWriter(definition.spec, self, services)
}

class BatchWriter implements SinkWriter {
  readonly retry: SinkRetry
  private readonly spec: RuntimeWritingSinkSpec
  private readonly self: TaskIdentity
  private prepared: unknown = undefined
  private safe: readonly EngineTuple[] = []

  constructor(spec: RuntimeWritingSinkSpec, self: TaskIdentity, services: EngineServices) {
    this.spec = spec.bindHost?.(services.host as never) ?? spec
    this.self = self
    this.retry = retryOf(spec.retry)
  }

  async open(): Promise<void> {
    this.prepared = await this.spec.open?.(this.self.context)
  }

  async write(batch: readonly EngineTuple[]): Promise<void> {
    await this.spec.write(batch.map(carriedBy), this.prepared, this.self.context.signal)
    this.safe = batch
  }

  takeSafe(): readonly EngineTuple[] {
    const { safe } = this
    this.safe = []
    return safe
  }

  async onLost(batch: readonly EngineTuple[]): Promise<readonly EngineTuple[]> {
    return batch
  }

  settleLater(): void {
    // What is written is safe.
  }

  async close(): Promise<void> {
    await this.spec.close?.(this.prepared)
  }

  abort(): void {
    // A write under way sees its signal abort.
  }
}

class TransactionWriter implements SinkWriter {
  readonly retry: SinkRetry
  private readonly spec: RuntimeTransactionalSinkSpec
  private readonly self: TaskIdentity
  private readonly services: EngineServices
  private prepared: unknown = undefined
  private number: number
  private transaction: { readonly value: unknown; readonly tuples: EngineTuple[] } | undefined = undefined
  private settle: Settle | undefined = undefined
  private interval: Stoppable | undefined = undefined
  private pause: Stoppable | undefined = undefined
  private work: Promise<void> = Promise.resolve()
  private isEnded = false
  private isClosing = false
  /** A batch is being tried: part of it may stand in the transaction, which must not end now. */
  private isHalfWritten = false

  constructor(spec: RuntimeTransactionalSinkSpec, self: TaskIdentity, services: EngineServices) {
    this.spec = spec.bindHost?.(services.host as never) ?? spec
    this.self = self
    this.services = services
    this.retry = retryOf(spec.retry)
    this.number = services.incarnation * NUMBERS_PER_INCARNATION
  }

  async open(): Promise<void> {
    const { context } = this.self
    this.prepared = await this.spec.open?.(context)
    await this.spec.recover?.(
      { receipts: [], checkpoint: 0, taskCountBefore: context.taskCount },
      this.prepared,
    )
    this.interval = this.services.host.timers.every(this.services.settings.checkpointIntervalMs, () =>
      this.endSoon(),
    )
  }

  write(batch: readonly EngineTuple[]): Promise<void> {
    return this.inTurn(async () => {
      if (this.transaction === undefined) {
        this.number += 1
        const value: Result = await this.spec.begin(this.number, this.prepared)
        this.transaction = { value, tuples: [] }
      }
      this.isHalfWritten = true
      const times = batch.map((tuple) => tuple.time)
      await this.spec.write(this.transaction.value, batch.map(carriedBy), this.prepared, times)
      this.isHalfWritten = false
      for (const tuple of batch) this.transaction.tuples.push(tuple)
    })
  }

  takeSafe(): readonly EngineTuple[] {
    this.pause?.stop()
    this.pause = this.services.host.timers.after(PAUSE_MS, () => this.endSoon())
    return []
  }

  /** A batch half written spoils its transaction: everything in it is rolled back and replayed. */
  async onLost(batch: readonly EngineTuple[]): Promise<readonly EngineTuple[]> {
    const open = this.transaction
    this.transaction = undefined
    this.isHalfWritten = false
    if (open === undefined) return batch
    await this.inTurn(() => this.rollBack(open.value))
    return [...open.tuples, ...batch]
  }

  settleLater(settle: Settle): void {
    this.settle = settle
  }

  async close(): Promise<void> {
    this.interval?.stop()
    this.pause?.stop()
    this.isClosing = true
    await this.end()
    await this.spec.close?.(this.prepared)
  }

  abort(): void {
    this.isEnded = true
    this.interval?.stop()
    this.pause?.stop()
  }

  private endSoon(): void {
    const { host } = this.services
    host.userCallBegan()
    this.end()
      .catch((error: unknown) => this.self.context.reportError(error))
      .finally(() => host.userCallEnded())
  }

  private end(): Promise<void> {
    return this.inTurn(async () => {
      const open = this.transaction
      if (open === undefined || this.isEnded || this.isHalfWritten) return
      this.transaction = undefined
      let receipt: Result
      try {
        this.services.beforeCall?.(this.self.componentId, 'prepare')
        receipt = await this.spec.prepare(open.value, this.prepared)
      } catch (error) {
        await this.rollBack(open.value)
        this.settle?.(open.tuples, error)
        return
      }
      const failed = await this.commit(receipt)
      if (!this.isEnded) this.settle?.(open.tuples, failed)
    })
  }

  private async rollBack(transaction: unknown): Promise<void> {
    try {
      await this.spec.rollBack(transaction, this.prepared)
    } catch (error) {
      this.self.context.reportError(error)
    }
  }

  /**
   * Prepared is promised: it is tried until it succeeds, or the task ends. At an end in good order it is
   * tried as often as a write, so that a sink that is gone does not keep the worker.
   * @returns why it was given up
   */
  private async commit(receipt: unknown): Promise<unknown> {
    const { host, random } = this.services
    const waits = new Backoff(this.retry, () => random.next())
    for (let attempt = 1; !this.isEnded; attempt += 1) {
      try {
        this.services.beforeCall?.(this.self.componentId, 'commit')
        await this.spec.commit(receipt, this.prepared)
        return undefined
      } catch (error) {
        this.self.stats.threwCount += 1
        this.self.context.reportError(error)
        if (hasCode(error, 'TRANSACTION_GONE')) {
          this.services.desk.stopTopology({ componentId: this.self.componentId, task: this.self.task, error })
          return error
        }
        if (this.isClosing && attempt >= this.retry.attempts) return error
        host.userCallEnded()
        await new Promise<void>((resolve) => host.timers.after(waits.nextMs(), resolve))
        host.userCallBegan()
      }
    }
    return undefined
  }

  private inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.work.then(step)
    // A step that failed is its caller's business; the next one goes on.
    this.work = done.catch(() => undefined)
    return done
  }
}

/** The item a tuple carries: its values, or what stands in the field `value` of a stream of plain values. */
export function carriedBy(tuple: EngineTuple): unknown {
  return tuple.stream.carriesPlainValues ? tuple.values['value'] : tuple.values
}

function retryOf(given: RuntimeWritingSinkSpec['retry']): SinkRetry {
  return {
    attempts: given?.attempts ?? RETRY_ATTEMPTS,
    firstMs: durationOr(given?.first, RETRY_FIRST_MS),
    factor: given?.factor ?? 2,
    maxMs: durationOr(given?.max, RETRY_MAX_MS),
  }
}
