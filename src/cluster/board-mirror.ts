/**
 * A live picture of parts of the board, over one watch a part.
 *
 *   watch event ─▶ path is dirty ─▶ read again ─▶ parsed ─▶ in the picture ─▶ listeners are told
 *   reset (reconnect, first time) ─▶ the whole part is read again
 *
 * A read that fails because no server answers is made again after a wait: a dirty path stays dirty until it
 * was read. What cannot be parsed leaves the record that was known before, and is named in `malformed`.
 *
 * Bounds: READS_AT_ONCE reads under way; dirty paths are a set, as large as the part.
 */
import { hasCode, isStreamError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Coordinator, WatchEvent } from '../coordinate/coordinator.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type { BoardChange, BoardPart } from './board.ts'
import { type BoardPicture, partRoots, partWatch } from './board-picture.ts'
import { partText } from './paths.ts'

const READS_AT_ONCE = 32
const RETRY_MS = 100
/** A whole second look now and then: a watch that was lost by a bug of whatever side does not stay unseen. */
const RECONCILE_MS = 60_000

export interface BoardMirrorSpec {
  readonly host: Host
  readonly log: Logger
  readonly coordinator: Coordinator
  /** `/typhoon`: put before every path. */
  readonly root: string
  readonly parts: readonly BoardPart[]
  readonly picture: BoardPicture
  readonly onChange: (change: BoardChange) => void
}

export class BoardMirror {
  private readonly spec: BoardMirrorSpec
  private readonly watches: Stoppable[] = []
  private readonly dirty = new Set<string>()
  private readonly stale = new Set<BoardPart>()
  private readonly waiters: Array<() => void> = []
  private readingCount = 0
  private retry: Stoppable | undefined
  /** Why a whole part could not be read. */
  private refusal: unknown = undefined
  private isClosed = false

  constructor(spec: BoardMirrorSpec) {
    this.spec = spec
  }

  /**
   * Resolves when everything was read once.
   * @throws UsageError COORDINATOR_REFUSED a part may not be read: nothing could be decided without it
   */
  async open(): Promise<void> {
    const { coordinator, parts, root, host } = this.spec
    for (const part of parts) {
      const path = root + partRoots[part]
      this.watches.push(await coordinator.watch(path, partWatch(part), (event) => this.onEvent(part, event)))
      this.stale.add(part)
    }
    this.watches.push(
      host.timers.every(RECONCILE_MS, () => {
        for (const part of parts) this.stale.add(part)
        this.pump()
      }),
    )
    this.pump()
    await this.settled()
    if (this.refusal !== undefined) throw this.refusal
  }

  /** Resolves when nothing is dirty any more. */
  settled(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.waiters.push(resolve))
  }

  close(): void {
    this.isClosed = true
    for (const watch of this.watches) watch.stop()
    this.retry?.stop()
    this.wake()
  }

  private get isIdle(): boolean {
    return this.isClosed || (this.dirty.size === 0 && this.stale.size === 0 && this.readingCount === 0)
  }

  private onEvent(part: BoardPart, event: WatchEvent): void {
    if (this.isClosed) return
    if (event.kind === 'reset') this.stale.add(part)
    else this.dirty.add(event.path)
    this.pump()
  }

  private pump(): void {
    if (this.isClosed || this.retry !== undefined) return
    for (const part of this.stale) {
      if (this.readingCount >= READS_AT_ONCE) return
      this.stale.delete(part)
      this.run(
        () => this.readPart(part),
        () => this.stale.add(part),
      )
    }
    for (const path of this.dirty) {
      if (this.readingCount >= READS_AT_ONCE) return
      this.dirty.delete(path)
      this.run(
        () => this.readPath(path),
        () => this.dirty.add(path),
      )
    }
    if (this.isIdle) this.wake()
  }

  private run(read: () => Promise<void>, again: () => void): void {
    this.readingCount += 1
    read()
      .catch((error: unknown) => {
        // Whoever owns the session notices that it is over; here only the next try matters.
        if (this.isClosed) return
        if (!isStreamError(error)) throw error
        again()
        this.retry ??= this.spec.host.timers.after(RETRY_MS, () => {
          this.retry = undefined
          this.pump()
        })
      })
      .finally(() => {
        this.readingCount -= 1
        this.pump()
      })
  }

  private async readPart(part: BoardPart): Promise<void> {
    const { root, picture } = this.spec
    const base = root + partRoots[part]
    if (partWatch(part) === 'node') return await this.readPath(base)
    const names = await this.namesIn(part, base)
    if (names === undefined) return
    for (const id of picture.idsOf(part)) {
      if (!names.some((name) => partText(name) === id)) this.put(part, id, undefined)
    }
    for (const name of names) this.dirty.add(`${base}/${name}`)
  }

  /** undefined: they may not be read. Asked again at the next second look, not at once and for ever. */
  private async namesIn(part: BoardPart, base: string): Promise<readonly string[] | undefined> {
    try {
      const names = await childrenOf(this.spec.coordinator, base)
      this.spec.picture.forget(part, '')
      return names
    } catch (error) {
      if (!hasCode(error, 'COORDINATOR_REFUSED')) throw error
      this.refusal ??= error
      this.refuse(part, '', base, error)
      return undefined
    }
  }

  private async readPath(path: string): Promise<void> {
    const { coordinator, root, parts } = this.spec
    const inBoard = path.slice(root.length)
    const part = parts.find(
      (each) => inBoard === partRoots[each] || inBoard.startsWith(`${partRoots[each]}/`),
    )
    if (part === undefined) return
    const rest = inBoard.slice(partRoots[part].length + 1)
    // The root of a part holds nothing, and nothing of ours is deeper than its children.
    if (partWatch(part) === 'tree' && (rest === '' || rest.includes('/'))) return
    try {
      const { data, stat } = await coordinator.get(path)
      this.put(part, partText(rest), { path, data, version: stat.version })
    } catch (error) {
      if (hasCode(error, 'COORDINATOR_REFUSED')) this.refuse(part, partText(rest), path, error)
      else if (hasCode(error, 'RECORD_MISSING')) this.put(part, partText(rest), undefined)
      else throw error
    }
  }

  private put(part: BoardPart, id: string, found: Parameters<BoardPicture['put']>[2]): void {
    if (this.isClosed) return
    const { picture, onChange } = this.spec
    const path = found?.path ?? ''
    const before = picture.malformed.get(path)
    const hasChanged = picture.put(part, id, found)
    this.sayMalformed(path, before)
    if (hasChanged) onChange({ part, id })
  }

  private refuse(part: BoardPart, id: string, path: string, error: unknown): void {
    if (this.isClosed) return
    const before = this.spec.picture.malformed.get(path)
    this.spec.picture.refuse(part, id, path, error instanceof Error ? error.message : String(error))
    this.sayMalformed(path, before)
    if (id !== '') this.spec.onChange({ part, id })
  }

  /** Once, and not again at every second look. */
  private sayMalformed(path: string, before: string | undefined): void {
    const why = this.spec.picture.malformed.get(path)
    if (why === undefined || why === before) return
    this.spec.log.warn('a node of the board cannot be read and is left alone', { path, message: why })
  }

  private wake(): void {
    for (const resolve of this.waiters.splice(0)) resolve()
  }
}

async function childrenOf(coordinator: Coordinator, path: string): Promise<readonly string[]> {
  try {
    return await coordinator.children(path)
  } catch (error) {
    if (hasCode(error, 'RECORD_MISSING')) return []
    throw error
  }
}
