/**
 * The invariants of a run, looked at while it goes on and at its end. Numbers are those of the reliability
 * plan:
 * I5 acked means processed, I6 one verdict for each attempt, I7 bounds, I22 the books balance.
 */
import type { AckLedger } from '../../src/flow/ack/ack-ledger.ts'
import type { Pending } from '../../src/flow/ack/pending.ts'
import type { TreeRoot } from '../../src/flow/ack/tree-root.ts'
import { PositionedEntry } from '../../src/flow/executor/spout/acked-prefix.ts'
import type { SourceTask } from '../../src/flow/executor/spout/source-task.ts'
import type { CreditGate } from '../../src/messaging/credit-gate.ts'
import type { LocalRun } from '../../src/testing/local-run.ts'
import { MockPosition } from '../../src/testing/stand-in/mock-source.ts'
import type { TopologyContext } from '../../src/topology/context.ts'
import type { TaskHook } from '../../src/topology/hook.ts'
import type { Failure } from '../../src/topology/tuple.ts'
import type { Worker } from '../../src/worker/worker.ts'
import { type Model, readersOf } from './model.ts'
import type { WorkLog } from './work-log.ts'

/** How late a time-out may be told. */
const TIMEOUT_SLACK_MS = 100

/** On the wire, with its root and edge. */
const TUPLE_BYTES_MIN = 32

/** Private parts that checks look into. */
interface SpoutParts {
  readonly pending: Pending
  readonly verdicts: readonly TreeRoot[]
  readonly replays: readonly unknown[]
  readonly restingCount: number
}

interface Attempt {
  emittedMs: number
  isOpen: boolean
  isAcked: boolean
}

export interface ChecksSpec {
  readonly model: Model
  readonly log: WorkLog
  readonly nowMs: () => number
  /** Workers may stand still in this run: time-outs are told late then. */
  readonly mayHang: boolean
  readonly run: () => LocalRun | undefined
}

export class Checks {
  private readonly spec: ChecksSpec
  private readonly attempts = new Map<PositionedEntry, Attempt>()
  private readonly acked = new Map<string, Set<number>>()
  timeoutCount = 0

  constructor(spec: ChecksSpec) {
    this.spec = spec
  }

  get ackedCount(): number {
    let count = 0
    for (const items of this.acked.values()) count += items.size
    return count
  }

  /** Watches the emits of a worker's sources. */
  watch(worker: Worker): void {
    for (const task of worker.spoutTasks) {
      const output = task.self.outputs.byId.get('default')
      if (output === undefined) continue
      output.observer = (_values, _anchor, root) => this.onEmitted(root?.messageId)
    }
  }

  makeHook(): TaskHook {
    let component = ''
    return {
      prepare(context: TopologyContext) {
        component = context.component
      },
      spoutAck: (entry) => this.onAcked(component, entry),
      spoutFail: (entry, failure) => this.onFailed(component, entry, failure),
    }
  }

  private onEmitted(entry: unknown): void {
    if (!(entry instanceof PositionedEntry)) return
    const attempt = this.attempts.get(entry)
    const emittedMs = this.spec.nowMs()
    if (attempt === undefined) {
      this.attempts.set(entry, { emittedMs, isOpen: true, isAcked: false })
      return
    }
    if (attempt.isOpen) this.violate(`I6: ${nameOf(entry)} was emitted again while its attempt was open`)
    if (attempt.isAcked) this.violate(`I6: ${nameOf(entry)} was emitted again after it had been acked`)
    attempt.isOpen = true
    attempt.emittedMs = emittedMs
    this.spec.log.see('replay')
  }

  private onAcked(component: string, entry: unknown): void {
    if (!(entry instanceof PositionedEntry) || !(entry.position instanceof MockPosition)) return
    this.close(entry, 'acked')
    const attempt = this.attempts.get(entry)
    if (attempt !== undefined) attempt.isAcked = true
    const { partition, index } = entry.position
    const missing = this.missingOf(component, partition, index)
    if (missing !== undefined)
      this.violate(`I5: ${component} ${nameOf(entry)} was acked, not done: ${missing}`)
    const key = `${component}/${partition}`
    this.acked.set(key, (this.acked.get(key) ?? new Set()).add(index))
  }

