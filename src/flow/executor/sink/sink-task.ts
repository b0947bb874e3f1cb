/**
 * A task of a sink: collects items into batches, writes them, acks their tuples when they are safe.
 *
 *   tuple ─▶ batch ─▶ full, or linger over ─▶ write ─▶ plain, idempotent: acked
 *                                                  ╰─▶ transactional: acked at the commit of its transaction
 *
 * Under at-least-once a transaction ends every `checkpointInterval`, or as soon as items stop coming for a
 * moment: the sources may be waiting for these very acks.
 *
 * Invariants
 *   K1  Writes, prepares and commits of a task never overlap.
 *   K2  A tuple is acked only after everything written of it is safe; on any failure before that its tree
 *       fails.
 */
import { Backoff } from '../../../base/backoff.ts'
import { UnavailableError } from '../../../base/errors.ts'
import type { Stoppable } from '../../../host/host.ts'
import type { Result, SinkDefinition } from '../../../topology/definition.ts'
import type { Call } from '../bolt/async-calls.ts'
import { BoltTask, type TaskHome } from '../bolt/bolt-task.ts'
import type { EngineServices } from '../services.ts'
import type { TaskIdentity } from '../task-identity.ts'
import type { EngineTuple } from '../tuple.ts'
import { durationOr, messageOf } from '../user-code.ts'
import { makeSinkWriter, type SinkWriter } from './sink-writer.ts'

const BATCH_MAX = 500
const LINGER_MS = 50
/** Batches that may wait behind the one that is being written; then the task is full. */
const WAITING_BATCHES_MAX = 2

export class SinkTask extends BoltTask {
  private readonly writer: SinkWriter
  private readonly countMax: number
  private readonly lingerMs: number
  private batch: EngineTuple[] = []
  private linger: Stoppable | undefined = undefined
  private work: Promise<void> = Promise.resolve()
  private waitingCount = 0
  private takenCount = 0
  private isEnded = false
  private readonly home: TaskHome

  constructor(self: TaskIdentity, services: EngineServices, home: TaskHome, definition: SinkDefinition) {
    super(self, services, home)
    this.home = home
    this.writer = makeSinkWriter(definition, self, services)
    this.countMax = definition.spec.batch?.countMax ?? BATCH_MAX
    this.lingerMs = durationOr(definition.spec.batch?.linger, LINGER_MS)
  }

  /** Batches wait twice over: the executor hands over no further tuple until one is written. */
  override get isFull(): boolean {
    return this.waitingCount > WAITING_BATCHES_MAX
  }

  override get inFlightCount(): number {
    return this.takenCount
  }

  async prepare(): Promise<void> {
    await this.writer.open()
  }

  async cleanup(): Promise<void> {
    await this.work
    await this.writer.close()
  }

  tick(): void {
    // Sinks have no ticks.
  }

  keyOf(_tuple: EngineTuple): unknown {
    return undefined
  }

  protected invoke(tuple: EngineTuple): Result {
    this.batch.push(tuple)
    this.takenCount += 1
    if (this.batch.length >= this.countMax) this.send()
    else this.linger ??= this.services.host.timers.after(this.lingerMs, () => this.send())
    return undefined
  }

  protected settleNow(_tuple: EngineTuple): void {
    // Answered when its batch is safe.
  }

  protected discardNow(_tuple: EngineTuple): void {
    // `invoke` does not throw.
  }

  detach(_call: Call): void {
    // Nothing belongs to a single call.
  }

  invokeFor(call: Call): Result {
    return call.tuple === undefined ? undefined : this.invoke(call.tuple)
  }

  settle(_call: Call): void {
    // Answered when its batch is safe.
  }

  discard(_call: Call): void {
    // The same.
  }

  override close(): void {
    this.isEnded = true
    this.linger?.stop()
    this.writer.abort()
    super.close()
  }

  private send(): void {
    this.linger?.stop()
    this.linger = undefined
    if (this.batch.length === 0 || this.isEnded) return
    const batch = this.batch
    this.batch = []
    this.waitingCount += 1
    const { host } = this.services
    host.userCallBegan()
    this.work = this.work
      .then(() => this.write(batch))
      .catch((error: unknown) => this.reportThrow(error))
      .finally(() => {
        this.waitingCount -= 1
        host.userCallEnded()
        if (!this.isEnded) this.home.onRoom()
      })
  }

  private async write(batch: readonly EngineTuple[]): Promise<void> {
    if (this.isEnded) return
    try {
      await this.attempt(batch)
    } catch (error) {
      this.answer(await this.writer.onLost(batch), error)
      return
    }
    const safe = this.writer.takeSafe()
    this.answer(safe, undefined)
    this.writer.settleLater((tuples, error) => this.answer(tuples, error))
  }

  /** @throws UnavailableError SINK_WRITE_FAILED */
  private async attempt(batch: readonly EngineTuple[]): Promise<void> {
    const { random, host } = this.services
    const waits = new Backoff(this.writer.retry, () => random.next())
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.services.beforeCall?.(this.self.componentId, 'write')
        await this.writer.write(batch)
        return
      } catch (error) {
        if (this.isEnded) throw error
        this.self.stats.threwCount += 1
        if (attempt >= this.writer.retry.attempts) throw this.failed(error, attempt)
        this.self.stats.retriedCount += 1
        // A wait of ours: it is over when the clock says so, so virtual time need not wait for the real
        // world.
        host.userCallEnded()
        await new Promise<void>((resolve) => host.timers.after(waits.nextMs(), resolve))
        host.userCallBegan()
      }
    }
  }

  private answer(tuples: readonly EngineTuple[], error: unknown): void {
    if (this.isEnded) return
    for (const tuple of tuples) {
      this.takenCount -= 1
      if (error === undefined) this.ack(tuple)
      else this.giveUp(tuple, error, this.writer.retry.attempts)
    }
    this.services.loop.arm()
  }

  private failed(error: unknown, attempts: number): UnavailableError {
    const { componentId, task } = this.self
    return new UnavailableError(
      'SINK_WRITE_FAILED',
      `${componentId} could not write a batch after ${attempts} attempts: ${messageOf(error)}`,
      { component: componentId, task, attempts },
      { cause: error },
    )
  }
}
