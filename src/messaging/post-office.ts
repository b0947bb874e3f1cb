/**
 * All links of one worker: one outgoing and one incoming to each other worker of the topology. The room's
 * only door.
 *
 *        flow ─▶ linkTo(2) ─▶ link 2 ─▶ dialler 2 ══▶ listener of worker 2
 *        flow ◀─ inbound, acks ◀─ incoming link 2 ◀─ listener ◀══ dialler of worker 2
 *
 * Order: make it, make the worker (which asks for links), `listen`, start the worker. `close` ends everything
 * at once.
 *
 * Losses. Frames that cannot be had again, and a peer that came back as a new one, are told by `onLost`, and
 * to every other worker by SUSPECT: a tree may have passed the broken link without having touched either of
 * its ends.
 *
 * Invariants
 *   P1  For each peer the newest incarnation ever seen is the only one that is believed, in both directions.
 *   P2  Each loss is told at both ends of the link and to all other workers; what is told from elsewhere is
 *       not passed on.
 *   P3  A worker that has been replaced is told by every peer that knows it, whenever it dials.
 *   P4  Peers come and go while it runs. One that was removed and is added again is believed only from the
 *       incarnation on that was known of it.
 *   P5  The end of one incarnation is told as `worker-lost` once, whoever tells first. What the others say of
 *       it is about their links: it fails trees as well, but no tuple has lost another worker. So is what a
 *       peer of protocol 1 says, which does not name the incarnation.
 */
import { type StreamError, UsageError } from '../base/errors.ts'
import type { AckRouter } from '../flow/ack/ack-router.ts'
import type { StreamRef } from '../flow/route/stream-ref.ts'
import type { Inbound } from '../flow/transfer/inbound.ts'
import type { Link } from '../flow/transfer/link.ts'
import type { Host, Random, Stoppable } from '../host/host.ts'
import { GoodbyeReason, type Hello, SUSPECT_NOT_SAID, type Suspect } from '../wire/control-codec.ts'
import { commonProtocol, PROTOCOL_VERSION_MIN } from '../wire/version.ts'
import { Codecs } from './codecs.ts'
import { Dialler } from './dialler.ts'
import { type Expected, helloTopology, judgeHello } from './hello-check.ts'
import { IncomingLink } from './incoming-link.ts'
import { WorkerLink } from './link.ts'
import { fillLinkSettings, type LinkSettings, type TransferSettings } from './link-settings.ts'
import { Listener } from './listener.ts'

export interface PeerAddress {
  readonly worker: number
  readonly address: string
}

export type LostReason = 'worker-lost' | 'link-lost'

export interface PostOfficeSpec {
  readonly host: Host
  readonly topologyName: string
  /**
   * What workers of one submit say to each other in HELLO, like `word-count-1-a3f`: a topology of the same
   * name that was submitted again is another one. Default: the name.
   */
  readonly topologyId?: string
  /** Its layout: what workers of an older one say counts for nothing. Default: there is only one. */
  readonly layout?: number
  /** This worker, and its incarnation: from 1 on, greater at each start. */
  readonly worker: number
  readonly incarnation: number
  /** The workers that are known from the beginning. More may be added. */
  readonly peers: readonly PeerAddress[]
  /** Shared by the workers of the topology. */
  readonly token: string
  readonly settings: TransferSettings & Partial<LinkSettings>
  /** All streams of the topology by their numbers, the same in all workers. */
  readonly streams: readonly StreamRef[]
  /** Asked when the first frame is there, so the worker may be made after this. */
  readonly inbound: () => Inbound
  readonly acks: () => Pick<AckRouter, 'onMessage'>
  /** The executor that runs a task; 0 where there is none. The same in all workers. */
  readonly channelOf: (task: number) => number
  /** Asks for a turn of the work loop, at the end of which links are flushed. */
  readonly arm: () => void
  /** True while executors are ready to run. Default: never, every turn's end sends what there is. */
  readonly isBusy?: () => boolean
  /** Share of its time that this worker's loop is at work; peers are told. Default: they are not. */
  readonly busyShare?: () => number | undefined
  /** Open trees that may have passed there fail now. Never called during a call into a link. */
  readonly onLost: (worker: number, reason: LostReason, message: string) => void
  /**
   * A peer says that this worker runs elsewhere as a newer incarnation: all that it does from now on is in
   * vain.
   */
  readonly onOutdated?: (newest: number, message: string) => void
  readonly report: (error: StreamError) => void
}

