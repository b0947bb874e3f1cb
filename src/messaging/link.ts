/**
 * The way to one other worker, as flow sees it: fills frames, counts credit, keeps what the peer has not
 * acknowledged.
 *
 * Route: flow (send, sendEdges) → [link] → frame queue → the connection that dialler.ts has made. What comes
 * back on it (credit, acknowledgements) reaches the link through the dialler.
 *
 *   send ─▶ open frame ── full, or turn ends ──▶ queue ── there is room ──▶ sent ── answer ──▶ forgotten
 *                                                  ▲                         │
 *                                                  └── connection was lost ◀─┘
 *
 * How large frames get: while the line takes everything, a frame leaves at `frameEagerBytes`, so that the
 * peer works on the first tuples while we make the next; when the line is stalled, frames fill up to the full
 * size, which is cheapest.
 *
 * Does not know: sockets, time-outs, who else is in the cluster.
 *
 * Invariants
 *   K1  Frames are numbered in the order in which they are sent first, from 1 for each incarnation of the
 *       peer. A number is left out only to show that frames were given up.
 *   K2  A frame leaves the queue only when it was acknowledged, or its loss is told: never silently.
 *   K3  The totals of the channels are told after every gap and every reconnect, so lost bytes do not eat up
 *       credit.
 */
import type { EngineTuple } from '../flow/executor/tuple.ts'
import type { Gate } from '../flow/transfer/gate.ts'
import { AckKind, type AckMessage, type Link } from '../flow/transfer/link.ts'
import type { Connection, Host, Random } from '../host/host.ts'
import type { Suspect } from '../wire/control-codec.ts'
import { stampFrame } from '../wire/frame.ts'
import { AckFrame } from './ack-frame.ts'
import type { Codecs } from './codecs.ts'
import { ControlFrames } from './control-frames.ts'
import { CreditGate } from './credit-gate.ts'
import { FramePool } from './frame-pool.ts'
import { FrameQueue } from './frame-queue.ts'
import type { LinkSettings } from './link-settings.ts'
import { isLater, sequenceAfter } from './sequence.ts'
import { TupleFrame } from './tuple-frame.ts'

/** Room in a pooled array for the tuple that makes a frame full. */
const FRAME_SLACK_BYTES = 4_096
/** Number and checksum of a frame that waits in the queue: it gets them when it is taken. */
const UNNUMBERED = { sequence: 0, incarnation: 0 }

export interface LinkSpec {
  readonly host: Host
  readonly settings: LinkSettings
  readonly codecs: Codecs
  /** The channel of a task: its executor. The same in all workers. */
  readonly channelOf: (task: number) => number
  /** Asks for a turn of the loop, at whose end `flush` is called. */
  readonly arm: () => void
  /** True while the loop has more to do than to flush. */
  readonly isBusy: () => boolean
  /** Frames that had not been sent were given up: there were too many. Called in the middle of `send`. */
  readonly onOverflow: () => void
}

/** What a link has done so far, and where it stands. */
export interface LinkCounts {
  readonly frameCount: number
  readonly sentBytes: number
  readonly queuedBytes: number
}

export class WorkerLink implements Link {
  /** Tests: this share of all messages about trees is dropped. */
  ackLoss: { readonly share: number; readonly random: Random } | undefined = undefined
  /** As the peer said last. */
  busyShare: number | undefined = undefined
  private readonly spec: LinkSpec
  /** Size at which a frame leaves now. */
  private leaveBytes: number
  private readonly control: ControlFrames
  private readonly tuples: TupleFrame
  private readonly acks: AckFrame
  private readonly queue: FrameQueue
  private readonly pool: FramePool
  private readonly gatesByTask: Array<CreditGate | undefined> = []
  private readonly gates = new Map<number, CreditGate>()
  private connection: Connection | undefined = undefined
  /** The connection's buffer is full. */
  private isStalled = false
  private wasAttached = false
  private isRemoved = false
  private isLossTold = false
  private peerIncarnation = 0
  /** What the peer has agreed to. undefined: it has not answered yet. */
  private protocol: number | undefined = undefined
  /** News for a peer that has not answered: two of each worker at most, that of its link and the newest. */
  private readonly untold = new Map<string, Suspect>()
  private openedMs = 0
  private frameCount = 0
  private sentBytes = 0

