/**
 * Restart positions of a worker in a cluster: what it was given, how far its sources are, and what of that
 * its supervisor has put on the board.
 *
 *   sources ─▶ collect ─▶ changed ──▶ supervisor ─▶ board
 *                           on its way   │
 *   sources ◀─ onStored ◀────────────────╯ stored
 *
 * A source may throw away what is stored, so an answer says the position that it means: that one counts as
 * stored, however far the source is by then. While a position of a partition is on its way no other is sent,
 * until its answer comes, the line is lost, or `ANSWER_MS` are over.
 */
import { assertDefined } from '../../base/assert.ts'
import { RECORD_BYTES_MAX } from '../../cluster/records.ts'
import { PieceMeter } from '../../cluster/seat-messages.ts'
import type { PositionDesk } from '../../flow/executor/services.ts'
import type { Clock } from '../../host/host.ts'
import { fromPlainJson, toPlainJson } from '../../state/plain-json.ts'
import type { StoredPartition } from '../../state/position-store.ts'
import type { SourceProgress } from '../worker.ts'
import { PositionBook } from './position-book.ts'

/** Component → partition → toPlainJson of a StoredPartition. */
export type PositionTexts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** So long an answer is waited for before the newest is sent. */
const ANSWER_MS = 5_000

interface Due {
  readonly componentId: string
  readonly partition: string
  readonly current: StoredPartition
}

interface OnItsWay {
  readonly sent: StoredPartition
  readonly text: string
  readonly sentAtMs: number
}

export class SeatPositions implements PositionDesk {
  private readonly clock: Clock
  private readonly book: PositionBook
  private readonly onItsWay = new Map<string, OnItsWay>()
  /** By the same keys: what is stored for sure. */
  private readonly settled = new Map<string, StoredPartition>()
  /** Keys that had no room in the last message. */
  private passedOver: ReadonlySet<string> = new Set()
  /** What others read is theirs to say. */
  private readHere: ReadonlySet<string> = new Set()

  /** @throws FormatError RECORD_MALFORMED, FRAME_MALFORMED */
  constructor(topology: string, clock: Clock, stored: PositionTexts) {
    this.clock = clock
    this.book = new PositionBook(topology, clock, undefined)
    this.learn(stored)
  }

  stored(componentId: string, partition: string): unknown {
    return this.book.stored(componentId, partition)
  }

  partitionsOf(
    componentId: string,
    ask: () => Promise<readonly string[]>,
    maxAgeMs: number,
  ): Promise<readonly string[]> {
    return this.book.partitionsOf(componentId, ask, maxAgeMs)
  }

  /** Takes up what others have stored, but for partitions that are read here. */
  learn(stored: PositionTexts): void {
    for (const [componentId, partitions] of Object.entries(stored)) {
      for (const [partition, text] of Object.entries(partitions)) {
        const key = keyOf(componentId, partition)
        if (this.readHere.has(key)) continue
        const found = storedOf(text)
        if (found === undefined) continue
        this.book.learn(componentId, partition, found)
        this.settled.set(key, found)
        this.onItsWay.delete(key)
      }
    }
  }

  collect(progress: readonly SourceProgress[]): void {
    this.readHere = new Set(progress.map(({ componentId, partition }) => keyOf(componentId, partition)))
    this.book.collect(progress)
  }

  /** What is to be sent now, or a part of it; it counts as sent. Empty: nothing. */
  takeChanged(): PositionTexts {
    const nowMs = this.clock.monotonicMs()
    const changed: Record<string, Record<string, string>> = {}
    const due = this.findDue(nowMs)
    // Who was passed over comes first, longest waiting before the others.
    const inTurn = new Set([...this.passedOver].filter((key) => due.has(key)))
    for (const key of due.keys()) inTurn.add(key)
    // Those that are left follow with the next message.
    const piece = new PieceMeter()
    for (const key of inTurn) {
      const { componentId, partition, current } = assertDefined(due.get(key), 'only who is due has a turn')
      // Above it the supervisor stores nothing, and says so: for that no message must take all of it.
      const text = toPlainJson(current).slice(0, RECORD_BYTES_MAX)
      if (!piece.tryTake(partition, text)) break
      this.onItsWay.set(key, { sent: current, text, sentAtMs: nowMs })
      changed[componentId] ??= {}
      changed[componentId][partition] = text
      inTurn.delete(key)
    }
    this.passedOver = inTurn
    return changed
  }

  private findDue(nowMs: number): ReadonlyMap<string, Due> {
    const due = new Map<string, Due>()
    for (const [componentId, partitions] of this.book.snapshot()) {
      for (const [partition, current] of partitions) {
        const key = keyOf(componentId, partition)
        if (!this.readHere.has(key) || !this.isDue(key, current, nowMs)) continue
        due.set(key, { componentId, partition, current })
      }
    }
    return due
  }

  /** What was on its way may have got lost: it is sent again. */
  forgetSent(): void {
    this.onItsWay.clear()
  }

  /** The supervisor has stored these. @returns component → partition → position that is stored now */
  onStored(stored: PositionTexts): ReadonlyMap<string, Map<string, unknown>> {
    const told = new Map<string, Map<string, unknown>>()
    for (const [componentId, partitions] of Object.entries(stored)) {
      const positions = new Map<string, unknown>()
      for (const [partition, text] of Object.entries(partitions)) {
        const found = this.settle(keyOf(componentId, partition), text)
        if (found !== undefined) positions.set(partition, found.position)
      }
      if (positions.size > 0) told.set(componentId, positions)
    }
    return told
  }

  private settle(key: string, text: string): StoredPartition | undefined {
    // Whoever reads it now is told by its own supervisor.
    if (!this.readHere.has(key)) return undefined
    const onItsWay = this.onItsWay.get(key)
    const isLast = onItsWay?.text === text
    const found = isLast ? onItsWay.sent : storedOf(text)
    if (found === undefined) return undefined
    if (isLast) this.onItsWay.delete(key)
    this.settled.set(key, found)
    return found
  }

  /** All there is to store is stored. */
  get isSettled(): boolean {
    for (const [componentId, partitions] of this.book.snapshot()) {
      for (const [partition, current] of partitions) {
        const key = keyOf(componentId, partition)
        if (this.readHere.has(key) && this.settled.get(key) !== current) return false
      }
    }
    return true
  }

  private isDue(key: string, current: StoredPartition, nowMs: number): boolean {
    const known = this.onItsWay.get(key)
    if (known === undefined) return this.settled.get(key) !== current
    return nowMs - known.sentAtMs >= ANSWER_MS
  }
}

/** One text for a partition of a component: component ids hold no NUL. */
function keyOf(componentId: string, partition: string): string {
  return `${componentId}\0${partition}`
}

function storedOf(text: string): StoredPartition | undefined {
  const found = fromPlainJson(text)
  if (typeof found !== 'object' || found === null || !('position' in found)) return undefined
  const { position } = found
  const readCount = 'readCount' in found && typeof found.readCount === 'number' ? found.readCount : 0
  const ackedCount = 'ackedCount' in found && typeof found.ackedCount === 'number' ? found.ackedCount : 0
  return { position, readCount, ackedCount }
}