/** How a peer's links are doing. */
export interface PeerStats {
  readonly worker: number
  readonly isSending: boolean
  readonly isReceiving: boolean
  readonly frameCount: number
  readonly sentBytes: number
  readonly queuedBytes: number
  readonly duplicateCount: number
  readonly reconnectCount: number
  readonly rttMs: number | undefined
}

interface Peer {
  readonly worker: number
  readonly link: WorkerLink
  readonly dialler: Dialler
  readonly incoming: IncomingLink
  /** 0: it has not shown itself yet. */
  incarnation: number
  /** The least incarnation that is believed. */
  readonly incarnationMin: number
  /** Up to this one it is known that it lost the incarnations before. */
  lostBefore: number
}

export class PostOffice {
  lossCount = 0
  private readonly spec: PostOfficeSpec
  private readonly settings: LinkSettings
  private readonly codecs: Codecs
  private readonly peers = new Map<number, Peer>()
  /** Newest incarnations of workers that were removed: one number for each that ever was a peer. */
  private readonly removed = new Map<number, number>()
  private readonly topologyId: string
  private readonly listener: Listener
  private readonly ticks: Stoppable
  private isClosed = false

  constructor(spec: PostOfficeSpec) {
    this.spec = spec
    this.topologyId = spec.topologyId ?? spec.topologyName
    this.settings = fillLinkSettings(spec.settings)
    this.codecs = new Codecs(spec.streams)
    const { host, report } = spec
    for (const { worker, address } of spec.peers) this.addPeer(worker, address)
    const expected: Expected = {
      topologyId: this.topologyId,
      layout: spec.layout ?? 0,
      worker: spec.worker,
      token: spec.token,
      fingerprint: this.codecs.fingerprint,
      incarnationOf: (worker) => {
        const peer = this.peers.get(worker)
        return peer === undefined ? undefined : Math.max(peer.incarnation, peer.incarnationMin)
      },
    }
    this.listener = new Listener({
      host,
      helloWaitMs: this.settings.helloWaitMs,
      report,
      judge: (hello, newest) => judgeHello(hello, newest, expected),
      accept: (hello, connection, reader) => {
        const peer = this.peers.get(Number(hello.fromWorker))
        const protocol = commonProtocol(hello.protocol, reader.sequence)
        if (peer === undefined || protocol === undefined) return
        this.meet(peer, hello.incarnation, 'hello')
        if (!this.isClosed) peer.incoming.accept(connection, reader, protocol)
      },
    })
    this.ticks = host.timers.every(this.settings.echoMs / 2, () => this.tick())
  }

  /** Takes connections from now on. @throws UnavailableError PORT_IN_USE */
  listen(address: string): Promise<void> {
    return this.listener.listen(address)
  }

  /** The way to another worker. It is dialled at once; what is sent before the connection stands waits. */
  linkTo(worker: number): Link {
    const peer = this.peers.get(worker)
    if (peer === undefined) {
      throw new UsageError('TASK_UNKNOWN', `worker ${this.spec.worker} has no peer ${worker}`, { worker })
    }
    peer.dialler.start()
    return peer.link
  }

  /**
   * Somebody who knows says that a peer runs as this incarnation now, and where. What was sent to older ones
   * is lost.
   */
  onPeerRestarted(worker: number, incarnation: number, address?: string): void {
    const peer = this.peers.get(worker)
    if (peer === undefined || this.isClosed) return
    this.meet(peer, incarnation, 'news')
    if (!this.isClosed && address !== undefined) peer.dialler.redial(address)
  }

