/**
 * Restart positions of a run: collected from its workers every so often, kept in memory, and on disk if there
 * is a store.
 *
 * What a restarted worker gets is what was collected last, not what the lost one knew at its end: as after a
 * crash.
 */
import { assertDefined } from '../../base/assert.ts'
import type { PositionDesk } from '../../flow/executor/services.ts'
import type { Clock } from '../../host/host.ts'
import type { PositionStore, StoredPartition, StoredPositions } from '../../state/position-store.ts'
import type { SourceProgress } from '../worker.ts'

/** Where a partition goes on after a restart, for those who tell the user. */
export interface Resumed {
  readonly componentId: string
  readonly partition: string
  readonly position: unknown
  /** Items read and done when it was stored: their difference, and what was read later, is read again. */
  readonly readCount: number
  readonly ackedCount: number
}

interface Asked {
  readonly names: Promise<readonly string[]>
  readonly atMs: number
}

export class PositionBook implements PositionDesk {
  /** Counts carried over from before this run, per partition. */
  private readonly before = new Map<string, Map<string, StoredPartition>>()
  private current = new Map<string, Map<string, StoredPartition>>()
  private readonly asked = new Map<string, Asked>()
  private readonly clock: Clock
  private readonly store: PositionStore | undefined
  private readonly topology: string
  private isChanged = false

  constructor(topology: string, clock: Clock, store: PositionStore | undefined) {
    this.topology = topology
    this.clock = clock
    this.store = store
  }

  /** @returns what was wrong with stored files that were passed over */
  async load(): Promise<readonly string[]> {
    if (this.store === undefined) return []
    const { positions, warnings } = await this.store.load(this.topology)
    for (const [componentId, partitions] of positions) {
      this.before.set(componentId, new Map(partitions))
      this.current.set(componentId, new Map(partitions))
    }
    return warnings
  }

  /** Goes on from given positions instead. */
  begin(positions: StoredPositions): void {
    for (const [componentId, partitions] of positions) {
      this.before.set(componentId, new Map(partitions))
      this.current.set(componentId, new Map(partitions))
    }
  }

  /** Goes on from a given position of one partition, which is not read here now. */
  learn(componentId: string, partition: string, stored: StoredPartition): void {
    for (const positions of [this.before, this.current]) {
      const partitions = positions.get(componentId) ?? new Map<string, StoredPartition>()
      positions.set(componentId, partitions.set(partition, stored))
    }
  }

  /** What was collected last. */
  snapshot(): StoredPositions {
    return new Map([...this.current].map(([id, partitions]) => [id, new Map(partitions)] as const))
  }

  resumed(): readonly Resumed[] {
    const all: Resumed[] = []
    for (const [componentId, partitions] of this.before) {
      for (const [partition, { position, readCount, ackedCount }] of partitions) {
        all.push({ componentId, partition, position, readCount, ackedCount })
      }
    }
    return all
  }

  stored(componentId: string, partition: string): unknown {
    return this.current.get(componentId)?.get(partition)?.position
  }

  partitionsOf(
    componentId: string,
    ask: () => Promise<readonly string[]>,
    maxAgeMs: number,
  ): Promise<readonly string[]> {
    const known = this.asked.get(componentId)
    const now = this.clock.monotonicMs()
    if (known !== undefined && now - known.atMs <= maxAgeMs) return known.names
    const names = ask()
    this.asked.set(componentId, { names, atMs: now })
    // A failed answer is not kept: the next one asks again.
    names.catch(() => this.asked.delete(componentId))
    return names
  }

  /** Takes up how far the sources of a worker are. */
  collect(progress: readonly SourceProgress[]): void {
    for (const { componentId, partition, position, takenCount, doneCount } of progress) {
      if (position === undefined) continue
      const partitions = this.current.get(componentId) ?? new Map<string, StoredPartition>()
      const known = partitions.get(partition)
      const base = this.before.get(componentId)?.get(partition)
      const readCount = (base?.ackedCount ?? 0) + takenCount
      const ackedCount = (base?.ackedCount ?? 0) + doneCount
      if (known?.position === position && known?.readCount === readCount) continue
      partitions.set(partition, { position, readCount, ackedCount })
      this.current.set(componentId, partitions)
      this.isChanged = true
    }
  }

  /** A worker starts again: what its sources count begins where the book stands. */
  rebase(componentId: string): void {
    const partitions = this.current.get(componentId)
    if (partitions !== undefined) this.before.set(componentId, new Map(partitions))
  }

  /** Puts what was collected on disk. @returns the positions if there was anything new */
  async save(): Promise<StoredPositions | undefined> {
    if (!this.isChanged) return undefined
    this.isChanged = false
    const copy = this.snapshot()
    await this.store?.store(this.topology, copy)
    return copy
  }

  /** The sources have come to their end: the next run begins at the beginning. */
  async forget(): Promise<void> {
    await this.store?.remove(this.topology)
  }

  /** Positions of a component as they stand, for `onStored`. */
  positionsOf(stored: StoredPositions, componentId: string): ReadonlyMap<string, unknown> {
    const partitions = assertDefined(stored.get(componentId), 'asked for what was stored')
    return new Map([...partitions].map(([partition, { position }]) => [partition, position] as const))
  }
}
