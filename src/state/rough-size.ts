/**
 * About how much heap a value takes. For the limit on state only: cheap, steady (the same value gives the
 * same figure, as long as nobody changes it), and right within a factor of two or so.
 */

/** What a key costs besides its own text: the slot, its cells, its place in the map. */
export const SLOT_BYTES = 160
/** What an entry of a map or a list costs besides its value. */
export const ENTRY_BYTES = 56

const OBJECT_BYTES = 40
// A deep or long value is measured by its first parts and counted up: the measuring must not cost more than
// the storing.
const PARTS_MAX = 64
const DEPTH_MAX = 8

/** HOT. Bytes of a value beyond the slot that holds it. */
export function roughSizeBytes(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return 0
  if (typeof value === 'string') return 16 + value.length
  return objectBytes(value, 0)
}

function partBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return 24 + value.length
  if (typeof value === 'object' && value !== null) return 8 + objectBytes(value, depth)
  return 8
}

function objectBytes(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 24
  if (ArrayBuffer.isView(value)) return OBJECT_BYTES + value.byteLength
  if (depth >= DEPTH_MAX) return OBJECT_BYTES
  if (Array.isArray(value)) return OBJECT_BYTES + sumOf(value, value.length, depth)
  if (value instanceof Map) return OBJECT_BYTES + 2 * sumOf(mapParts(value), value.size * 2, depth)
  if (value instanceof Set) return OBJECT_BYTES + 2 * sumOf(value, value.size, depth)
  if (value instanceof Date) return OBJECT_BYTES
  const parts = Object.values(value)
  return OBJECT_BYTES + sumOf(parts, parts.length, depth)
}

function sumOf(parts: Iterable<unknown>, count: number, depth: number): number {
  let bytes = 0
  let seen = 0
  for (const part of parts) {
    if (seen === PARTS_MAX) break
    bytes += partBytes(part, depth + 1)
    seen += 1
  }
  return seen < count ? Math.round((bytes / seen) * count) : bytes
}

function* mapParts(map: ReadonlyMap<unknown, unknown>): Iterable<unknown> {
  for (const [key, value] of map) {
    yield key
    yield value
  }
}
