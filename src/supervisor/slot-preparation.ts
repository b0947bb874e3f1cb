/**
 * Brings what a worker of a slot needs before it can start: its bundle, its outline, state that moves to it,
 * positions of its sources. Tries until it has all of it, or something else is wanted.
 *
 *   want(order) ─▶ blobs ─▶ outline read ─▶ module ─▶ positions ─▶ ready          trouble: wait, again
 *
 * Does not know: processes, states of the slot.
 *
 * Invariants
 *   K1  what is ready belongs to the seat that was wanted last, with the executors that it runs: who takes
 *       over others' executors needs their positions too
 *   K2  one try at a time; waits between tries grow up to `RETRY_MAX_MS`
 */
import { z } from 'zod'
import { Backoff } from '../base/backoff.ts'
import { FormatError, hasCode, isStreamError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { PositionTexts } from '../cluster/board.ts'
import type { BlobRef, TopologyRecord } from '../cluster/records.ts'
import type { Host } from '../host/host.ts'
import type { NodeHappening } from '../rpc/heartbeat.ts'
import type { TopologyOutline } from '../topology/describe/outline.ts'
import type { LaunchProfile } from './launcher.ts'
import type { Localizer } from './node/localizer.ts'
import type { PositionPost } from './post/position-post.ts'
import { isSameSeat, type SlotWish } from './slot.ts'
import { componentsOf, type SlotOrder, stateFor } from './slot-order.ts'
import type { SupervisorSettings } from './supervisor-settings.ts'

export interface SlotPreparationParts {
  readonly host: Host
  readonly log: Logger
  readonly settings: SupervisorSettings
  readonly localizer: Localizer
  readonly positions: PositionPost
  /** Path of a blob that is here. */
  readonly pathOf: (digest: string) => string
  readonly report: (happening: NodeHappening) => void
  readonly onReady: () => void
}

/** All of it, for one seat. */
export interface Ready {
  readonly wish: SlotWish
  readonly topology: TopologyRecord
  readonly profile: LaunchProfile
  readonly digests: readonly string[]
  readonly bundlePath: string
  readonly stateFiles: readonly string[]
  /** Component of each executor, at `number - 1`. */
  readonly components: readonly string[]
  readonly beatTimeoutMs: number
}

/** What a worker needs for executors that come to it while it runs. */
export interface Move {
  readonly components: readonly string[]
  readonly stateFiles: readonly string[]
  readonly positions: PositionTexts
}

const RETRY_FIRST_MS = 250
const RETRY_MAX_MS = 5_000

export class SlotPreparation {
  /** Why it is not ready, in words; empty if nothing is wrong. */
  trouble = ''
  private readonly parts: SlotPreparationParts
  private ready: Ready | undefined
  /** What is being prepared. */
  private wanted: SlotWish | undefined
  private tryNumber = 0
  private readonly reported = new Set<string>()

  constructor(parts: SlotPreparationParts) {
    this.parts = parts
  }

  readyFor(wish: SlotWish): Ready | undefined {
    return this.ready !== undefined && isSame(this.ready.wish, wish) ? this.ready : undefined
  }

  /** Of the same seat, whatever it runs. */
  readyForSeat(wish: SlotWish): Ready | undefined {
    return this.ready !== undefined && isSameSeat(this.ready.wish, wish) ? this.ready : undefined
  }

  /** Of the last that was ready, whoever it was for. */
  get last(): Ready | undefined {
    return this.ready
  }

  /** May be called again and again. */
  want(order: SlotOrder): void {
    const { wish } = order
    if (this.readyFor(wish) !== undefined) return
    if (order.topology === undefined) {
      this.trouble = 'its record was not seen on the board yet'
      return
    }
    if (this.wanted !== undefined && isSame(this.wanted, wish)) return
    this.wanted = wish
    this.tryNumber += 1
    this.reported.clear()
    void this.tryUntilReady(order, order.topology, this.tryNumber)
  }

  /** Nothing is wanted any more. */
  cancel(): void {
    this.tryNumber += 1
    this.wanted = undefined
    this.trouble = ''
    this.ready = undefined
  }

  /** A worker could not start with it: what is on disk is looked at again. */
  async doubt(): Promise<void> {
    const { ready } = this
    if (ready === undefined) return
    this.cancel()
    await this.parts.localizer.doubt(ready.topology.bundle.digest)
  }

  /** State and positions for executors that move; undefined: not wanted any more. */
  async move(order: SlotOrder, isWanted: () => boolean): Promise<Move | undefined> {
    const backoff = this.backoff()
    while (isWanted()) {
      try {
        const ready = this.readyForSeat(order.wish)
        const components = ready?.components ?? (await this.componentsFor(order))
        const state = stateFor(order, components)
        await this.parts.localizer.ensure(state)
        await this.parts.positions.load(order.assignment.topologyId)
        const stateFiles = state.map(({ digest }) => this.parts.pathOf(digest))
        // If it dies from now on, its successor has state and positions of all that comes, board or not.
        if (ready !== undefined && this.ready === ready) {
          const digests = digestsOf(ready.topology, state)
          this.readyNow({ ...ready, wish: order.wish, digests, stateFiles })
        }
        return { components, stateFiles, positions: this.parts.positions.knownOf(order.wish.topologyId) }
      } catch (error) {
        this.noteTrouble(order, error)
        await this.wait(backoff.nextMs())
      }
    }
    return undefined
  }

  private async tryUntilReady(order: SlotOrder, topology: TopologyRecord, number: number): Promise<void> {
    const backoff = this.backoff()
    while (this.tryNumber === number) {
      try {
        const ready = await this.bring(order, topology)
        if (this.tryNumber !== number) return
        this.readyNow(ready)
        this.trouble = ''
        this.parts.onReady()
        return
      } catch (error) {
        if (this.tryNumber !== number) return
        this.noteTrouble(order, error)
        await this.wait(backoff.nextMs())
      }
    }
  }

  private async bring(order: SlotOrder, topology: TopologyRecord): Promise<Ready> {
    const { localizer, positions, settings, pathOf } = this.parts
    await localizer.ensure([topology.bundle, topology.outline])
    const outline = parseOutline(await localizer.text(topology.outline.digest))
    const components = componentsOf(outline, topology)
    const state = stateFor(order, components)
    await localizer.ensure(state)
    const bundlePath = await localizer.modulePath(topology.bundle.digest)
    await positions.load(topology.id)
    const timeoutMs = outline.workerTimeoutMs ?? settings.workerTimeoutMs
    return {
      wish: order.wish,
      topology,
      profile: {
        heapBytes: outline.workerHeapBytes ?? settings.workerHeapBytes,
        nodeOptions: outline.nodeOptions,
        environment: outline.environment,
      },
      digests: digestsOf(topology, state),
      bundlePath,
      stateFiles: state.map(({ digest }) => pathOf(digest)),
      components,
      beatTimeoutMs: Math.min(timeoutMs, settings.workerTimeoutMsMax),
    }
  }

  private readyNow(ready: Ready): void {
    this.ready = ready
    this.wanted = ready.wish
  }

  private async componentsFor(order: SlotOrder): Promise<readonly string[]> {
    const { topology } = order
    if (topology === undefined) {
      throw new FormatError('RECORD_MALFORMED', 'an assignment was seen without its topology')
    }
    await this.parts.localizer.ensure([topology.outline])
    return componentsOf(parseOutline(await this.parts.localizer.text(topology.outline.digest)), topology)
  }

  private noteTrouble(order: SlotOrder, error: unknown): void {
    // A bug is nobody's trouble: it ends the process.
    if (!isStreamError(error)) throw error
    this.trouble = error.message
    this.parts.log.warn('a worker cannot be prepared yet', { code: error.code, why: error.message })
    const digest = error.details['digest']
    if (!hasCode(error, 'BLOB_MISSING') || typeof digest !== 'string' || this.reported.has(digest)) return
    this.reported.add(digest)
    const { topologyId } = order.wish
    const at = this.parts.host.clock.now()
    this.parts.report({ kind: 'blob-missing', at, topologyId, digest, text: error.message })
  }

  private backoff(): Backoff {
    const chance = () => this.parts.host.random.next()
    return new Backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS }, chance)
  }

  private wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.parts.host.timers.after(delayMs, resolve))
  }
}

