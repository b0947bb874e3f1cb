// Goal: whatever happens in whatever order, a slot comes to what is wanted, and never has two workers.
// Method: a model of a process, a disk and a board, driven at random by seeds.
import { describe, expect, test } from 'vitest'
import { judge, limits, wish } from '../../test/fixtures/supervisor/slot-seen.ts'
import { SeededRandom } from '../base/random.ts'
import {
  EMPTY_SLOT,
  type SlotEffect,
  type SlotSeen,
  type SlotState,
  type SlotWish,
  stepSlot,
  type Wanted,
} from './slot.ts'

/** A process, its connection and an assignment, as simple as they can be. */
class ModelWorld {
  state: SlotState = EMPTY_SLOT
  nowMs = 0
  launches: { readonly seat: string; readonly restart: number }[] = []
  private wanted: Wanted = 'unknown'
  private process: SlotSeen['process'] = 'none'
  private reason: SlotSeen['reason'] = undefined
  private connection = 0
  private seenConnection = 0
  private hasSeat = false
  private isSeatedAtHello = false
  private hasStarted = false
  private beatAtMs: number | undefined = undefined
  private toRearrange = false
  private readonly random: SeededRandom
  wakeAtMs: number | undefined = undefined

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  settle(): void {
    this.wanted = wish
    for (let round = 0; round < 400; round += 1) {
      this.nowMs += 250
      if (this.process === 'coming') this.process = 'alive'
      if (this.process === 'alive' && this.connection === 0) this.connect()
      if (this.hasSeat) this.hasStarted = true
      if (this.hasStarted) this.beatAtMs = this.nowMs
      this.look()
    }
  }

  turn(): void {
    this.nowMs += this.random.below(3_000)
    const isAlive = this.process === 'alive'
    const wishes: readonly Wanted[] = [
      'nothing',
      wish,
      { ...wish, generation: 3 + this.random.below(3) },
      { ...wish, worker: 2 },
      { ...wish, placement: `1:${this.random.below(5) + 1}` },
      { ...wish, run: 'drain' },
    ]
    switch (this.random.below(9)) {
      case 0:
        this.wanted = wishes[this.random.below(wishes.length)] ?? 'nothing'
        break
      case 1:
        if (this.process === 'coming') this.process = this.random.below(4) === 0 ? 'gone' : 'alive'
        break
      case 2:
        if (isAlive) this.connect()
        break
      case 3:
        this.connection = 0
        break
      case 4:
        if (isAlive && this.hasSeat) this.hasStarted = true
        break
      case 5:
        if (isAlive && this.random.below(4) === 0) this.end('crash')
        break
      case 6:
        if (isAlive && this.hasStarted && this.connection > 0) this.beatAtMs = this.nowMs
        break
      default:
        break
    }
    this.look()
  }

  private connect(): void {
    this.connection = this.seenConnection + 1
    this.isSeatedAtHello = this.hasSeat
  }

  private end(reason: 'crash' | 'killed' | 'shutdown'): void {
    this.process = 'gone'
    this.reason = reason
    this.connection = 0
  }

  look(): void {
    for (let round = 0; round < 10; round += 1) {
      const isConnected = this.connection > 0 && this.process === 'alive'
      const seen: SlotSeen = {
        nowMs: this.nowMs,
        wanted: this.wanted,
        isReady: this.random.below(3) > 0,
        process: this.process,
        reason: this.reason,
        newest: undefined,
        isConnected,
        isConnectionNew: isConnected && this.connection !== this.seenConnection,
        isSeated: isConnected && this.isSeatedAtHello,
        hasStarted: this.hasStarted,
        beatAtMs: this.beatAtMs,
        isAsked: this.random.below(2) === 0,
        isRearranged: this.toRearrange && isConnected,
        lastRestart: this.lastRestart(),
        chance: this.random.next(),
      }
      const made = stepSlot(this.state, seen, limits)
      judge(this.state, seen, made)
      if (isConnected) this.seenConnection = this.connection
      if (seen.isRearranged) this.toRearrange = false
      const before = this.state.kind
      this.state = made.next
      this.wakeAtMs = made.wakeAtMs
      for (const effect of made.effects) this.carryOut(effect)
      if (before === this.state.kind) return
    }
    throw new Error('the slot does not come to rest')
  }

  private lastRestart(): number | undefined {
    const { wanted } = this
    if (typeof wanted === 'string') return undefined
    const seat = seatText(wanted)
    return this.launches.findLast((launch) => launch.seat === seat)?.restart
  }

  private carryOut(effect: SlotEffect): void {
    switch (effect) {
      case 'launch': {
        if (this.process === 'alive' || this.process === 'coming') throw new Error('L1: two in a slot')
        if (this.state.kind !== 'STARTING') throw new Error('launched, but not starting')
        this.launches.push({ seat: seatText(this.state.wish), restart: this.state.restart })
        this.process = 'coming'
        this.hasSeat = false
        this.hasStarted = false
        this.beatAtMs = undefined
        this.connection = 0
        this.seenConnection = 0
        return
      }
      case 'assign':
        this.hasSeat = true
        return
      case 'rearrange':
        this.toRearrange = true
        return
      case 'kill':
        if (this.random.below(3) > 0) this.end('killed')
        return
      case 'ask-to-stop':
        if (this.random.below(3) > 0) this.end('shutdown')
        return
      default:
        return
    }
  }
}

const seatText = (seat: SlotWish) => `${seat.topologyId} ${seat.worker} ${seat.generation} ${seat.layout}`

describe('random walks', () => {
  test('invariants hold over time, launches never repeat, and what is wanted runs in the end', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const world = new ModelWorld(seed)
      for (let turn = 0; turn < 150; turn += 1) world.turn()
      const numbers = world.launches.map((launch) => `${launch.seat} ${launch.restart}`)
      expect(new Set(numbers).size, `L2, seed ${seed}`).toBe(numbers.length)
      world.settle()
      expect(world.state.kind, `seed ${seed}`).toBe('RUNNING')
      if (world.state.kind === 'RUNNING') expect(world.state.wish.placement).toBe(wish.placement)
    }
  })
})
