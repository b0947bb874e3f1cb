/**
 * A map per key, as a call sees it: the stored entries with the call's own writes laid over them. The
 * contract is `MapState` of the main door.
 */
import { UserCodeError } from '../base/errors.ts'
import type { BufferedView, CallScope } from './call-scope.ts'
import { migrated } from './restored.ts'
import { ENTRY_BYTES, roughSizeBytes } from './rough-size.ts'
import { MapCell, MapEntry, type Slot } from './slot.ts'
import { type MapKey, mapKeyOf } from './state-key.ts'
import type { NamedSpec } from './state-spec.ts'

export class MapView implements BufferedView {
  private readonly scope: CallScope
  private readonly spec: NamedSpec
  private readonly countMax: number
  /** Writes of this call; undefined: deleted. */
  private readonly pending = new Map<MapKey, MapEntry | undefined>()
  /** The stored entries no longer count. */
  private isCleared = false
  private isWritten = false
  /** Entries that `pending` adds to the stored ones. */
  private addedCount = 0

  constructor(scope: CallScope, spec: NamedSpec) {
    this.scope = scope
    this.spec = spec
    this.countMax = spec.countMax ?? scope.core.entriesPerKeyMax
  }

  get(key: unknown): unknown {
    const entry = this.find(mapKeyOf(key))
    if (entry === undefined) return undefined
    this.noteRead(entry)
    return entry.value
  }

  has(key: unknown): boolean {
    return this.find(mapKeyOf(key)) !== undefined
  }

  /** @throws UserCodeError STATE_KEY_FULL */
  set(key: unknown, value: unknown): void {
    const id = mapKeyOf(key)
    if (this.find(id) === undefined) {
      if (this.storedCount() + this.addedCount >= this.countMax && this.size >= this.countMax)
        throw this.full()
      // One that has expired is still among the stored ones: it is replaced, not added.
      if (this.pending.has(id) || this.storedCell()?.entries.has(id) !== true) this.addedCount += 1
    }
    this.noteWritten()
    const usedMs = this.spec.ttlMs === undefined ? 0 : this.scope.core.nowMs()
    this.pending.set(id, new MapEntry(key, value, this.spec.version, usedMs))
  }

  delete(key: unknown): void {
    const id = mapKeyOf(key)
    if (this.find(id) === undefined) return
    this.noteWritten()
    this.addedCount -= 1
    if (this.storedCell()?.entries.has(id) === true) this.pending.set(id, undefined)
    else this.pending.delete(id)
  }

  *entries(): IterableIterator<readonly [unknown, unknown]> {
    this.check()
    for (const entry of this.live()) {
      this.check()
      this.noteRead(entry)
      yield [entry.key, entry.value]
    }
  }

  get size(): number {
    this.check()
    if (this.spec.ttlMs === undefined) return this.storedCount() + this.addedCount
    let count = 0
    for (const _ of this.live()) count += 1
    return count
  }

  clear(): void {
    this.check()
    this.noteWritten()
    this.isCleared = true
    this.pending.clear()
    this.addedCount = 0
  }

  growthBytes(): number {
    const stored = this.cell()?.entries
    let bytes = 0
    if (this.isCleared && stored !== undefined) {
      for (const entry of stored.values()) bytes -= mapEntryBytes(entry)
    }
    for (const [id, entry] of this.pending) {
      if (entry !== undefined) bytes += mapEntryBytes(entry)
      const before = this.isCleared ? undefined : stored?.get(id)
      if (before !== undefined) bytes -= mapEntryBytes(before)
    }
    return bytes
  }

  apply(slot: Slot): void {
    const index = this.spec.index
    const found = slot.cells[index]
    const cell = found instanceof MapCell && !this.isCleared ? found : new MapCell()
    for (const [id, entry] of this.pending) {
      if (entry === undefined) cell.entries.delete(id)
      else cell.entries.set(id, entry)
    }
    slot.put(index, cell.entries.size === 0 ? undefined : cell)
    this.drop()
  }

  drop(): void {
    this.pending.clear()
    this.isCleared = false
    this.isWritten = false
    this.addedCount = 0
  }

  private check(): void {
    if (!this.scope.isOpen) throw this.scope.closed(this.spec.name)
  }

  private noteWritten(): void {
    if (this.isWritten) return
    this.isWritten = true
    this.scope.noteWritten(this)
  }

  private cell(): MapCell | undefined {
    const cell = this.scope.slot?.cells[this.spec.index]
    return cell instanceof MapCell ? cell : undefined
  }

  /** The stored entries, as long as the call has not cleared them. */
  private storedCell(): MapCell | undefined {
    return this.isCleared ? undefined : this.cell()
  }

  private storedCount(): number {
    return this.storedCell()?.entries.size ?? 0
  }

  private find(id: MapKey): MapEntry | undefined {
    this.check()
    const written = this.pending.get(id)
    if (written !== undefined || this.pending.has(id)) return written
    const entry = this.storedCell()?.entries.get(id)
    return entry === undefined || this.isExpired(entry) ? undefined : this.ofToday(entry)
  }

  private *live(): Iterable<MapEntry> {
    for (const [id, entry] of this.storedCell()?.entries ?? []) {
      if (!this.pending.has(id) && !this.isExpired(entry)) yield this.ofToday(entry)
    }
    for (const entry of this.pending.values()) if (entry !== undefined) yield entry
  }

  private ofToday(entry: MapEntry): MapEntry {
    if (entry.version !== this.spec.version) {
      entry.value = migrated(this.spec, entry.value, entry.version, this.scope.key)
      entry.version = this.spec.version
    }
    return entry
  }

  private isExpired(entry: MapEntry): boolean {
    const ttlMs = this.spec.ttlMs
    return ttlMs !== undefined && entry.usedMs + ttlMs <= this.scope.core.nowMs()
  }

  private noteRead(entry: MapEntry): void {
    if (this.spec.ttlMs !== undefined && this.spec.ttlFrom === 'read') entry.usedMs = this.scope.core.nowMs()
  }

  private full(): UserCodeError {
    return new UserCodeError(
      'STATE_KEY_FULL',
      `map state ${this.spec.name} of key ${String(this.scope.key)} has ${this.countMax} entries, its most`,
      { state: this.spec.name, countMax: this.countMax },
    )
  }
}

/** Bytes of one entry with its key. */
export function mapEntryBytes(entry: MapEntry): number {
  return ENTRY_BYTES + roughSizeBytes(entry.key) + roughSizeBytes(entry.value)
}
