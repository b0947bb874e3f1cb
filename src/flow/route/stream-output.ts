/**
 * A stream of one task, on its way out: picks the targets of each emit, makes a tuple for each, accounts its
 * edge.
 *
 * Route: collector → [stream output] → inbox of a task here, or the link to the worker where it runs.
 *
 * Accounting (Storm's rule): each tuple that leaves gets an edge id of its own. The id is mixed into the
 * anchor it belongs to (`childLow/High`), or, for a spout, summed up in `sumLow/High`, from where the root is
 * registered.
 *
 * A tuple that was handed over by a call and answered before that call returned needs no id: it would be
 * mixed in twice right away. So edges get their names after the hand-over, and only if the tuple is still
 * open then; until that, its name is zero, which changes nothing where it is mixed in.
 *
 * Invariants
 *   O1  Every open tuple of a tracked emit has its edge in each of its roots, or in the anchor that is still
 *       to be
 *       mixed into them, before this turn of the loop ends: nobody else can ack it earlier.
 *   O2  A link refuses values it cannot encode by throwing, before any edge is accounted: a call that threw
 *       leaves
 *       the books balanced. So what leaves the worker gets its name, is handed over, and is accounted last.
 */
import { UsageError } from '../../base/errors.ts'
import type { AnyValues } from '../../topology/tuple.ts'
import type { EdgeIds } from '../ack/edge-ids.ts'
import type { TreeRoot } from '../ack/tree-root.ts'
import { Answer, EngineTuple, type FurtherRoot } from '../executor/tuple.ts'
import { AllRoute, CustomRoute, DirectRoute } from './fixed.ts'
import type { Route } from './route.ts'
import type { StreamRef } from './stream-ref.ts'
import type { Emitter, Target } from './target.ts'

/** Called once for each root whose first tuple leaves the worker. */
export type OnLeave = (root: TreeRoot) => void

/**
 * Watches a stream: called for each emit that takes effect, before anyone has its tuples. Must be quick and
 * must not throw.
 */
export type EmitObserver = (
  values: AnyValues,
  anchor: EngineTuple | undefined,
  root: TreeRoot | undefined,
) => void

export class StreamOutput {
  readonly ref: StreamRef
  /** Emits, each counted once. */
  emittedCount = 0
  /** Tuples made of them: emits times targets. */
  transferredCount = 0
  /** XOR of the edges of the spout's emit in hand. */
  sumLow = 0
  sumHigh = 0
  /** Taps, traces and recordings. undefined: nobody looks, which costs one comparison an emit. */
  observer: EmitObserver | undefined = undefined
  /** Exchanged by `reroute` only. */
  routes: readonly Route[] = []
  /** Some of its tuples may go to another worker, where a link may refuse their values. */
  mayLeave = false
  /** An emit makes one tuple at most: if that is refused, nothing has happened. */
  isSingle = true
  private readonly task: number
  private readonly ids: EdgeIds
  private readonly emitter: Emitter
  private readonly onLeave: OnLeave

  constructor(
    ref: StreamRef,
    task: number,
    routes: readonly Route[],
    ends: { readonly ids: EdgeIds; readonly emitter: Emitter; readonly onLeave: OnLeave },
  ) {
    this.ref = ref
    this.task = task
    this.ids = ends.ids
    this.emitter = ends.emitter
    this.onLeave = ends.onLeave
    this.reroute(routes)
  }

  /** Its readers have moved. Between two calls of the task only, while nothing of it is in flight. */
  reroute(routes: readonly Route[]): void {
    this.routes = routes
    this.mayLeave = routes.some(({ targets }) => targets.some(({ receiver }) => receiver === undefined))
    this.isSingle = routes.length < 2 && routes.every((route) => !isFanOut(route))
  }