  private onFailed(component: string, entry: unknown, failure: Failure): void {
    if (!(entry instanceof PositionedEntry)) return
    this.spec.log.see(`failed: ${failure.reason}`)
    const attempt = this.close(entry, 'failed')
    if (failure.reason !== 'timeout' || attempt === undefined) return
    this.timeoutCount += 1
    const { timeoutMs } = this.spec.model
    const tookMs = this.spec.nowMs() - attempt.emittedMs
    const isLate = tookMs > timeoutMs + TIMEOUT_SLACK_MS && !this.spec.mayHang
    if (tookMs < timeoutMs - 1 || isLate) {
      this.violate(`timeout: ${component} ${nameOf(entry)} after ${tookMs.toFixed(1)} ms, not ${timeoutMs}`)
    }
  }

  private close(entry: PositionedEntry, how: string): Attempt | undefined {
    const attempt = this.attempts.get(entry)
    if (attempt === undefined) {
      this.violate(`I6: ${nameOf(entry)} was ${how} without having been emitted`)
      return undefined
    }
    if (!attempt.isOpen) this.violate(`I6: ${nameOf(entry)} was ${how}, but no attempt was open`)
    attempt.isOpen = false
    return attempt
  }

  private missingOf(component: string, partition: string, index: number): string | undefined {
    const tasks = this.spec.run()?.expanded.componentTasks
    const item = `${component}/${partition}/${index}`
    return this.spec.log.missingOf(component, item, (id) => tasks?.get(id) ?? [])
  }

  /** Cheap enough to be looked at all the time. */
  look(): void {
    const run = this.spec.run()
    if (run === undefined) return
    for (const worker of run.workers) {
      this.lookAtSpouts(worker)
      this.lookAtBolts(worker)
    }
    this.lookAtLinks(run)
    this.lookAtPositions(run)
  }

  private lookAtSpouts(worker: Worker): void {
    const { pendingMax } = this.spec.model
    for (const task of worker.spoutTasks as readonly SourceTask[]) {
      const { pending, verdicts, replays, restingCount } = task as unknown as SpoutParts
      const { stats, componentId } = task.self
      const where = `${componentId} task ${task.self.task}`
      if (task.pendingCount < 0 || task.pendingCount > pendingMax) {
        this.violate(`I7: ${where} has ${task.pendingCount} pending, ${pendingMax} are allowed`)
      }
      const open = pending.count + verdicts.length
      if (open + replays.length + restingCount !== task.pendingCount) {
        this.violate(
          `I6: ${where} counts ${task.pendingCount} pending, there are ${open} open, ` +
            `${replays.length + restingCount} to replay`,
        )
      }
      const emitted = stats.streams.get('default')?.emittedCount ?? 0
      if (emitted !== stats.ackedCount + stats.failedCount + open) {
        this.violate(
          `I22: ${where} emitted ${emitted}, acked ${stats.ackedCount}, ` +
            `failed ${stats.failedCount}, open ${open}`,
        )
      }
      const overdue = pending.due(worker.loop.nowMs - TIMEOUT_SLACK_MS)
      if (overdue !== undefined && !this.spec.mayHang && !worker.loop.isHung) {
        this.violate(
          `timeout: ${where} has a tree that was due ${worker.loop.nowMs - overdue.deadlineMs} ms ago`,
        )
      }
    }
  }

  private lookAtBolts(worker: Worker): void {
    const { model } = this.spec
    for (const bolt of worker.bolts) {
      const planned = model.bolts.find(({ id }) => id === bolt.componentId)
      // On a cycle nobody waits: such an inbox is bounded by what may be pending.
      if (planned === undefined || isOnLoop(model)) continue
      // What was under way when the gate closed: of each feeder what its open calls emit, of links their
      // credit.
      const feeders = planned.inputs.reduce(
        (sum, { from }) => sum + tasksOf(model, from) * overshootOf(model, from),
        0,
      )
      const bytesMax = model.workers > 1 ? model.creditKiB * 1_024 * (model.workers - 1) : 0
      const tasks = Math.ceil(planned.tasks / planned.executors)
      const most = bolt.inbox.capacity + feeders * tasks + bytesMax / TUPLE_BYTES_MIN
      if (bolt.inbox.count > most) {
        this.violate(
          `I7: the inbox of ${bolt.componentId} holds ${bolt.inbox.count}, capacity ${bolt.inbox.capacity}`,
        )
      }
    }
  }

