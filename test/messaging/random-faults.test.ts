// Goal: under any order of resets, cuts, delays, corruption and restarts, each channel brings each tuple at
// most once and in order; one that does not come was sent before a loss that its sender was told of; and in
// the end all credit is back. Method: seeds decide everything; a failing one is named in the message.
import { expect, test } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import type { Gate, Waiter } from '../../src/flow/transfer/gate.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { type OfficeOptions, TestWorker } from './office-world.ts'

const SEEDS = 300
const FAULT_MS = 4_000
const END_MS = 30_000
const CREDIT_BYTES = 2_000
const TUPLE_BYTES_MAX = 220

interface Kinds {
  readonly corrupts: boolean
  readonly crashes: boolean
  readonly smallReplay: boolean
}

/** Sends to one task for as long as its gate is open. */
class Feeder implements Waiter {
  sent = 0
  /** How many had been sent when the last loss was told. */
  sentAtLoss = 0
  isStopped = false
  private readonly worker: TestWorker
  readonly task: number
  private gate: Gate | undefined = undefined

  constructor(worker: TestWorker, task: number) {
    this.worker = worker
    this.task = task
  }

  onGateOpened(): void {
    this.gate = undefined
  }

  feed(count: number, length: number): void {
    for (let i = 0; i < count && this.gate === undefined && !this.isStopped; i += 1) {
      this.gate = this.worker.send(this.task, this.sent, 'x'.repeat(length))
      this.sent += 1
      const load = this.worker.linkFor(this.task).loadOf(this.task)
      if (load < 0 || load > 1 + TUPLE_BYTES_MAX / CREDIT_BYTES)
        throw new Error(`${load} of the credit is used`)
      this.gate?.addWaiter(this)
    }
  }
}

interface Side {
  readonly worker: TestWorker
  readonly feeders: Feeder[]
  readonly life: number
}

class Trial {
  readonly world: VirtualWorld
  readonly random: SeededRandom
  readonly kinds: Kinds
  readonly sides = new Map<number, Side>()
  /** Everything that lived. */
  readonly all: Side[] = []

  constructor(seed: number) {
    this.world = new VirtualWorld({ seed })
    this.random = new SeededRandom(seed).split('trial')
    this.kinds = {
      corrupts: this.random.chance(0.3),
      crashes: this.random.chance(0.3),
      smallReplay: this.random.chance(0.3),
    }
    this.start(1, 1)
    this.start(2, 1)
  }

  start(worker: number, life: number): void {
    const feeders: Feeder[] = []
    const options: OfficeOptions = {
      capacity: 8,
      peers: [1, 2].map((each) => ({ worker: each, address: `w${each}:1` })),
      settings: {
        transferFrameMaxBytes: 400,
        transferCreditMaxBytes: CREDIT_BYTES,
        batchFlushIntervalMs: 1,
        tupleMaxBytes: 1_000,
        poisonsFrames: true,
        ...(this.kinds.smallReplay ? { replayMaxBytes: 2_500 } : {}),
      },
      onLost: (lost, reason, message) => {
        made.losses.push({ worker: lost, reason, message })
        for (const feeder of feeders) feeder.sentAtLoss = feeder.sent
      },
    }
    const made = new TestWorker(this.world, worker, life, options)
    for (let n = 1; n <= 3; n += 1) feeders.push(new Feeder(made, (3 - worker) * 100 + n))
    const side = { worker: made, feeders, life }
    this.sides.set(worker, side)
    this.all.push(side)
    const { timers } = this.world.host(`w${worker}`)
    let isDraining = false
    const drain = (): void => {
      isDraining = this.drain(made)
      if (isDraining) timers.after(5, drain)
    }
    made.onArrival = () => {
      if (!isDraining) timers.after(5, drain)
      isDraining = true
    }
  }