  /** HOT. Emits anchored to one tuple, or untracked if that is. */
  emitAnchored(values: AnyValues, anchor: EngineTuple): void {
    this.emittedCount += 1
    const { root, time } = anchor
    if (this.observer !== undefined) this.observer(values, anchor, root)
    for (const route of this.routes) {
      const index = route.choose(values)
      if (index >= 0) {
        const target = route.targets[index]
        if (target !== undefined) this.sendAnchored(target, values, anchor, root, time)
      } else {
        for (const target of route.many) this.sendAnchored(target, values, anchor, root, time)
      }
    }
  }

  /** HOT. Emits a spout's tuple. With a root, `sumLow/High` grow by its edges; the caller registers them. */
  emitRoot(values: AnyValues, root: TreeRoot | undefined, time: number | undefined): void {
    this.emittedCount += 1
    if (this.observer !== undefined) this.observer(values, undefined, root)
    for (const route of this.routes) {
      const index = route.choose(values)
      if (index >= 0) {
        const target = route.targets[index]
        if (target !== undefined) this.sendRoot(target, values, root, time)
      } else {
        for (const target of route.many) this.sendRoot(target, values, root, time)
      }
    }
  }

  /** Emits anchored to several tuples; an anchor may stand there twice. */
  emitJoined(values: AnyValues, anchors: readonly EngineTuple[]): void {
    this.emittedCount += 1
    if (this.observer !== undefined) this.observer(values, anchors[0], anchors[0]?.root)
    for (const route of this.routes) {
      const index = route.choose(values)
      const targets = index >= 0 ? route.targets.slice(index, index + 1) : route.many
      for (const target of targets) this.sendJoined(target, values, anchors)
    }
  }

  /**
   * The targets of a direct emit.
   * @throws UsageError TASK_UNKNOWN
   */
  directTargets(task: number): readonly Target[] {
    const targets: Target[] = []
    for (const route of this.routes) {
      const target = route instanceof DirectRoute ? route.targetOf(task) : undefined
      if (target !== undefined) targets.push(target)
    }
    if (targets.length > 0) return targets
    const stream = `${this.ref.componentId}:${this.ref.streamId}`
    const readers = this.routes.map((route) => `${route.readerId} (${tasksOf(route)})`).join(', ') || 'nobody'
    throw new UsageError(
      'TASK_UNKNOWN',
      `task ${task} does not read stream ${stream}; readers are ${readers}`,
      { component: this.ref.componentId, stream: this.ref.streamId, task },
    )
  }

  emitDirect(target: Target, values: AnyValues, anchors: readonly EngineTuple[]): void {
    this.emittedCount += 1
    if (this.observer !== undefined) this.observer(values, anchors[0], anchors[0]?.root)
    this.sendJoined(target, values, anchors)
  }

  emitDirectRoot(
    target: Target,
    values: AnyValues,
    root: TreeRoot | undefined,
    time: number | undefined,
  ): void {
    this.emittedCount += 1
    if (this.observer !== undefined) this.observer(values, undefined, root)
    this.sendRoot(target, values, root, time)
  }

  private sendAnchored(
    target: Target,
    values: AnyValues,
    anchor: EngineTuple,
    root: TreeRoot | undefined,
    time: number | undefined,
  ): void {
    const tuple = new EngineTuple(values, this.ref, this.task, target.task, time, root, 0, 0)
    if (root === undefined) {
      this.deliver(target, tuple)
      return
    }
    if (anchor.more !== undefined) tuple.more = sameEdge(anchor.more)
    if (target.receiver === undefined) {
      this.nameEdge(tuple)
      this.deliver(target, tuple)
    } else {
      this.deliver(target, tuple)
      if (tuple.answer !== Answer.OPEN) return
      this.nameEdge(tuple)
    }
    anchor.childLow ^= tuple.edgeLow
    anchor.childHigh ^= tuple.edgeHigh
  }