  /**
   * Another worker belongs to the topology from now on; `linkTo` gives the way to it. For one that is known
   * it is news of its address.
   */
  addPeer(worker: number, address: string): void {
    if (this.isClosed || worker === this.spec.worker) return
    const known = this.peers.get(worker)
    if (known !== undefined) {
      if (known.dialler.isFor(address)) return
      known.dialler.redial(address)
      return
    }
    this.peers.set(worker, this.makePeer(worker, address))
  }

  /**
   * A worker belongs to the topology no more. What was on its way to it, or had come from it, is lost and
   * told as the loss of a worker. Who still sends into its link loses that, too, and is told again.
   */
  removePeer(worker: number): void {
    const peer = this.peers.get(worker)
    if (peer === undefined || this.isClosed) return
    this.peers.delete(worker)
    const hasMet = peer.incarnation > 0
    this.removed.set(worker, Math.max(peer.incarnation, peer.incarnationMin))
    const wasQuiet = peer.link.isQuiet
    peer.dialler.close()
    peer.incoming.dismiss(GoodbyeReason.SHUTDOWN, `worker ${worker} is no peer any more`)
    peer.link.remove()
    if (!hasMet && wasQuiet) return
    // Whichever incarnation comes next, if one does.
    const next = Math.max(peer.incarnation, peer.incarnationMin) + 1
    this.onWorkerLoss(peer, next, `worker ${worker} was taken out`)
  }

  /** Nothing unsent, nothing unacknowledged, to any worker. */
  get isQuiet(): boolean {
    for (const { link } of this.peers.values()) if (!link.isQuiet) return false
    return true
  }

  stats(): readonly PeerStats[] {
    return [...this.peers.values()].map(({ worker, link, dialler, incoming }) => ({
      worker,
      isSending: dialler.isConnected,
      isReceiving: incoming.isConnected,
      ...link.counts,
      duplicateCount: incoming.duplicateCount,
      reconnectCount: dialler.reconnectCount,
      rttMs: dialler.rttMs,
    }))
  }

  /** Tests: from now on this share of all messages about trees is dropped on their way out. */
  dropAcks(share: number, random: Random): void {
    for (const { link } of this.peers.values()) link.ackLoss = share > 0 ? { share, random } : undefined
  }

