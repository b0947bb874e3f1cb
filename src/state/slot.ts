/**
 * What is stored under one key: a cell for each declared state, by place.
 *
 *   Slot ── cells[0]  value: the value itself, or ValueCell if it has a time or an old version
 *        ├─ cells[1]  map:   MapCell
 *        ├─ cells[2]  list:  ListCell
 *        └─ cells[3]  timer: TimerEntry
 *
 * `undefined` is an empty cell. Only commits write here, and loading.
 */
import type { MapKey } from './state-key.ts'

export class Slot {
  readonly id: MapKey
  readonly key: unknown
  readonly cells: unknown[]
  /** Cells that are not empty. At 0 the slot leaves the store. */
  fullCount = 0
  /** A call of this key is open: sweeping leaves the slot alone. */
  isHeld = false

  constructor(id: MapKey, key: unknown, cellCount: number) {
    this.id = id
    this.key = key
    this.cells = new Array<unknown>(cellCount).fill(undefined)
  }

  /** HOT. Writes a cell and counts. */
  put(index: number, cell: unknown): void {
    if (this.cells[index] === undefined) {
      if (cell !== undefined) this.fullCount += 1
    } else if (cell === undefined) {
      this.fullCount -= 1
    }
    this.cells[index] = cell
  }
}

/** A value that carries more than itself. */
export class ValueCell {
  value: unknown
  /** Of the shape of `value`; below the spec's version it is migrated when read. */
  version: number
  /** Time of its last use, ms since 1970; 0 where there is no ttl. */
  usedMs: number

  constructor(value: unknown, version: number, usedMs: number) {
    this.value = value
    this.version = version
    this.usedMs = usedMs
  }
}

/** An entry of a map state. */
export class MapEntry extends ValueCell {
  readonly key: unknown

  constructor(key: unknown, value: unknown, version: number, usedMs: number) {
    super(value, version, usedMs)
    this.key = key
  }
}

export class MapCell {
  readonly entries = new Map<MapKey, MapEntry>()
}

export class ListCell {
  /** Oldest first. Replaced as a whole by `set`, else only added to and cut at the front. */
  values: unknown[]
  /** Times of last use, as long as `values`; undefined where there is no ttl. */
  usedMs: number[] | undefined
  version: number
  /** A reader may still hold `values`: copy before changing. */
  isShared = false

  constructor(values: unknown[], usedMs: number[] | undefined, version: number) {
    this.values = values
    this.usedMs = usedMs
    this.version = version
  }
}
