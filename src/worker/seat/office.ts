/**
 * Where a worker sends and receives: a PostOffice for one WorkerSpec, joined with the worker that is made
 * after it.
 */
import { assertDefined } from '../../base/assert.ts'
import { hasCode, type StreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Link } from '../../flow/transfer/link.ts'
import type { Host } from '../../host/host.ts'
import { type PeerStats, PostOffice } from '../../messaging/post-office.ts'
import { type WorkerSpec, workersOf } from '../spec.ts'
import { StreamTable } from '../stream-table.ts'
import type { Worker } from '../worker.ts'

/** Messages about trees that get lost on purpose: a share of them, 0 to 1. */
export interface AckLoss {
  readonly share: number
}

export interface OfficeSpec {
  readonly worker: WorkerSpec
  readonly host: Host
  readonly log: Logger
  readonly token: string
  /** What the workers of one submit call themselves to each other. Default: the topology's name. */
  readonly topologyId?: string
  readonly layout?: number
  /** A peer knows a newer incarnation of this worker. */
  readonly onOutdated?: (newest: number, message: string) => void
  readonly addressOf: (worker: number) => string
  readonly ackLoss: AckLoss | undefined
}

/** Order: make it, make the worker with its `linkTo`, `open` for that worker. */
export class Office {
  private readonly spec: OfficeSpec
  private readonly post: PostOffice
  private worker: Worker | undefined = undefined
  /** Peers of which it was said that they, or we, meet as somebody older. */
  private readonly replaced = new Set<unknown>()

  constructor(spec: OfficeSpec) {
    const { worker: plan, host, token, addressOf, topologyId, layout, onOutdated } = spec
    this.spec = spec
    this.post = new PostOffice({
      host,
      topologyName: plan.topologyName,
      ...(topologyId === undefined ? {} : { topologyId }),
      ...(layout === undefined ? {} : { layout }),
      ...(onOutdated === undefined ? {} : { onOutdated }),
      worker: plan.worker,
      incarnation: plan.incarnation,
      peers: workersOf(plan).map((worker) => ({ worker, address: addressOf(worker) })),
      token,
      settings: plan.settings.topology,
      streams: new StreamTable(plan.topology).all,
      inbound: () => this.known().inbound,
      acks: () => this.known().acks,
      channelOf: (task) => plan.expanded.tasks[task - 1]?.executor ?? 0,
      arm: () => this.worker?.loop.arm(),
      isBusy: () => this.worker?.loop.isIdle === false,
      busyShare: () => this.worker?.loop.busyShare,
      onLost: (_worker, reason, message) => this.worker?.onLost(reason, message),
      report: (error) => this.report(error),
    })
    if (spec.ackLoss !== undefined) this.loseAcks(spec.ackLoss)
  }

  /** Nothing unsent, nothing unacknowledged. */
  get isQuiet(): boolean {
    return this.post.isQuiet
  }

  linkTo(peer: number): Link {
    return this.post.linkTo(peer)
  }

  /**
   * The worker is made: from now on others reach it. Where: `listenAt`, or where the others were told.
   * @throws UnavailableError PORT_IN_USE
   */
  open(worker: Worker, listenAt = this.spec.addressOf(this.spec.worker.worker)): Promise<void> {
    this.worker = worker
    return this.post.listen(listenAt)
  }

  onPeerRestarted(peer: number, incarnation: number, address?: string): void {
    this.post.onPeerRestarted(peer, incarnation, address)
  }

  /** One more, or one that is reached elsewhere now. */
  addPeer(peer: number, address: string): void {
    this.post.addPeer(peer, address)
  }

  removePeer(peer: number): void {
    this.post.removePeer(peer)
  }

  stats(): readonly PeerStats[] {
    return this.post.stats()
  }

  /** undefined: none get lost any more. */
  loseAcks(loss: AckLoss | undefined): void {
    this.post.dropAcks(loss?.share ?? 0, this.spec.host.random.split('lost acks'))
  }

  close(): void {
    this.post.close()
  }

  private report(error: StreamError): void {
    const { worker } = this
    if (!hasCode(error, 'FRAME_OLD_INCARNATION')) {
      worker?.desk.report({ componentId: TRANSFER, task: 0, error })
      return
    }
    // While a worker moves, the one that it replaces dials on for some seconds: that is no error of anybody.
    worker?.desk.count(error.code)
    const { worker: peer } = error.details
    if (this.replaced.has(peer)) return
    this.replaced.add(peer)
    this.spec.log.info('a link has met a worker that was replaced', { peer: `${peer}`, why: error.message })
  }

  private known(): Worker {
    return assertDefined(this.worker, 'a link has nothing to say before its worker is made')
  }
}

/** Errors of links stand under this name among those of components. */
const TRANSFER = '__transfer'
