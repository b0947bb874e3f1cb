/**
 * A copy of a part of the tree in memory, kept up to date by one watch. What an event names is read again, so
 * that the copy never rests on what an event says alone; after a `reset`, and from time to time in any case,
 * everything is.
 *
 *     event ──▶ dirty paths ──╮
 *     reset ──▶ all dirty ────┼──▶ one reader ──▶ copy ──▶ onChange(path)
 *     timer ──▶ all dirty ────╯
 *
 * Ends with the session: with a new coordinator there is a new cache.
 *
 * Invariants
 *   C1  at rest, and connected, the copy is the tree
 *   C2  a node of the copy never goes back to an older version: one client's reads never do, and one reader
 *       puts them here in their order
 *   C3  the copy is bounded: what exceeds it is not kept, and told as trouble
 */
import { Backoff } from '../../base/backoff.ts'
import { deferred } from '../../base/deferred.ts'
import { hasCode, isStreamError, UsageError } from '../../base/errors.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { Coordinator, NodeData, WatchEvent } from '../coordinator.ts'
import { Wake } from './wake.ts'

export interface NodeCacheSpec {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random'>
  readonly coordinator: Coordinator
  /** The node itself belongs to the copy. It need not exist. */
  readonly path: string
  /** The copy has changed at this path: made, changed, or gone. */
  readonly onChange?: (path: string) => void
  /** Told of what is not just a lost connection: a refusal, or a copy that has become too large. */
  readonly onTrouble?: (error: unknown) => void
  /** Everything is read again so often. Default 60 s. */
  readonly reconcileMs?: number
  /** Default 20,000. */
  readonly nodesMax?: number
  /** Default 64 MB. */
  readonly bytesMax?: number
}

/** Reads under way at once. */
const READS_MAX = 64

export class NodeCache {
  private readonly spec: NodeCacheSpec
  private readonly wake: Wake
  private readonly backoff: Backoff
  private readonly first = deferred()
  private readonly listening: Stoppable
  private readonly nodes = new Map<string, NodeData>()
  private readonly dirty = new Set<string>()
  private readonly running: Promise<void>
  private watching: Stoppable | undefined
  private sizeBytes = 0
  private isAllDirty = true
  private isReading = false
  private isOver = false

  constructor(spec: NodeCacheSpec) {
    this.spec = spec
    this.wake = new Wake(spec.host.timers)
    this.backoff = new Backoff({ firstMs: 100, maxMs: 5_000 }, () => spec.host.random.next())
    this.listening = spec.coordinator.onState((state) => {
      if (state === 'expired' || state === 'closed') this.end()
      this.wake.ring()
    })
    this.running = this.run()
  }

  /** Resolves when everything has been read once, or the cache has ended. */
  get ready(): Promise<void> {
    return this.first.promise
  }

  /** Nothing is known to have changed since it was read, and a server is there to tell. */
  get isCurrent(): boolean {
    const isAtRest = !this.isAllDirty && !this.isReading && this.dirty.size === 0
    return isAtRest && this.spec.coordinator.state === 'connected'
  }

  get nodeCount(): number {
    return this.nodes.size
  }

  /**
   * The bytes are the cache's own: do not change them. Counts of children are those of the last read of the
   * node itself; `children` is up to date.
   */
  node(path: string): NodeData | undefined {
    return this.nodes.get(path)
  }

  /** Names of the children of a node, sorted. */
  children(path: string): readonly string[] {
    const start = path === '/' ? '/' : `${path}/`
    const names: string[] = []
    for (const each of this.nodes.keys()) {
      if (each.length > start.length && each.startsWith(start) && !each.includes('/', start.length))
        names.push(each.slice(start.length))
    }
    return names.sort()
  }

  /** Paths of all nodes, sorted. */
  paths(): readonly string[] {
    return [...this.nodes.keys()].sort()
  }

  /** Safe to repeat. */
  async stop(): Promise<void> {
    this.end()
    await this.running
  }

  private end(): void {
    this.isOver = true
    this.listening.stop()
    this.watching?.stop()
    this.first.resolve()
    this.wake.ring()
  }

  private async run(): Promise<void> {
    const periodMs = this.spec.reconcileMs ?? 60_000
    let nextFullMs = this.spec.host.clock.monotonicMs() + periodMs
    while (!this.isOver) {
      const nowMs = this.spec.host.clock.monotonicMs()
      if (nowMs >= nextFullMs) {
        this.isAllDirty = true
        nextFullMs = nowMs + periodMs
      }
      const retryMs = await this.tryRead()
      const isMore = retryMs === undefined && (this.isAllDirty || this.dirty.size > 0)
      if (this.isOver || isMore) continue
      const leftMs = Math.max(1, nextFullMs - this.spec.host.clock.monotonicMs())
      await this.wake.sleep(Math.min(retryMs ?? leftMs, leftMs))
    }
  }