  constructor(spec: LinkSpec) {
    const { host, settings } = spec
    const checksum = (bytes: Uint8Array) => host.checksum(bytes)
    this.spec = spec
    this.leaveBytes = settings.transferFrameMaxBytes
    this.control = new ControlFrames(checksum)
    this.tuples = new TupleFrame(spec.codecs, settings.tupleMaxBytes)
    this.acks = new AckFrame()
    this.pool = new FramePool({
      arrayBytes: settings.transferFrameMaxBytes + FRAME_SLACK_BYTES,
      countMax: settings.pooledFramesMax,
      isPoisoning: settings.poisonsFrames,
    })
    this.queue = new FrameQueue({
      pool: this.pool,
      stamp: (bytes, sequence) => stampFrame(bytes, sequence, this.peerIncarnation, checksum),
    })
  }

  /** HOT. */
  send(tuple: EngineTuple): Gate | undefined {
    const gate = this.gatesByTask[tuple.targetTask] ?? this.gateOf(tuple.targetTask)
    const hasCredit = gate.spend(this.tuples.add(tuple))
    if (this.tuples.count === 1) this.onOpened()
    if (this.tuples.sizeBytes >= this.leaveBytes) this.enqueueTuples()
    return hasCredit ? undefined : gate
  }

  /** HOT. */
  sendEdges(
    kind: number,
    task: number,
    idLow: number,
    idHigh: number,
    edges: { low: number; high: number },
    spoutTask: number,
  ): void {
    if (this.ackLoss !== undefined && this.losesAck()) return
    this.acks.addEdges(kind, task, idLow, idHigh, edges)
    if (kind === AckKind.INIT) this.acks.addSpout(spoutTask)
    this.onAckAdded()
  }

  sendMessage(message: AckMessage): void {
    if (this.ackLoss !== undefined && this.losesAck()) return
    this.acks.add(message)
    this.onAckAdded()
  }

  loadOf(task: number): number {
    return this.gateOf(task).load
  }

  /** Sends what is batched, unless the loop has more to do and nothing has waited for long. */
  flush(): void {
    if (this.tuples.count === 0 && this.acks.count === 0) return
    // While nothing can leave, frames had better fill up.
    if ((this.connection === undefined && !this.isRemoved) || this.isStalled) return
    const { host, isBusy, settings } = this.spec
    if (isBusy() && host.clock.monotonicMs() - this.openedMs < settings.batchFlushIntervalMs) return
    if (this.acks.count > 0) this.enqueueAcks()
    if (this.tuples.count > 0) this.enqueueTuples()
  }

  /** Trees that passed another link may be lost: the peer is told, as surely as tuples are. */
  sendSuspect(suspect: Suspect): void {
    if (this.protocol === undefined) {
      // Whatever may have passed there until it is told is told by the newest.
      if (!this.isRemoved) this.untold.set(`${suspect.worker} ${suspect.incarnation > 0}`, suspect)
      return
    }
    this.queue.pushUrgent(this.control.suspect(UNNUMBERED, suspect, this.protocol))
    this.onQueued()
  }

  /** Nothing unsent, nothing unacknowledged. */
  get isQuiet(): boolean {
    const isEmpty = this.queue.count === 0 && this.untold.size === 0
    return isEmpty && this.tuples.count === 0 && this.acks.count === 0
  }

  get counts(): LinkCounts {
    const { frameCount, sentBytes, queue } = this
    return { frameCount, sentBytes, queuedBytes: queue.queuedBytes }
  }

  /**
   * The peer is known by this incarnation from now on. If it was known by another, everything is begun anew:
   * that loss is the caller's to tell.
   */
  meet(incarnation: number): void {
    const isFirst = this.peerIncarnation === 0
    this.peerIncarnation = incarnation
    if (isFirst) return
    // It may be of another build, and has nothing that could be lost elsewhere.
    this.protocol = undefined
    this.untold.clear()
    this.queue.clear()
    this.tuples.restart()
    this.acks.restart()
    this.queue.sequence = 0
    this.wasAttached = false
    this.isLossTold = false
    for (const gate of this.gates.values()) gate.restart()
  }

  /**
   * The peer has welcomed us, speaks this protocol, and has seen the frames up to `lastSequence`.
   * @returns false: frames it has not seen are gone, and nobody was told yet
   */
  attach(connection: Connection, lastSequence: number, protocol: number): boolean {
    this.connection = connection
    this.protocol = protocol
    this.setStalled(false)
    this.queue.acknowledge(lastSequence)
    this.queue.rewind()
    // It has seen what we never sent, as it knows us from before it was removed and added again: numbers it
    // would take for repetitions must not be used, and it counts from totals that we do not have.
    const hasSeenMore = lastSequence !== 0 && isLater(lastSequence, this.queue.sequence)
    if (hasSeenMore) this.queue.goOnFrom(lastSequence)
    const hasGap = this.queue.firstSequence !== sequenceAfter(lastSequence)
    const isToTell = hasGap && !this.isLossTold
    this.isLossTold = false
    if (this.wasAttached || hasGap || hasSeenMore) this.queueTotals()
    this.wasAttached = true
    for (const suspect of this.untold.values())
      this.queue.pushUrgent(this.control.suspect(UNNUMBERED, suspect, protocol))
    this.untold.clear()
    this.flush()
    this.pump()
    return !isToTell
  }

