/**
 * What runs on this node, as this supervisor must know it after a restart: for each slot the worker that was
 * launched last, by what it proves itself, and how often it was launched. One small file, written whole.
 *
 *   change ─▶ <file>.new ─▶ sync ─▶ rename ─▶ sync directory ─▶ the change is told to be kept
 *
 * Does not know: what a worker is told, whether it still lives.
 *
 * Invariants
 *   F1  a worker is launched only after its number is kept: no two lives of a worker have one number
 *   F2  a damaged file is as good as none: the supervisor starts fresh, and stops nothing that it cannot
 *       prove to be its own
 *   F3  no secret is in it, only digests of secrets
 */
import { z } from 'zod'
import type { Logger } from '../base/log.ts'
import { GENERATIONS_MAX, RESTARTS_MAX } from '../cluster/incarnation.ts'
import type { Host } from '../host/host.ts'

/** Raised when an older supervisor would misunderstand a file. */
const FORMAT = 1

export interface SeatRecord {
  readonly port: number
  readonly topologyId: string
  readonly worker: number
  readonly generation: number
  readonly layout: number
  readonly layoutDigest: string
  /** Of the last launch. */
  readonly restart: number
  /** SHA-256 of its secret, in hex. */
  readonly secretDigest: string
  /** undefined: this supervisor's predecessor ended while it was launching. */
  readonly pid: number | undefined
  readonly bornAt: string | undefined
  /** The process of the last launch has said that it runs. */
  readonly hasStarted: boolean
  /** Who runs which executors, as it has them: what it was asked for and has not said is not here yet. */
  readonly placement: string
  /** State that moved here with this placement is dealt: a worker of this generation has said so. */
  readonly isStateDealt: boolean
  /** Time without a sign of life after which it hangs. */
  readonly beatTimeoutMs: number
}

const count = z.int().min(0)
const schema = z.object({
  format: z.literal(FORMAT),
  seats: z.array(
    z.object({
      port: count,
      topologyId: z.string().min(1),
      worker: z.int().min(1),
      generation: z.int().min(1).max(GENERATIONS_MAX),
      layout: count,
      layoutDigest: z.string(),
      restart: count.max(RESTARTS_MAX),
      secretDigest: z.string().regex(/^[0-9a-f]{64}$/),
      pid: z.int().min(1).optional(),
      bornAt: z.string().optional(),
      hasStarted: z.boolean(),
      placement: z.string(),
      isStateDealt: z.boolean(),
      beatTimeoutMs: z.number().min(1),
    }),
  ),
})

export class LocalState {
  private readonly host: Host
  private readonly path: string
  private readonly log: Logger
  private readonly seats = new Map<number, SeatRecord>()
  private writing: Promise<void> | undefined
  /** The write that begins when the one under way is over. */
  private next: Promise<void> | undefined

  constructor(host: Host, path: string, log: Logger) {
    this.host = host
    this.path = path
    this.log = log
  }

  /** What an earlier life has left. Once, before anything else. */
  async load(): Promise<void> {
    const text = await this.read()
    if (text === undefined) return
    const found = parsed(text)
    if (found === undefined) {
      this.log.error('the state of this node is damaged, so it starts fresh', { path: this.path })
      return
    }
    for (const seat of found) this.seats.set(seat.port, seat)
  }

  all(): readonly SeatRecord[] {
    return [...this.seats.values()]
  }

  of(port: number): SeatRecord | undefined {
    return this.seats.get(port)
  }

  /** Resolves when it is kept for sure. What failed is tried with the next change. */
  put(record: SeatRecord): Promise<void> {
    this.seats.set(record.port, record)
    return this.save()
  }

  forget(port: number): Promise<void> {
    return this.seats.delete(port) ? this.save() : Promise.resolve()
  }

  /** Changes that come while a write is under way go into one more write together. */
  private save(): Promise<void> {
    if (this.writing === undefined) return this.begin()
    this.next ??= this.writing
      .catch(() => undefined)
      .then(() => {
        this.next = undefined
        return this.begin()
      })
    return this.next
  }

  private begin(): Promise<void> {
    const writing = this.write().finally(() => {
      if (this.writing === writing) this.writing = undefined
    })
    this.writing = writing
    return writing
  }

  private async write(): Promise<void> {
    const { files } = this.host
    const text = JSON.stringify({ format: FORMAT, seats: this.all() })
    const fresh = `${this.path}.new`
    const file = await files.open(fresh, 'create')
    try {
      await file.write(new TextEncoder().encode(text), 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await files.rename(fresh, this.path)
    await files.syncDirectory(files.resolve(this.path, '..'))
  }

  private async read(): Promise<string | undefined> {
    const { files } = this.host
    const facts = await files.stat(this.path)
    if (facts?.kind !== 'file') return undefined
    const file = await files.open(this.path, 'read')
    try {
      const bytes = new Uint8Array(facts.sizeBytes)
      const size = await file.read(bytes, 0)
      return new TextDecoder().decode(bytes.subarray(0, size))
    } finally {
      await file.close()
    }
  }
}

function parsed(text: string): readonly SeatRecord[] | undefined {
  try {
    const found = schema.safeParse(JSON.parse(text))
    if (!found.success) return undefined
    return found.data.seats.map((seat) => ({ ...seat, pid: seat.pid, bornAt: seat.bornAt }))
  } catch {
    return undefined
  }
}
