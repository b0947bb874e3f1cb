/** One value per key, as a call sees it. The contract is `ValueState` of the main door. */

import type { BufferedView, CallScope } from './call-scope.ts'
import { migrated } from './restored.ts'
import { roughSizeBytes } from './rough-size.ts'
import { type Slot, ValueCell } from './slot.ts'
import type { NamedSpec } from './state-spec.ts'

export class ValueView implements BufferedView {
  private readonly scope: CallScope
  private readonly spec: NamedSpec
  private readonly index: number
  private readonly hasTtl: boolean
  private isWritten = false
  private pending: unknown

  constructor(scope: CallScope, spec: NamedSpec) {
    this.scope = scope
    this.spec = spec
    this.index = spec.index
    this.hasTtl = spec.ttlMs !== undefined
  }

  /** HOT. */
  get(): unknown {
    const scope = this.scope
    if (!scope.isOpen) throw scope.closed(this.spec.name)
    const value = this.isWritten ? this.pending : this.stored(scope.slot)
    if (value !== undefined) return value
    const initial = this.spec.initial
    return initial === undefined ? undefined : initial()
  }

  /** HOT. */
  set(value: unknown): void {
    const scope = this.scope
    if (!scope.isOpen) throw scope.closed(this.spec.name)
    if (!this.isWritten) {
      this.isWritten = true
      scope.noteWritten(this)
    }
    this.pending = value
  }

  clear(): void {
    this.set(undefined)
  }

  growthBytes(): number {
    const slot = this.scope.slot
    return roughSizeBytes(this.pending) - (slot === undefined ? 0 : cellBytes(slot.cells[this.index]))
  }

  apply(slot: Slot): void {
    const value = this.pending
    const cell =
      this.hasTtl && value !== undefined
        ? new ValueCell(value, this.spec.version, this.scope.core.nowMs())
        : value
    slot.put(this.index, cell)
    this.isWritten = false
    this.pending = undefined
  }

  drop(): void {
    this.isWritten = false
    this.pending = undefined
  }

  private stored(slot: Slot | undefined): unknown {
    if (slot === undefined) return undefined
    const cell = slot.cells[this.index]
    if (this.hasTtl || this.scope.core.hasOldValues) return this.unwrapped(cell)
    return cell
  }

  private unwrapped(cell: unknown): unknown {
    if (!(cell instanceof ValueCell)) return cell
    const { ttlMs, ttlFrom, version } = this.spec
    if (ttlMs !== undefined) {
      const nowMs = this.scope.core.nowMs()
      if (cell.usedMs + ttlMs <= nowMs) return undefined
      if (ttlFrom === 'read') cell.usedMs = nowMs
    }
    if (cell.version !== version) {
      cell.value = migrated(this.spec, cell.value, cell.version, this.scope.key)
      cell.version = version
    }
    return cell.value
  }
}

/** Bytes of what a value's cell holds. */
export function cellBytes(cell: unknown): number {
  return roughSizeBytes(cell instanceof ValueCell ? cell.value : cell)
}
