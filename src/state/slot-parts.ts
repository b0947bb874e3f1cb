/**
 * From slots to plain data and back. Used by the store's `entries`, `take` and `load`; knows versions, not
 * checkpoints.
 */
import { ConflictError, FormatError, UsageError } from '../base/errors.ts'
import { mapEntryBytes } from './map-view.ts'
import { checked } from './restored.ts'
import { ENTRY_BYTES, roughSizeBytes } from './rough-size.ts'
import { ListCell, MapCell, MapEntry, type Slot, ValueCell } from './slot.ts'
import type { KeyedEntry, MapPart, StatePart } from './state-entry.ts'
import { mapKeyOf } from './state-key.ts'
import type { NamedSpec } from './state-spec.ts'
import { TimerEntry } from './timer-queue.ts'
import { cellBytes } from './value-view.ts'

/** What is stored under a key. */
export function entryOf(slot: Slot, specs: readonly NamedSpec[]): KeyedEntry {
  const parts: StatePart[] = []
  for (const spec of specs) {
    const cell = slot.cells[spec.index]
    if (cell !== undefined) parts.push(partOf(spec, cell))
  }
  return { key: slot.key, parts }
}

function partOf(spec: NamedSpec, cell: unknown): StatePart {
  const name = spec.name
  if (cell instanceof TimerEntry) return { kind: 'timer', name, timeMs: cell.timeMs }
  if (cell instanceof MapCell) {
    const entries: MapPart[] = []
    for (const { key, value, version, usedMs } of cell.entries.values()) {
      entries.push({ key, value, version, usedMs })
    }
    return { kind: 'map', name, entries }
  }
  if (cell instanceof ListCell) {
    // Lists and times are added to in place by later calls, so the parts get their own.
    return {
      kind: 'list',
      name,
      version: cell.version,
      values: cell.values.slice(),
      usedMs: cell.usedMs?.slice() ?? [],
    }
  }
  if (cell instanceof ValueCell) {
    return { kind: 'value', name, version: cell.version, value: cell.value, usedMs: cell.usedMs }
  }
  return { kind: 'value', name, version: spec.version, value: cell, usedMs: 0 }
}

/** Bytes of everything in a slot beyond the slot itself. */
export function slotContentBytes(slot: Slot): number {
  let bytes = 0
  for (const cell of slot.cells) {
    if (cell instanceof TimerEntry) bytes += ENTRY_BYTES
    else if (cell instanceof MapCell) for (const entry of cell.entries.values()) bytes += mapEntryBytes(entry)
    else if (cell instanceof ListCell)
      for (const value of cell.values) bytes += ENTRY_BYTES + roughSizeBytes(value)
    else bytes += cellBytes(cell)
  }
  return bytes
}

/**
 * The cell of a part, but for timers, whose cells the store makes. `isOld` is told of each value to be
 * migrated.
 */
export function cellOf(
  part: StatePart,
  spec: NamedSpec,
  key: unknown,
  nowMs: number,
  isOld: () => void,
): unknown {
  switch (part.kind) {
    case 'value':
      return valueCell(part, spec, key, nowMs, isOld)
    case 'map': {
      const cell = new MapCell()
      for (const entry of part.entries) {
        const value = valueToday(spec, entry.value, entry.version, key, isOld)
        const usedMs = spec.ttlMs === undefined ? 0 : entry.usedMs || nowMs
        cell.entries.set(mapKeyOf(entry.key), new MapEntry(entry.key, value, entry.version, usedMs))
      }
      return cell.entries.size === 0 ? undefined : cell
    }
    case 'list': {
      if (part.values.length === 0) return undefined
      const values = part.values.map((value) => valueToday(spec, value, part.version, key, isOld))
      if (spec.ttlMs === undefined) return new ListCell(values, undefined, part.version)
      return new ListCell(
        values,
        values.map((_, i) => part.usedMs[i] ?? nowMs),
        part.version,
      )
    }
    case 'timer':
      return undefined
  }
}

function valueCell(
  part: Extract<StatePart, { kind: 'value' }>,
  spec: NamedSpec,
  key: unknown,
  nowMs: number,
  isOld: () => void,
): unknown {
  const value = valueToday(spec, part.value, part.version, key, isOld)
  if (value === undefined) return undefined
  if (spec.ttlMs !== undefined) return new ValueCell(value, part.version, part.usedMs || nowMs)
  return part.version === spec.version ? value : new ValueCell(value, part.version, 0)
}

/** Checked if it is of today's version; kept for migration at its first reading if it is older. */
function valueToday(
  spec: NamedSpec,
  value: unknown,
  version: number,
  key: unknown,
  isOld: () => void,
): unknown {
  if (version === spec.version) return checked(spec, value, version, key)
  isOld()
  return value
}

/**
 * The spec a part belongs to, if it fits.
 * @throws ConflictError STATE_DROPPED no state has that name
 * @throws FormatError STATE_VERSION_NEWER it was written by newer code
 * @throws UsageError STATE_MIGRATION_MISSING it is older, or of another kind, and there is no
 *   way from there to here
 */
export function specFor(part: StatePart, specs: readonly NamedSpec[]): NamedSpec {
  const spec = specs.find((one) => one.name === part.name)
  if (spec === undefined) {
    throw new ConflictError(
      'STATE_DROPPED',
      `there is stored state ${part.name}, and no declared state has that name`,
      {
        state: part.name,
      },
    )
  }
  if (spec.kind !== part.kind) {
    throw new UsageError(
      'STATE_MIGRATION_MISSING',
      `state ${part.name} was stored as a ${part.kind} and is declared as a ${spec.kind}`,
      { state: part.name, stored: part.kind, declared: spec.kind },
    )
  }
  for (const version of versionsOf(part)) checkVersion(spec, version)
  return spec
}

function versionsOf(part: StatePart): Iterable<number> {
  if (part.kind === 'map') return new Set(part.entries.map((entry) => entry.version))
  return part.kind === 'timer' ? [] : [part.version]
}

function checkVersion(spec: NamedSpec, version: number): void {
  if (version > spec.version) {
    throw new FormatError(
      'STATE_VERSION_NEWER',
      `state ${spec.name} was stored in version ${version}, the code knows ${spec.version}`,
      { state: spec.name, stored: version, declared: spec.version },
    )
  }
  if (version < spec.version && spec.migrate === undefined) {
    throw new UsageError(
      'STATE_MIGRATION_MISSING',
      `state ${spec.name} was stored in version ${version}, the code has ${spec.version} and no migrate`,
      { state: spec.name, stored: version, declared: spec.version },
    )
  }
}
