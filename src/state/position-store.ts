/**
 * Where sources go on after a restart, kept in files: per component and partition a position and two counts.
 *
 * Route: flow's spout executors say what is acked → whoever runs the topology collects and calls `store`, as
 * often as it likes → `load` at the next start.
 *
 * Two generations, in two files of the same form; each store replaces the older one:
 *
 *   <topology>.positions-0      typhoon-positions 1 <crc32 of the body, hex> <body's bytes>\n
 *   <topology>.positions-1      {"generation":7,"components":<component → partition → StoredPartition>}\n
 *
 * The body is JSON as plain-json.ts writes it: maps are tagged lists of pairs.
 *
 * Written: temporary file → sync → rename → sync of the directory. So at every moment at least one whole
 * generation is there, and one that is torn or damaged falls back to the one before, with a warning.
 *
 * Invariants
 *   P1  the file of the newest whole generation is never written to
 *   P2  a failed store leaves what `load` gives as it was
 *   P3  stores of one PositionStore do not overlap: each begins when the one before has ended
 */
import { UsageError } from '../base/errors.ts'
import type { Files } from '../host/host.ts'
import { fromPlainJson, toPlainJson } from './plain-json.ts'

/** How far a partition is done. */
export interface StoredPartition {
  /** Everything up to here is acked. Encodable. */
  readonly position: unknown
  /** Items read up to the last store, also those not acked. */
  readonly readCount: number
  readonly ackedCount: number
}

/** Component id → partition → how far. */
export type StoredPositions = ReadonlyMap<string, ReadonlyMap<string, StoredPartition>>

export interface LoadedPositions {
  readonly positions: StoredPositions
  /** What was wrong with files that were passed over. To be logged loudly. */
  readonly warnings: readonly string[]
}

/** What the store needs of a host. */
export interface PositionHost {
  readonly files: Files
  checksum(bytes: Uint8Array): number
}

// v1: first.
const HEADER = /^typhoon-positions 1 ([0-9a-f]{8}) (\d+)$/
const NEWLINE = 10
const GENERATION_FILES = 2

interface Generation {
  readonly generation: number
  readonly positions: StoredPositions
}

interface Found {
  readonly generations: readonly (Generation | undefined)[]
  readonly warnings: readonly string[]
}

export class PositionStore {
  private readonly host: PositionHost
  private readonly directory: string
  /** What is on disk, per topology. Read once. */
  private readonly known = new Map<string, (Generation | undefined)[]>()
  private turn: Promise<unknown> = Promise.resolve()

  /** `directory` is made at the first store. */
  constructor(host: PositionHost, directory: string) {
    this.host = host
    this.directory = directory
  }

  /**
   * The newest whole generation; no positions where nothing was stored.
   * @throws UnavailableError CONNECT_FAILED a file is there and cannot be read
   */
  async load(topology: string): Promise<LoadedPositions> {
    const { generations, warnings } = await this.read(topology)
    this.known.set(topology, [...generations])
    const newest = newestOf(generations)
    return { positions: newest?.positions ?? new Map(), warnings }
  }

  /**
   * Stores all positions of a topology in place of what was stored.
   * @throws UnavailableError DISK_FULL what was stored before is still there
   * @throws UsageError VALUE_NOT_ENCODABLE a position that cannot be stored
   */
  store(topology: string, positions: StoredPositions): Promise<void> {
    const ours = this.turn.then(() => this.storeNext(topology, positions))
    this.turn = ours.catch(() => undefined)
    return ours
  }

  /** Forgets all positions of a topology. */
  async remove(topology: string): Promise<void> {
    await this.turn
    this.known.delete(topology)
    for (let i = 0; i < GENERATION_FILES; i++) await this.host.files.remove(this.path(topology, i))
  }

  private async storeNext(topology: string, positions: StoredPositions): Promise<void> {
    const { files } = this.host
    const generations = this.known.get(topology) ?? [...(await this.read(topology)).generations]
    const generation = (newestOf(generations)?.generation ?? 0) + 1
    const bytes = this.encode(generation, positions)
    const older = olderOf(generations)
    const path = this.path(topology, older)
    const temporary = `${path}.tmp`
    await files.makeDirectory(this.directory)
    try {
      await this.writeWhole(temporary, bytes)
      await files.rename(temporary, path)
    } catch (error) {
      // The room it took is what others may be waiting for. That it failed is told by the error that is
      // thrown.
      await files.remove(temporary).catch(() => undefined)
      throw error
    }
    await files.syncDirectory(this.directory)
    generations[older] = { generation, positions }
    this.known.set(topology, generations)
  }

