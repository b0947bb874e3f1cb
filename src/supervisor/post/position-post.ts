/**
 * Positions of sources, from workers of this node to the board: a worker holds no session of its own, so its
 * supervisor writes for it, under a check that the assignment is still the one the worker belongs to.
 *
 *   worker ─▶ take ─▶ newest of each partition ─▶ board, at most every 500 ms ─▶ `stored` to the worker
 *                                 ▲                       │
 *                                 ╰── board away, or ─────┤
 *                                     assignment damaged: │
 *                                     kept                │
 *                                     assignment changed: read again; still ours? else dropped
 *
 * Does not know: what a position means.
 *
 * Invariants
 *   Q1  nothing is written for a worker whose place the board has given to another
 *   Q2  what is told stored is exactly what was put on the board, whatever the worker has sent since
 *   Q3  a worker that is started again here begins with the newest that was taken here, stored or not; one
 *       that comes back after another node had it begins with what the board has
 *   Q4  what waits is bounded by the partitions there are, and by `PARTITIONS_MAX` a worker. What is over it
 *       is not taken and never told stored, so the worker says it again when there is room; the user is told
 *   Q5  a position that no record can hold keeps no other from being stored; the user is told
 *   Q6  a worker is drained when nothing waits here that it, or a life of it before, has said
 */

import { Backoff } from '../../base/backoff.ts'
import { hasCode, isStreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Board, PositionTexts } from '../../cluster/board.ts'
import { recordCodecs } from '../../cluster/record-codec.ts'
import { RECORD_BYTES_MAX } from '../../cluster/records.ts'
import type { Host, Stoppable } from '../../host/host.ts'

/** The worker that a position came from. */
export interface PositionSource {
  readonly topologyId: string
  readonly worker: number
  readonly generation: number
  readonly incarnation: number
}

export interface PositionPostSpec {
  readonly host: Host
  readonly log: Logger
  readonly board: Pick<Board, 'positionsOf' | 'putPositions' | 'sync'>
  /**
   * Version of the assignment by which this worker is this node's; undefined: it is not any more; `unknown`:
   * nobody can say now, as the assignment cannot be read.
   */
  readonly versionFor: (source: PositionSource) => number | 'unknown' | undefined
  readonly tellStored: (source: PositionSource, stored: PositionTexts) => void
  /**
   * Too many: once, until all that a worker says can be taken again. Too large: once a component. Its user
   * should know.
   */
  readonly onLeftOut: (source: PositionSource, leftOut: PositionsLeftOut) => void
}

export interface PositionsLeftOut {
  readonly code: 'POSITIONS_TOO_MANY' | 'RECORD_TOO_LARGE'
  /** One whose positions were not taken, and of how many partitions in all. */
  readonly component: string
  readonly leftOutCount: number
  readonly message: string
}

type Partitions = Map<string, Map<string, string>>

interface Waiting {
  readonly source: PositionSource
  readonly positions: Partitions
}

interface Shelf {
  /** It was read from the board for a worker that began here: the board's orders are known. */
  isRead: boolean
  /** Newest known here: as read from the board, and as taken. */
  readonly known: Partitions
  /** Not on the board yet, by worker. */
  readonly waiting: Map<number, Waiting>
  readonly backoff: Backoff
  isFullTold: boolean
  /** Components that were told of a position that is too large. */
  readonly largeTold: Set<string>
  isWriting: boolean
  timer: Stoppable | undefined
  nextAtMs: number
}

const WRITE_MS = 500
const PARTITIONS_MAX = 100_000

export class PositionPost {
  private readonly spec: PositionPostSpec
  private readonly shelves = new Map<string, Shelf>()
  private isStopped = false

  constructor(spec: PositionPostSpec) {
    this.spec = spec
  }

  /**
   * Reads what the board has. For a worker that begins here; where it was restarted only, `knownOf` is
   * enough.
   * @throws UnavailableError COORDINATOR_UNAVAILABLE
   */
  async load(topologyId: string): Promise<void> {
    const found = await this.spec.board.positionsOf(topologyId)
    const shelf = this.shelf(topologyId)
    this.dropForeign(shelf)
    shelf.isRead = true
    for (const [component, partitions] of Object.entries(found)) {
      for (const [partition, stored] of Object.entries(partitions)) {
        // What a worker here has said and the board does not have yet is newer.
        if (!isWaiting(shelf, component, partition)) put(shelf.known, component, partition, stored)
      }
    }
  }