  act(): void {
    const { random, world } = this
    for (const { feeders } of this.sides.values()) {
      for (const feeder of feeders) if (random.chance(0.5)) feeder.feed(random.below(8), random.below(200))
    }
    if (random.chance(0.05)) world.net.reset('w1', 'w2')
    if (random.chance(0.05)) world.net.setAll({ delayMs: [0, random.below(40)] })
    if (random.chance(0.01)) world.net.cut('w1', 'w2')
    if (random.chance(0.02)) world.net.set('w1', 'w2', { isCut: true })
    if (random.chance(0.1)) world.net.heal('w1', 'w2')
    if (this.kinds.corrupts && random.chance(0.02)) world.net.corruptNext('w1', 'w2')
    if (this.kinds.crashes && random.chance(0.01)) this.restart()
  }

  async run(): Promise<void> {
    const { world } = this
    while (world.nowMs < FAULT_MS) {
      this.act()
      await world.run({ untilMs: world.nowMs + this.random.below(20) })
    }
    world.net.healAll()
    await world.run({ untilMs: END_MS - 5_000 })
    // What is sent at last arrives: the links are whole again.
    for (const { feeders } of this.sides.values()) for (const feeder of feeders) feeder.feed(3, 10)
    await world.run({ untilMs: END_MS })
  }

  check(): void {
    for (const receiver of this.all) {
      const byTask = new Map<string, number[]>()
      for (const each of receiver.worker.arrived) {
        const [task = '', n = ''] = each.split(':')
        const numbers = byTask.get(task)
        if (numbers === undefined) byTask.set(task, [Number(n)])
        else numbers.push(Number(n))
      }
      for (const numbers of byTask.values()) this.checkOrder(numbers)
    }
    const [left, right] = [this.sides.get(1), this.sides.get(2)]
    if (left === undefined || right === undefined) throw new Error('both sides live')
    this.checkComplete(left, right)
    this.checkComplete(right, left)
    // A loss of tuples is never told at one end only.
    if (!this.kinds.crashes) {
      expect(left.worker.losses.length > 0).toBe(right.worker.losses.length > 0)
      if (!this.kinds.corrupts && !this.kinds.smallReplay) expect(left.worker.losses).toEqual([])
    }
  }

  /** Numbers rise; where they fall, another life of the sender has begun, from 0. */
  private checkOrder(numbers: readonly number[]): void {
    let falls = 0
    for (let i = 1; i < numbers.length; i += 1) {
      if ((numbers[i] ?? 0) <= (numbers[i - 1] ?? 0)) falls += 1
    }
    const lives = Math.max(...this.all.map((side) => side.life))
    expect(falls).toBeLessThan(lives)
  }

  private checkComplete(sender: Side, receiver: Side): void {
    const arrived = new Set(receiver.worker.arrived)
    for (const feeder of sender.feeders) {
      const task = feeder.task
      for (let n = feeder.sentAtLoss; n < feeder.sent; n += 1) {
        if (!arrived.has(`${task}:${n}`))
          throw new Error(`tuple ${n} to ${task} is lost, and nobody was told`)
      }
      expect(feeder.sent).toBeGreaterThan(0)
      expect(sender.worker.linkFor(task).loadOf(task)).toBe(0)
    }
    expect(sender.worker.office.isQuiet).toBe(true)
  }

  private restart(): void {
    const old = this.sides.get(2)
    if (old === undefined) return
    for (const feeder of old.feeders) feeder.isStopped = true
    this.world.crash('w2')
    this.start(2, old.life + 1)
  }

  /** False: nothing is left. */
  private drain(worker: TestWorker): boolean {
    let left = 0
    for (const inbox of worker.inboxes.values()) {
      for (let i = 0; i < 6; i += 1) inbox.shift()
      left += inbox.count
    }
    return left > 0
  }
}

test(`exactly once and in order, or the loss is told, in ${SEEDS} random worlds`, async () => {
  let losses = 0
  let resets = 0
  let arrived = 0
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    try {
      const trial = new Trial(seed)
      await trial.run()
      trial.check()
      for (const { worker } of trial.all) {
        losses += worker.losses.length
        arrived += worker.arrived.length
        const [stats] = worker.office.stats()
        resets += stats?.reconnectCount ?? 0
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  // The faults did happen.
  expect(losses).toBeGreaterThan(100)
  expect(resets).toBeGreaterThan(1_000)
  expect(arrived).toBeGreaterThan(100_000)
})
