/**
 * A list per key, as a call sees it: the stored elements without the first few, and the call's own behind
 * them. The contract is `ListState` of the main door.
 *
 *   stored   [ gone | gone | c | d ]        gone: expired, or pushed out by `onFull: 'drop-oldest'`
 *   added                          [ e | f ]
 */
import { UserCodeError } from '../base/errors.ts'
import type { BufferedView, CallScope } from './call-scope.ts'
import { migrated } from './restored.ts'
import { ENTRY_BYTES, roughSizeBytes } from './rough-size.ts'
import { ListCell, type Slot } from './slot.ts'
import type { NamedSpec } from './state-spec.ts'

const NOTHING: readonly unknown[] = []

export class ListView implements BufferedView {
  private readonly scope: CallScope
  private readonly spec: NamedSpec
  private readonly countMax: number
  private added: unknown[] = []
  /** Stored elements that no longer count, from the front. Reckoned once a call. */
  private goneCount = 0
  private goneOfCall = 0
  private isWritten = false

  constructor(scope: CallScope, spec: NamedSpec) {
    this.scope = scope
    this.spec = spec
    this.countMax = spec.countMax ?? scope.core.entriesPerKeyMax
  }

  get(): readonly unknown[] {
    const stored = this.stored()
    this.noteRead()
    if (this.goneCount === 0 && this.added.length === 0) return stored
    if (this.goneCount >= stored.length) return this.added.slice()
    return stored.slice(this.goneCount).concat(this.added)
  }

  /** @throws UserCodeError STATE_KEY_FULL */
  add(value: unknown): void {
    if (this.length >= this.countMax) {
      if (this.spec.onFull === 'refuse') throw this.full(this.length + 1)
      this.dropOldest()
    }
    this.noteWritten()
    this.added.push(value)
  }

  /** @throws UserCodeError STATE_KEY_FULL */
  set(values: readonly unknown[]): void {
    const stored = this.stored()
    const tooMany = values.length - this.countMax
    if (tooMany > 0 && this.spec.onFull === 'refuse') throw this.full(values.length)
    this.noteWritten()
    this.goneCount = stored.length
    this.added = tooMany > 0 ? values.slice(tooMany) : values.slice()
  }

  get length(): number {
    return this.stored().length - this.goneCount + this.added.length
  }

  clear(): void {
    this.set(NOTHING)
  }

  growthBytes(): number {
    const stored = this.cell()?.values ?? NOTHING
    let bytes = 0
    for (const value of this.added) bytes += ENTRY_BYTES + roughSizeBytes(value)
    for (let i = 0; i < this.goneCount; i++) bytes -= ENTRY_BYTES + roughSizeBytes(stored[i])
    return bytes
  }

  apply(slot: Slot): void {
    const index = this.spec.index
    const found = slot.cells[index]
    const cell = found instanceof ListCell ? found : new ListCell([], this.timesFor(0), this.spec.version)
    this.applyTo(cell)
    slot.put(index, cell.values.length === 0 ? undefined : cell)
    this.drop()
  }

  drop(): void {
    this.added = []
    this.goneCount = 0
    this.goneOfCall = 0
    this.isWritten = false
  }

  private applyTo(cell: ListCell): void {
    // Whoever was given the array keeps it as it was.
    if (cell.isShared) {
      cell.values = cell.values.slice(this.goneCount)
      cell.isShared = false
    } else if (this.goneCount > 0) {
      cell.values.splice(0, this.goneCount)
    }
    cell.usedMs?.splice(0, this.goneCount)
    const added = this.added
    for (let i = 0; i < added.length; i++) cell.values.push(added[i])
    if (cell.usedMs !== undefined) cell.usedMs.push(...(this.timesFor(added.length) ?? []))
  }

  private check(): void {
    if (!this.scope.isOpen) throw this.scope.closed(this.spec.name)
  }

  private noteWritten(): void {
    if (this.isWritten) return
    this.isWritten = true
    this.scope.noteWritten(this)
  }

  private cell(): ListCell | undefined {
    const cell = this.scope.slot?.cells[this.spec.index]
    return cell instanceof ListCell ? cell : undefined
  }

  /** The stored elements, with `goneCount` reckoned for this call. */
  private stored(): readonly unknown[] {
    this.check()
    const cell = this.cell()
    if (this.goneOfCall !== this.scope.number) {
      this.goneOfCall = this.scope.number
      this.goneCount = cell === undefined ? 0 : expiredCount(cell, this.spec.ttlMs, this.scope.core)
    }
    if (cell === undefined) return NOTHING
    if (cell.version !== this.spec.version) {
      const from = cell.version
      cell.values = cell.values.map((value) => migrated(this.spec, value, from, this.scope.key))
      cell.isShared = false
      cell.version = this.spec.version
    }
    return cell.values
  }

  private noteRead(): void {
    const cell = this.cell()
    if (cell === undefined) return
    cell.isShared = true
    if (this.spec.ttlFrom === 'read') cell.usedMs?.fill(this.scope.core.nowMs(), this.goneCount)
  }

  private dropOldest(): void {
    if (this.goneCount < this.stored().length) this.goneCount += 1
    else this.added.shift()
  }

  private timesFor(count: number): number[] | undefined {
    if (this.spec.ttlMs === undefined) return undefined
    return new Array<number>(count).fill(this.scope.core.nowMs())
  }

  private full(count: number): UserCodeError {
    return new UserCodeError(
      'STATE_KEY_FULL',
      `list state ${this.spec.name} of key ${String(this.scope.key)} would have ${count} elements, ` +
        `${this.countMax} are its most`,
      { state: this.spec.name, countMax: this.countMax, count },
    )
  }
}

/** How many elements at the front have outlived the ttl. Later ones were used later. */
export function expiredCount(
  cell: ListCell,
  ttlMs: number | undefined,
  clock: { readonly nowMs: () => number },
): number {
  const times = cell.usedMs
  if (times === undefined || ttlMs === undefined) return 0
  const nowMs = clock.nowMs()
  let count = 0
  while (count < times.length && (times[count] ?? 0) + ttlMs <= nowMs) count += 1
  return count
}