  isLoaded(topologyId: string): boolean {
    return this.shelves.has(topologyId)
  }

  knownOf(topologyId: string): PositionTexts {
    return plain(this.shelves.get(topologyId)?.known ?? new Map())
  }

  /** Q6: something of this worker is not on the board yet. */
  hasUnstored({ topologyId, worker }: Pick<PositionSource, 'topologyId' | 'worker'>): boolean {
    return this.shelves.get(topologyId)?.waiting.has(worker) === true
  }

  take(source: PositionSource, positions: PositionTexts): void {
    const shelf = this.shelf(source.topologyId)
    // A left-over that goes on reading: whoever came after it knows more.
    if (shelf.isRead && this.spec.versionFor(source) === undefined) return
    let waiting = shelf.waiting.get(source.worker)
    if (waiting === undefined || waiting.source.incarnation !== source.incarnation) {
      // Of an earlier life in this place: its successor begins with all that was taken of it. Of an earlier
      // place: others may have gone on since.
      const isSamePlace = waiting?.source.generation === source.generation
      waiting = { source, positions: (isSamePlace ? waiting?.positions : undefined) ?? new Map() }
      shelf.waiting.set(source.worker, waiting)
    }
    let leftOutCount = 0
    let full = ''
    for (const [component, partitions] of Object.entries(positions)) {
      for (const [partition, stored] of Object.entries(partitions)) {
        if (isTooLarge(stored, source)) {
          this.tellLarge(shelf, source, component, partition)
          continue
        }
        if (!hasRoom(waiting.positions, component, partition)) {
          leftOutCount += 1
          full = component
          continue
        }
        put(waiting.positions, component, partition, stored)
        put(shelf.known, component, partition, stored)
      }
    }
    if (leftOutCount === 0) shelf.isFullTold = false
    else this.tellFull(shelf, source, full, leftOutCount)
    this.writeSoon(source.topologyId, shelf)
  }

  /** Of all others nothing runs here any more, and nothing may be written. */
  keepOnly(topologyIds: ReadonlySet<string | undefined>): void {
    for (const [topologyId, shelf] of this.shelves) {
      if (topologyIds.has(topologyId)) continue
      this.shelves.delete(topologyId)
      shelf.timer?.stop()
    }
  }

  stop(): void {
    this.isStopped = true
    for (const shelf of this.shelves.values()) shelf.timer?.stop()
  }

  /** What waits from workers that were given to another node meanwhile, and perhaps came back, is old. */
  private dropForeign(shelf: Shelf): void {
    for (const [worker, { source }] of shelf.waiting) {
      if (this.spec.versionFor(source) === undefined) shelf.waiting.delete(worker)
    }
  }

  private tellFull(shelf: Shelf, source: PositionSource, component: string, leftOutCount: number): void {
    if (shelf.isFullTold) return
    shelf.isFullTold = true
    const message =
      `positions of ${leftOutCount} partitions of ${component} are not taken yet: ` +
      `worker ${source.worker} has more than ${PARTITIONS_MAX} that wait to be stored`
    this.spec.onLeftOut(source, { code: 'POSITIONS_TOO_MANY', component, leftOutCount, message })
  }

  private tellLarge(shelf: Shelf, source: PositionSource, component: string, partition: string): void {
    if (shelf.largeTold.has(component)) return
    shelf.largeTold.add(component)
    const message =
      `the position of partition '${partition}' of ${component} cannot be stored: its record would be ` +
      `above ${RECORD_BYTES_MAX} bytes. A restart reads it again from the last one that was stored`
    this.spec.onLeftOut(source, { code: 'RECORD_TOO_LARGE', component, leftOutCount: 1, message })
  }

  private shelf(topologyId: string): Shelf {
    let shelf = this.shelves.get(topologyId)
    if (shelf === undefined) {
      const chance = () => this.spec.host.random.next()
      shelf = {
        isRead: false,
        known: new Map(),
        waiting: new Map(),
        backoff: new Backoff({ firstMs: WRITE_MS, maxMs: 5_000 }, chance),
        isFullTold: false,
        largeTold: new Set(),
        isWriting: false,
        timer: undefined,
        nextAtMs: Number.NEGATIVE_INFINITY,
      }
      this.shelves.set(topologyId, shelf)
    }
    return shelf
  }