  private lookAtLinks(run: LocalRun): void {
    for (const gate of gatesOf(run)) {
      if (gate.usedBytes < 0)
        this.violate(`credit: ${gate.usedBytes} bytes are used of channel ${gate.channel}`)
    }
  }

  /** Nothing before a stored position may be open: a restart would lose it. */
  private lookAtPositions(run: LocalRun): void {
    for (const [component, partitions] of run.positions.snapshot()) {
      for (const [partition, { position }] of partitions) {
        if (!(position instanceof MockPosition)) continue
        const acked = this.acked.get(`${component}/${partition}`)
        for (let index = 0; index <= position.index; index += 1) {
          if (acked?.has(index) !== true)
            this.violate(`prefix: ${component}/${partition} is stored at ${position.index}, ${index} is open`)
        }
      }
    }
  }

  /** The run is over, and enough time has passed for forgotten trees to fall out. */
  lookAtEnd(run: LocalRun, itemCount: number): void {
    this.look()
    if (this.ackedCount !== itemCount)
      this.violate(`end: ${this.ackedCount} of ${itemCount} items were acked`)
    for (const worker of run.workers) {
      if (worker.acks.openCount !== 0)
        this.violate(`ledger: ${worker.acks.openCount} trees are open in worker ${worker.spec.worker}`)
      for (const ledger of ledgersOf(worker)) {
        if (ledger.indexedCount < 0) this.violate(`ledger: ${ledger.indexedCount} entries`)
      }
      for (const bolt of worker.bolts) {
        if (!bolt.isQuiet || bolt.isBlocked) this.violate(`end: ${bolt.componentId} is not at rest`)
      }
    }
    for (const gate of gatesOf(run)) {
      if (!gate.isOpen() || gate.usedBytes !== 0) {
        this.violate(`credit: ${gate.usedBytes} bytes of channel ${gate.channel} were not given back`)
      }
    }
    const letters = [...run.figures().components.values()].reduce(
      (sum, { deadLetteredCount }) => sum + deadLetteredCount,
      0,
    )
    if (letters !== run.deadLetters.letters.length) {
      this.violate(`dead letters: ${letters} were counted, ${run.deadLetters.letters.length} are there`)
    }
  }

  private violate(text: string): void {
    this.spec.log.violate(`${this.spec.nowMs().toFixed(1)} ms ${text}`)
  }
}

function nameOf(entry: PositionedEntry): string {
  const { position } = entry
  return position instanceof MockPosition ? `${position.partition}/${position.index}` : String(position)
}

function isOnLoop(model: Model): boolean {
  return model.bolts.some(({ id, loops }) => loops && readersOf(model, id, 'again').length > 0)
}

/** Tuples that a task of a component may emit to one stream after it was told to stop. */
function overshootOf(model: Model, id: string): number {
  const bolt = model.bolts.find((each) => each.id === id)
  if (bolt === undefined) return 1
  // A join sends everything that waits at its tick.
  // A retry that was resting is one call more.
  return bolt.kind === 'join' ? 200 : (bolt.concurrency + 1) * Math.max(1, bolt.fan)
}

function tasksOf(model: Model, id: string): number {
  const source = model.sources.find((each) => each.id === id)
  return source?.executors ?? model.bolts.find((each) => each.id === id)?.tasks ?? 0
}

function ledgersOf(worker: Worker): readonly AckLedger[] {
  return [...(worker.acks as unknown as { ledgers: Map<number, AckLedger> }).ledgers.values()]
}

/** Credit of all links of a run. */
export function gatesOf(run: LocalRun): readonly CreditGate[] {
  return run.workers.flatMap((worker) => {
    const seat = run.seat(worker.spec.worker) as unknown as {
      office: { post: { peers: Map<number, { link: { gates: Map<number, CreditGate> } }> } } | undefined
    }
    const peers = [...(seat.office?.post.peers.values() ?? [])]
    return peers.flatMap(({ link }) => [...link.gates.values()])
  })
}