  /** Ends at once: what was not sent is not sent, nobody is called any more. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.ticks.stop()
    this.listener.close()
    for (const { dialler, incoming } of this.peers.values()) {
      dialler.close()
      incoming.disconnect()
    }
  }

  private makePeer(worker: number, address: string): Peer {
    const { spec, settings, codecs } = this
    const { host, channelOf, arm, incarnation, inbound, acks } = spec
    const report = (error: StreamError) => this.report(error)
    const link = new WorkerLink({
      host,
      settings,
      codecs,
      channelOf,
      arm,
      isBusy: spec.isBusy ?? neverBusy,
      onOverflow: () => {
        const text = this.peers.has(worker)
          ? `more than ${settings.replayMaxBytes} bytes wait for worker ${worker}`
          : `worker ${worker} was taken out, and tuples are still sent to it`
        // Not now: an executor is in the middle of a call.
        host.timers.defer(() => this.onLinkLoss(worker, text))
      },
    })
    const dialler = new Dialler(
      {
        host,
        settings,
        peer: worker,
        address,
        incarnation,
        report,
        hello: () => this.helloTo(worker),
        peerIncarnation: () => peer.incarnation,
        onIncarnation: (theirs) => this.meet(peer, theirs, 'welcome'),
        onOutdated: (newest, message) => {
          if (!this.isClosed) spec.onOutdated?.(newest, message)
        },
        onGap: () => this.onLinkLoss(worker, `frames to worker ${worker} were lost with a connection`),
      },
      link,
    )
    const incoming = new IncomingLink({
      host,
      settings,
      codecs,
      channelOf,
      peer: worker,
      incarnation,
      inbound,
      acks,
      busyShare: spec.busyShare ?? unknown,
      report,
      onLoss: (message) => this.onLinkLoss(worker, message),
      onSuspect: (suspect) => this.onSuspect(worker, suspect),
    })
    const incarnationMin = this.removed.get(worker) ?? 0
    const known = { incarnation: 0, incarnationMin, lostBefore: incarnationMin }
    const peer: Peer = { worker, link, dialler, incoming, ...known }
    return peer
  }

  private helloTo(worker: number): Hello {
    const { incarnation, token } = this.spec
    return {
      protocol: PROTOCOL_VERSION_MIN,
      topologyId: helloTopology(this.topologyId, this.spec.layout ?? 0),
      incarnation,
      fromWorker: String(this.spec.worker),
      toWorker: String(worker),
      token,
      schemaFingerprint: this.codecs.fingerprint,
    }
  }

  /** A peer has shown its incarnation. False: it is an older one than we know. */
  private meet(peer: Peer, incarnation: number, from: 'hello' | 'welcome' | 'news'): boolean {
    const before = peer.incarnation
    if (incarnation === before) return true
    if (incarnation < Math.max(before, peer.incarnationMin)) return false
    peer.incarnation = incarnation
    const news = `incarnation ${incarnation} of worker ${peer.worker} has come`
    peer.incoming.dismiss(GoodbyeReason.OLD_INCARNATION, news, incarnation)
    peer.incoming.meet(incarnation)
    peer.link.meet(incarnation)
    if (before === 0) return true
    // What connects us leads to the one before, unless the news came from there.
    if (from !== 'welcome' && peer.dialler.isConnected) peer.dialler.redial()
    const text = `worker ${peer.worker} came back as incarnation ${incarnation}`
    this.onWorkerLoss(peer, incarnation, text)
    return true
  }

  /** All before this incarnation are lost. */
  private onWorkerLoss(peer: Peer, incarnation: number, text: string): void {
    const reason = this.reasonOf(peer, incarnation)
    this.tellOthers({ worker: String(peer.worker), incarnation, text })
    this.spec.onLost(peer.worker, reason, text)
  }

  private onLinkLoss(worker: number, message: string): void {
    if (this.isClosed) return
    this.tellOthers({ worker: String(worker), incarnation: 0, text: message })
    this.spec.onLost(worker, 'link-lost', message)
  }

  private tellOthers(suspect: Suspect): void {
    this.lossCount += 1
    for (const peer of this.peers.values()) {
      // A worker that came back has nothing that could be lost.
      if (suspect.incarnation > 0 && String(peer.worker) === suspect.worker) continue
      peer.dialler.start()
      peer.link.sendSuspect(suspect)
    }
  }

  /** P5. */
  private reasonOf(peer: Peer, incarnation: number): LostReason {
    if (incarnation <= peer.lostBefore) return 'link-lost'
    peer.lostBefore = incarnation
    return 'worker-lost'
  }

  private onSuspect(from: number, suspect: Suspect): void {
    if (this.isClosed) return
    const named = Number(suspect.worker)
    const isOwn = named === this.spec.worker
    // A peer of protocol 1 does not say which incarnation came: counted, its end would be told twice.
    const isSaid = suspect.incarnation > SUSPECT_NOT_SAID
    const peer = isOwn || !isSaid ? undefined : this.peers.get(named)
    const reason = peer === undefined ? 'link-lost' : this.reasonOf(peer, suspect.incarnation)
    this.spec.onLost(isOwn ? from : named, reason, `worker ${from} says: ${suspect.text}`)
  }

  private report(error: StreamError): void {
    if (!this.isClosed) this.spec.report(error)
  }

  private tick(): void {
    const nowMs = this.spec.host.clock.monotonicMs()
    this.listener.tick(nowMs)
    for (const { dialler, incoming } of this.peers.values()) {
      dialler.tick(nowMs)
      incoming.tick(nowMs)
    }
  }
}

function unknown(): undefined {
  return undefined
}

function neverBusy(): boolean {
  return false
}