/** Blobs that must stay. */
function digestsOf({ bundle, outline }: TopologyRecord, state: readonly BlobRef[]): readonly string[] {
  return [bundle, outline, ...state].map(({ digest }) => digest)
}

/** What is the same for all starts of a seat. */
function isSame(one: SlotWish, other: SlotWish): boolean {
  return isSameSeat(one, other) && one.placement === other.placement
}

/** The members that count here; the rest was checked by who accepted it, and is passed on. */
const outlineShape = z.looseObject({
  workerHeapBytes: z.number().optional(),
  workerTimeoutMs: z.number().optional(),
  nodeOptions: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  components: z.array(
    z.looseObject({
      id: z.string(),
      executors: z.int().min(0),
      tasks: z.int().min(0),
      hasOwnTasks: z.boolean(),
    }),
  ),
})

/** @throws FormatError BUNDLE_INVALID */
function parseOutline(text: string): TopologyOutline {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (error) {
    throw new FormatError('BUNDLE_INVALID', 'the outline of a topology is no JSON', {}, { cause: error })
  }
  const result = outlineShape.safeParse(found)
  if (result.success) return result.data as unknown as TopologyOutline
  const [issue] = result.error.issues
  const what = `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`
  throw new FormatError('BUNDLE_INVALID', `the outline of a topology does not fit: ${what}`)
}