  /** One round of reading. @returns undefined: done; else when to try again */
  private async tryRead(): Promise<number | undefined> {
    if (this.spec.coordinator.state !== 'connected') return this.backoff.nextMs()
    this.isReading = true
    try {
      this.watching ??= await this.watch()
      if (this.isAllDirty) await this.readAll()
      await this.readDirty()
      this.backoff.reset()
      return undefined
    } catch (error) {
      if (!isStreamError(error)) throw error
      if (error.family !== 'unavailable') this.spec.onTrouble?.(error)
      return this.backoff.nextMs()
    } finally {
      this.isReading = false
    }
  }

  private async watch(): Promise<Stoppable> {
    const watching = await this.spec.coordinator.watch(this.spec.path, 'tree', (event) => this.onEvent(event))
    if (this.isOver) watching.stop()
    return watching
  }

  private onEvent(event: WatchEvent): void {
    if (event.kind === 'reset') this.isAllDirty = true
    else if (event.kind !== 'children') this.dirty.add(event.path)
    this.wake.ring()
  }

  private async readAll(): Promise<void> {
    this.isAllDirty = false
    const found = new Set<string>()
    try {
      await this.spec.coordinator.sync(this.spec.path)
      let level: readonly string[] = [this.spec.path]
      while (level.length > 0 && !this.isOver) {
        level = (await inBatches(level, (path) => this.readWithChildren(path, found))).flat()
      }
      if (this.isOver) return
      for (const path of [...this.nodes.keys()]) {
        // An event that came while we read says more than what we read.
        if (!found.has(path) && !this.dirty.has(path)) this.remove(path)
      }
      this.first.resolve()
    } catch (error) {
      this.isAllDirty = true
      throw error
    }
  }

  private async readWithChildren(path: string, found: Set<string>): Promise<readonly string[]> {
    try {
      const [names, node] = await bothOf(
        this.spec.coordinator.children(path),
        this.spec.coordinator.get(path),
      )
      found.add(path)
      this.put(path, node)
      return names.map((name) => (path === '/' ? `/${name}` : `${path}/${name}`))
    } catch (error) {
      if (!hasCode(error, 'RECORD_MISSING')) throw error
      return []
    }
  }

  private async readDirty(): Promise<void> {
    while (this.dirty.size > 0 && !this.isOver) {
      const paths = [...this.dirty]
      // Before reading: what changes from now on comes as a new event.
      this.dirty.clear()
      try {
        await inBatches(paths, (path) => this.readOne(path))
      } catch (error) {
        for (const path of paths) this.dirty.add(path)
        throw error
      }
    }
  }

  private async readOne(path: string): Promise<void> {
    try {
      const node = await this.spec.coordinator.get(path)
      if (!this.isOver) this.put(path, node)
    } catch (error) {
      if (!hasCode(error, 'RECORD_MISSING')) throw error
      if (!this.isOver && !this.dirty.has(path)) this.remove(path)
    }
  }

  private put(path: string, node: NodeData): void {
    const before = this.nodes.get(path)
    if (!this.hasRoom(path, node, before)) return
    this.nodes.set(path, node)
    this.sizeBytes += node.data.length - (before?.data.length ?? 0)
    if (before === undefined || before.stat.modifiedZxid !== node.stat.modifiedZxid)
      this.spec.onChange?.(path)
  }

  private hasRoom(path: string, node: NodeData, before: NodeData | undefined): boolean {
    const { nodesMax = 20_000, bytesMax = 64_000_000 } = this.spec
    const count = this.nodes.size + (before === undefined ? 1 : 0)
    const sizeBytes = this.sizeBytes + node.data.length - (before?.data.length ?? 0)
    if (count <= nodesMax && sizeBytes <= bytesMax) return true
    const text = `${path} is not kept: the copy would have ${count} nodes, ${sizeBytes} bytes`
    this.spec.onTrouble?.(new UsageError('RECORD_TOO_LARGE', text, { path, count, sizeBytes }))
    return false
  }

  private remove(path: string): void {
    const before = this.nodes.get(path)
    if (before === undefined) return
    this.nodes.delete(path)
    this.sizeBytes -= before.data.length
    this.spec.onChange?.(path)
  }
}

/** Both answers, or the first error once both have ended: nothing is left without somebody who waits. */
async function bothOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const ended = await Promise.allSettled([a, b])
  for (const each of ended) if (each.status === 'rejected') throw each.reason
  return Promise.all([a, b])
}

async function inBatches<T>(
  paths: readonly string[],
  read: (path: string) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = []
  for (let at = 0; at < paths.length; at += READS_MAX) {
    const calls = paths.slice(at, at + READS_MAX).map(read)
    const ended = await Promise.allSettled(calls)
    for (const each of ended) {
      if (each.status === 'rejected') throw each.reason
      results.push(each.value)
    }
  }
  return results
}