  private writeSoon(topologyId: string, shelf: Shelf): void {
    if (shelf.isWriting || shelf.timer !== undefined || this.isStopped) return
    const waitMs = Math.max(0, shelf.nextAtMs - this.spec.host.clock.monotonicMs())
    shelf.timer = this.spec.host.timers.after(waitMs, () => {
      shelf.timer = undefined
      void this.write(topologyId, shelf)
    })
  }

  private async write(topologyId: string, shelf: Shelf): Promise<void> {
    shelf.isWriting = true
    let waitMs = WRITE_MS
    try {
      let isHeld = false
      for (const [worker, waiting] of [...shelf.waiting])
        if (!(await this.writeOne(shelf, worker, waiting))) isHeld = true
      if (isHeld) waitMs = shelf.backoff.nextMs()
      else shelf.backoff.reset()
    } catch (error) {
      if (!isStreamError(error)) throw error
      waitMs = shelf.backoff.nextMs()
      this.spec.log.warn('positions cannot be stored now, and are kept', { topologyId, why: error.message })
    } finally {
      shelf.isWriting = false
    }
    shelf.nextAtMs = this.spec.host.clock.monotonicMs() + waitMs
    const isCurrent = this.shelves.get(topologyId) === shelf
    if (shelf.waiting.size > 0 && isCurrent) this.writeSoon(topologyId, shelf)
  }

  /** False: whether it may be written is not known now, so it is kept. */
  private async writeOne(shelf: Shelf, worker: number, waiting: Waiting): Promise<boolean> {
    const { source } = waiting
    const sent = copied(waiting.positions)
    for (let tries = 1; ; tries += 1) {
      const version = this.spec.versionFor(source)
      if (version === 'unknown') return false
      if (version === undefined) {
        this.spec.log.info('positions of a worker that is not this node any more are left out', {
          topologyId: source.topologyId,
          worker,
        })
        if (shelf.waiting.get(worker) === waiting) shelf.waiting.delete(worker)
        return true
      }
      try {
        await this.spec.board.putPositions(source.topologyId, version, plain(sent), source.incarnation)
        break
      } catch (error) {
        if (tries >= 3 || !hasCode(error, 'RECORD_CHANGED')) throw error
        // The view may lag behind what the write has just seen.
        await this.spec.board.sync()
      }
    }
    this.settle(shelf, worker, sent, source)
    return true
  }

  private settle(shelf: Shelf, worker: number, sent: Partitions, source: PositionSource): void {
    const waiting = shelf.waiting.get(worker)
    for (const [component, partitions] of sent) {
      const left = waiting?.positions.get(component)
      for (const [partition, value] of partitions) {
        if (left?.get(partition) !== value) continue
        left.delete(partition)
        if (left.size === 0) waiting?.positions.delete(component)
      }
    }
    if (waiting?.positions.size === 0) shelf.waiting.delete(worker)
    this.spec.tellStored(source, plain(sent))
  }
}

/** Looked at closely only if it could be: a character takes at most six bytes. */
function isTooLarge(stored: string, { incarnation }: PositionSource): boolean {
  if (stored.length < RECORD_BYTES_MAX / 8) return false
  try {
    recordCodecs.position.encode('', { stored, incarnation })
    return false
  } catch (error) {
    if (hasCode(error, 'RECORD_TOO_LARGE')) return true
    throw error
  }
}

function isWaiting(shelf: Shelf, component: string, partition: string): boolean {
  for (const { positions } of shelf.waiting.values()) {
    if (positions.get(component)?.has(partition) === true) return true
  }
  return false
}

function hasRoom(positions: Partitions, component: string, partition: string): boolean {
  const own = positions.get(component)
  if (own?.has(partition) === true) return true
  let count = 0
  for (const partitions of positions.values()) count += partitions.size
  return count < PARTITIONS_MAX
}

function put(into: Partitions, component: string, partition: string, stored: string): void {
  let partitions = into.get(component)
  if (partitions === undefined) {
    partitions = new Map()
    into.set(component, partitions)
  }
  partitions.set(partition, stored)
}

function copied(positions: Partitions): Partitions {
  return new Map([...positions].map(([component, partitions]) => [component, new Map(partitions)]))
}

/** Names of users stay names: none of them becomes a prototype. */
function plain(positions: Partitions): PositionTexts {
  return Object.fromEntries(
    [...positions].map(([component, partitions]) => [component, Object.fromEntries(partitions)]),
  )
}
