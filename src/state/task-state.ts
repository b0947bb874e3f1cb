/**
 * State of a task as a whole, with keys of its own: Storm's KeyValueState. The contract is `KeyValueState` of
 * the main door.
 *
 * Route: made by flow for `taskState` of a bolt, handed to `prepare`. Unlike keyed state it belongs to no
 * call, so writes take effect at once and are not undone by a throw.
 */
import { UserCodeError } from '../base/errors.ts'
import { mapEntryBytes } from './map-view.ts'
import type { MemoryAccount } from './memory-account.ts'
import { migrated } from './restored.ts'
import { MapCell, MapEntry } from './slot.ts'
import { cellOf, specFor } from './slot-parts.ts'
import type { StatePart } from './state-entry.ts'
import { type MapKey, mapKeyOf } from './state-key.ts'
import { type NamedSpec, namedSpecs, type StateSpec } from './state-spec.ts'

/** What a task state needs from its worker. */
export interface TaskStateOptions {
  readonly nowMs: () => number
  readonly account: MemoryAccount
}

type MapStatePart = Extract<StatePart, { kind: 'map' }>

export class TaskState {
  private readonly spec: NamedSpec
  private readonly options: TaskStateOptions
  private stored = new Map<MapKey, MapEntry>()

  constructor(spec: NamedSpec, options: TaskStateOptions) {
    this.spec = spec
    this.options = options
  }

  get(key: unknown, otherwise?: unknown): unknown {
    const entry = this.find(mapKeyOf(key))
    if (entry === undefined) return otherwise
    this.noteRead(entry)
    return entry.value
  }

  /** @throws UnavailableError STATE_MEMORY_FULL */
  put(key: unknown, value: unknown): void {
    const id = mapKeyOf(key)
    const { ttlMs, version, countMax, name } = this.spec
    const before = this.stored.get(id)
    if (before === undefined && countMax !== undefined && this.stored.size >= countMax) {
      throw new UserCodeError('STATE_KEY_FULL', `task state ${name} has ${countMax} entries, its most`, {
        state: name,
        countMax,
      })
    }
    const entry = new MapEntry(key, value, version, ttlMs === undefined ? 0 : this.options.nowMs())
    this.options.account.book(mapEntryBytes(entry) - (before === undefined ? 0 : mapEntryBytes(before)))
    this.stored.set(id, entry)
  }

  delete(key: unknown): void {
    const id = mapKeyOf(key)
    const entry = this.stored.get(id)
    if (entry === undefined) return
    this.options.account.book(-mapEntryBytes(entry))
    this.stored.delete(id)
  }

  *entries(): IterableIterator<readonly [unknown, unknown]> {
    for (const [id, stored] of this.stored) {
      const entry = this.live(id, stored)
      if (entry === undefined) continue
      this.noteRead(entry)
      yield [entry.key, entry.value]
    }
  }

  get size(): number {
    if (this.spec.ttlMs === undefined) return this.stored.size
    let count = 0
    for (const [id, stored] of this.stored) if (this.live(id, stored) !== undefined) count += 1
    return count
  }

  /** Frees what has expired. For `TaskStates`. */
  sweep(): number {
    const before = this.stored.size
    for (const [id, stored] of this.stored) this.live(id, stored)
    return before - this.stored.size
  }

  /** Everything, as plain data. For `TaskStates`. */
  export(): MapStatePart {
    const entries = [...this.stored.values()].map(({ key, value, version, usedMs }) => ({
      key,
      value,
      version,
      usedMs,
    }))
    return { kind: 'map', name: this.spec.name, entries }
  }

  /** Adds what another task, or this one before a restart, had. For `TaskStates`. */
  import(part: MapStatePart): void {
    const asMap: NamedSpec = { ...this.spec, kind: 'map' }
    specFor(part, [asMap])
    const nowMs = this.options.nowMs()
    const cell = cellOf(part, asMap, this.spec.name, nowMs, () => undefined)
    if (!(cell instanceof MapCell)) return
    for (const [id, entry] of cell.entries) {
      const before = this.stored.get(id)
      this.options.account.book(mapEntryBytes(entry) - (before === undefined ? 0 : mapEntryBytes(before)))
      this.stored.set(id, entry)
    }
  }

  private find(id: MapKey): MapEntry | undefined {
    const entry = this.stored.get(id)
    return entry === undefined ? undefined : this.live(id, entry)
  }

  /** The entry as it is today; undefined, and freed, if it has expired. */
  private live(id: MapKey, entry: MapEntry): MapEntry | undefined {
    const { ttlMs, version } = this.spec
    if (ttlMs !== undefined && entry.usedMs + ttlMs <= this.options.nowMs()) {
      this.options.account.book(-mapEntryBytes(entry))
      this.stored.delete(id)
      return undefined
    }
    if (entry.version !== version) {
      entry.value = migrated(this.spec, entry.value, entry.version, entry.key)
      entry.version = version
    }
    return entry
  }

  private noteRead(entry: MapEntry): void {
    if (this.spec.ttlMs !== undefined && this.spec.ttlFrom === 'read') entry.usedMs = this.options.nowMs()
  }
}

/** All task states of one task. */
export class TaskStates {
  /** What user code gets as `taskState`. */
  readonly views: Readonly<Record<string, TaskState>>
  private readonly byName: ReadonlyMap<string, TaskState>

  constructor(specs: Readonly<Record<string, StateSpec>>, options: TaskStateOptions) {
    this.byName = new Map(namedSpecs(specs).map((spec) => [spec.name, new TaskState(spec, options)]))
    this.views = Object.freeze(Object.fromEntries(this.byName))
  }

  /**
   * Everything, as plain data: one part per state, each entry with its key, so that it can be dealt out by
   * key.
   */
  export(): readonly MapStatePart[] {
    return [...this.byName.values()].map((state) => state.export())
  }

  /**
   * Adds parts to what is there; equal keys are replaced.
   * @throws ConflictError STATE_DROPPED and what else a load may throw, see keyed-store
   */
  import(parts: readonly MapStatePart[]): void {
    for (const part of parts) {
      const state = this.byName.get(part.name)
      if (state === undefined) specFor(part, [])
      else state.import(part)
    }
  }

  /** Frees what has outlived its ttl. */
  sweep(): number {
    let count = 0
    for (const state of this.byName.values()) count += state.sweep()
    return count
  }
}