  private async writeWhole(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.host.files.open(path, 'create')
    try {
      await file.write(bytes, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  private async read(topology: string): Promise<Found> {
    const generations: (Generation | undefined)[] = []
    const warnings: string[] = []
    for (let i = 0; i < GENERATION_FILES; i++) {
      const path = this.path(topology, i)
      const bytes = await this.readWhole(path)
      const result = bytes === undefined ? undefined : this.decode(bytes)
      if (typeof result === 'string') {
        warnings.push(`stored positions in ${path} are damaged (${result}), the generation before is used`)
      }
      generations.push(typeof result === 'string' ? undefined : result)
    }
    return { generations, warnings }
  }

  private async readWhole(path: string): Promise<Uint8Array | undefined> {
    const facts = await this.host.files.stat(path)
    if (facts === undefined) return undefined
    const file = await this.host.files.open(path, 'read')
    try {
      const bytes = new Uint8Array(facts.sizeBytes)
      let filled = 0
      while (filled < bytes.length) {
        const count = await file.read(bytes.subarray(filled), filled)
        if (count === 0) break
        filled += count
      }
      return bytes.subarray(0, filled)
    } finally {
      await file.close()
    }
  }

  private path(topology: string, index: number): string {
    if (topology === '')
      throw new UsageError('CONFIG_INVALID_VALUE', 'a topology without a name has no positions')
    // Names may hold what file names may not; a dot in front would hide the file.
    const name = encodeURIComponent(topology).replace(/^\./, '%2E').replaceAll('*', '%2A')
    return this.host.files.resolve(this.directory, `${name}.positions-${index}`)
  }

  private encode(generation: number, positions: StoredPositions): Uint8Array {
    const encoder = new TextEncoder()
    const body = encoder.encode(`${toPlainJson({ generation, components: positions })}\n`)
    const crc = crcText(this.host.checksum(body))
    const head = encoder.encode(`typhoon-positions 1 ${crc} ${body.length}\n`)
    const bytes = new Uint8Array(head.length + body.length)
    bytes.set(head)
    bytes.set(body, head.length)
    return bytes
  }

  /** What is wrong with it as text, if anything is. */
  private decode(bytes: Uint8Array): Generation | string {
    const end = bytes.indexOf(NEWLINE)
    const header = HEADER.exec(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end))))
    if (header === null) return 'no header of a known version'
    const body = bytes.subarray(end + 1)
    if (body.length !== Number(header[2])) return `${body.length} bytes instead of ${header[2]}`
    if (crcText(this.host.checksum(body)) !== header[1]) return 'wrong checksum'
    return generationOf(fromPlainJson(new TextDecoder().decode(body))) ?? 'not what this version writes'
  }
}

function crcText(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0')
}

function newestOf(generations: readonly (Generation | undefined)[]): Generation | undefined {
  return generations.reduce(
    (best, one) => (one && one.generation > (best?.generation ?? -1) ? one : best),
    undefined,
  )
}

/** The place to write next: an empty or damaged one, else the older. */
function olderOf(generations: readonly (Generation | undefined)[]): number {
  const [first, second] = generations
  if (first === undefined) return 0
  if (second === undefined) return 1
  return first.generation <= second.generation ? 0 : 1
}

function generationOf(body: unknown): Generation | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if (!('generation' in body) || typeof body.generation !== 'number') return undefined
  if (!('components' in body) || !(body.components instanceof Map)) return undefined
  const positions = new Map<string, ReadonlyMap<string, StoredPartition>>()
  for (const [component, stored] of body.components) {
    if (typeof component !== 'string' || !(stored instanceof Map)) return undefined
    const partitions = new Map<string, StoredPartition>()
    for (const [partition, facts] of stored) {
      if (typeof partition !== 'string' || !isStoredPartition(facts)) return undefined
      partitions.set(partition, facts)
    }
    positions.set(component, partitions)
  }
  return { generation: body.generation, positions }
}

function isStoredPartition(facts: unknown): facts is StoredPartition {
  if (typeof facts !== 'object' || facts === null) return false
  return (
    'position' in facts &&
    'readCount' in facts &&
    typeof facts.readCount === 'number' &&
    'ackedCount' in facts &&
    typeof facts.ackedCount === 'number'
  )
}