  private sendRoot(
    target: Target,
    values: AnyValues,
    root: TreeRoot | undefined,
    time: number | undefined,
  ): void {
    const tuple = new EngineTuple(values, this.ref, this.task, target.task, time, root, 0, 0)
    if (root === undefined) {
      this.deliver(target, tuple)
      return
    }
    if (target.receiver === undefined) {
      this.nameEdge(tuple)
      this.deliver(target, tuple)
    } else {
      this.deliver(target, tuple)
      if (tuple.answer !== Answer.OPEN) return
      this.nameEdge(tuple)
    }
    this.sumLow ^= tuple.edgeLow
    this.sumHigh ^= tuple.edgeHigh
  }

  /** Gives a tuple its edge. */
  private nameEdge(tuple: EngineTuple): void {
    const { ids } = this
    ids.take()
    tuple.edgeLow = ids.low
    tuple.edgeHigh = ids.high
    if (tuple.more === undefined) return
    for (const further of tuple.more) {
      further.low = ids.low
      further.high = ids.high
    }
  }

  /**
   * Each anchor contributes an edge of its own to all its roots; a root that several anchors share gets their
   * XOR. So the books balance even when an anchor is named twice.
   */
  private sendJoined(target: Target, values: AnyValues, anchors: readonly EngineTuple[]): void {
    const edges: FurtherRoot[] = []
    const lows: number[] = []
    const highs: number[] = []
    let time: number | undefined
    for (const anchor of anchors) {
      if (anchor.time !== undefined && (time === undefined || anchor.time > time)) time = anchor.time
      this.ids.take()
      const { low, high } = this.ids
      lows.push(low)
      highs.push(high)
      if (anchor.root === undefined) continue
      mixInto(edges, anchor.root, low, high)
      for (const further of anchor.more ?? []) mixInto(edges, further.root, low, high)
    }
    const [first, ...more] = edges
    const tuple = new EngineTuple(
      values,
      this.ref,
      this.task,
      target.task,
      time,
      first?.root,
      first?.low ?? 0,
      first?.high ?? 0,
    )
    if (more.length > 0) tuple.more = more
    const isHere = target.receiver !== undefined
    if (!isHere) this.deliver(target, tuple)
    anchors.forEach((anchor, i) => {
      anchor.childLow ^= lows[i] ?? 0
      anchor.childHigh ^= highs[i] ?? 0
    })
    if (isHere) this.deliver(target, tuple)
  }

  /** HOT. */
  private deliver(target: Target, tuple: EngineTuple): void {
    this.transferredCount += 1
    const { receiver } = target
    const gate = receiver === undefined ? this.leave(target, tuple) : receiver.offer(tuple, target.isChained)
    if (gate !== undefined && target.isHolding) this.emitter.blockOn(gate)
  }

  private leave(target: Target, tuple: EngineTuple) {
    if (tuple.root !== undefined && !tuple.root.hasLeft) this.onLeave(tuple.root)
    if (tuple.more !== undefined) {
      for (const { root } of tuple.more) if (!root.hasLeft) this.onLeave(root)
    }
    return target.link?.send(tuple)
  }
}

function isFanOut(route: Route): boolean {
  return route instanceof AllRoute || route instanceof CustomRoute
}

function sameEdge(roots: readonly FurtherRoot[]): FurtherRoot[] {
  return roots.map(({ root }) => ({ root, low: 0, high: 0 }))
}

function mixInto(edges: FurtherRoot[], root: TreeRoot, low: number, high: number): void {
  const known = edges.find((edge) => isSame(edge.root, root))
  if (known === undefined) {
    edges.push({ root, low, high })
    return
  }
  known.low ^= low
  known.high ^= high
}

/**
 * A root whose acker is elsewhere may be here as several objects, all with its id. Left apart they would get
 * the same edges from their children, and the same edge twice is none. A root that has not left the worker
 * has no id yet.
 */
function isSame(a: TreeRoot, b: TreeRoot): boolean {
  if (a === b) return true
  return a.idLow === b.idLow && a.idHigh === b.idHigh && (a.idLow | a.idHigh) !== 0
}

function tasksOf(route: Route): string {
  return route.targets.map((target) => target.task).join(', ')
}