  /** The peer is gone for good. Who waits for credit goes on, and what is sent from now on is a loss. */
  remove(): void {
    this.detach()
    this.isRemoved = true
    this.isStalled = false
    this.tuples.restart()
    this.acks.restart()
    this.untold.clear()
    this.queue.clear()
    for (const gate of this.gates.values()) gate.restart()
  }

  detach(): void {
    this.connection = undefined
    this.busyShare = undefined
    this.leaveBytes = this.spec.settings.transferFrameMaxBytes
  }

  onDrain(): void {
    this.setStalled(false)
    // First of all, or tuples that wait would stall the line again before an ack gets on it.
    if (this.acks.count > 0) this.queue.pushUrgent(this.acks.close(this.pool))
    this.pump()
    this.flush()
  }

  /** The peer has seen the frames up to `sequence`. */
  acknowledge(sequence: number): void {
    this.queue.acknowledge(sequence)
  }

  /** The peer has granted so much of a channel in all. */
  grant(channel: number, total: number): void {
    this.gates.get(channel)?.grant(total)
  }

  private onAckAdded(): void {
    if (this.acks.count === 1) this.onOpened()
    if (this.acks.sizeBytes >= this.leaveBytes) this.enqueueAcks()
  }

  /** A frame has got its first entry. */
  private onOpened(): void {
    if (this.tuples.count + this.acks.count === 1) this.openedMs = this.spec.host.clock.monotonicMs()
    this.spec.arm()
  }

  private enqueueTuples(): void {
    this.queue.push(this.tuples.close(this.pool))
    this.onQueued()
  }

  private enqueueAcks(): void {
    this.queue.pushUrgent(this.acks.close(this.pool))
    this.onQueued()
  }

  private onQueued(): void {
    if (this.isRemoved) {
      this.giveUp()
      return
    }
    const { replayMaxBytes } = this.spec.settings
    if (this.queue.queuedBytes > replayMaxBytes && !this.queue.shrinkSent(replayMaxBytes)) this.overflow()
    this.pump()
  }

  private giveUp(): void {
    this.queue.clear()
    for (const gate of this.gates.values()) gate.restart()
    this.spec.onOverflow()
  }

  /** What may not be kept any longer is given up as a whole: half of it would be no use to anybody. */
  private overflow(): void {
    this.queue.clear()
    this.queue.skip()
    this.queueTotals()
    this.isLossTold = true
    this.spec.onOverflow()
  }

  /** Behind all tuples so far: how many bytes were ever sent on each channel. */
  private queueTotals(): void {
    if (this.tuples.count > 0) this.queue.push(this.tuples.close(this.pool))
    const totals = [...this.gates.values()].map(({ channel, sentBytes }) => ({
      channel,
      sizeBytes: sentBytes,
    }))
    this.queue.push(this.control.credit(UNNUMBERED, totals))
  }

  private pump(): void {
    const { connection } = this
    if (connection === undefined) return
    while (!this.isStalled) {
      const bytes = this.queue.take()
      if (bytes === undefined) return
      this.frameCount += 1
      this.sentBytes += bytes.length
      // The array stays in the queue for a replay. Connections read what they are given and never write to
      // it.
      if (!connection.write(bytes)) this.setStalled(true)
    }
  }

  /** The connection's buffer is full, or it has room. */
  private setStalled(isStalled: boolean): void {
    const { frameEagerBytes, transferFrameMaxBytes } = this.spec.settings
    this.isStalled = isStalled
    this.leaveBytes = isStalled ? transferFrameMaxBytes : Math.min(frameEagerBytes, transferFrameMaxBytes)
  }

  private gateOf(task: number): CreditGate {
    const known = this.gatesByTask[task]
    if (known !== undefined) return known
    const channel = this.spec.channelOf(task)
    let gate = this.gates.get(channel)
    if (gate === undefined) {
      gate = new CreditGate(channel, this.spec.settings.transferCreditMaxBytes)
      this.gates.set(channel, gate)
    }
    // Dense, so that look-ups stay those of an array.
    for (let hole = this.gatesByTask.length; hole < task; hole += 1) this.gatesByTask.push(undefined)
    this.gatesByTask[task] = gate
    return gate
  }

  private losesAck(): boolean {
    const { ackLoss } = this
    return ackLoss !== undefined && ackLoss.random.next() < ackLoss.share
  }
}
