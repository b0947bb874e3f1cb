/**
 * Workers that are nothing but their links: what arrives is written down, inboxes are drained when a test
 * says so.
 */
import type { StreamError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { AckRouter } from '../../src/flow/ack/ack-router.ts'
import { EdgeIds } from '../../src/flow/ack/edge-ids.ts'
import { TreeRoot } from '../../src/flow/ack/tree-root.ts'
import { Inbox } from '../../src/flow/executor/inbox.ts'
import { EngineTuple } from '../../src/flow/executor/tuple.ts'
import { StreamRef } from '../../src/flow/route/stream-ref.ts'
import type { Gate } from '../../src/flow/transfer/gate.ts'
import { Inbound } from '../../src/flow/transfer/inbound.ts'
import type { AckMessage, Link } from '../../src/flow/transfer/link.ts'
import type { Host } from '../../src/host/host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { PostOffice, type PostOfficeSpec } from '../../src/messaging/post-office.ts'
import type { FieldShape, StreamSchema } from '../../src/topology/definition.ts'

export interface OfficeOptions extends Partial<PostOfficeSpec> {
  /** Tuples an inbox holds before its gate closes. Default: never closes. A power of two. */
  readonly capacity?: number
  /** Default: the address that peers know. */
  readonly listenAt?: string
}

/** Where workers live: a virtual world, or this machine. */
export interface Machines {
  host(name: string): Host
}

export interface Loss {
  readonly worker: number
  readonly reason: string
  readonly message: string
}

export function schemaOf(kinds: Readonly<Record<string, FieldShape['kind']>>): StreamSchema {
  const shapes = Object.entries(kinds).map(([name, kind]) => ({ name, kind, list: false, nullable: false }))
  return { names: Object.keys(kinds), shapes, validate: () => undefined }
}

export function streamOf(number: number, schema: StreamSchema): StreamRef {
  const kind = { isDirect: false, carriesPlainValues: false, hasFields: () => true }
  return new StreamRef('spout', `s${number}`, number, schema, kind)
}

export const streams = [
  streamOf(0, schemaOf({ n: 'int', text: 'string' })),
  streamOf(1, schemaOf({ any: 'value' })),
]

/** Task 200 to 299 run on worker 2; each is an executor of its own. */
export class TestWorker {
  readonly office: PostOffice
  /** `task:n`, in the order of arrival. */
  readonly arrived: string[] = []
  readonly tuples: EngineTuple[] = []
  readonly acks: AckMessage[] = []
  readonly losses: Loss[] = []
  readonly errors: StreamError[] = []
  readonly inboxes = new Map<number, Inbox>()
  readonly links = new Map<number, Link>()
  isBusy = false
  readonly listening: Promise<void>
  onArrival: () => void = () => undefined
  private isArmed = false
  private readonly capacity: number

  constructor(world: Machines, worker: number, incarnation: number, options: OfficeOptions = {}) {
    const { capacity, listenAt, ...rest } = options
    this.capacity = capacity ?? 0
    const peers = options.peers ?? [1, 2, 3].map((each) => ({ worker: each, address: `w${each}:1` }))
    const host = world.host(`w${worker}`)
    const router = new AckRouter({ here: [], all: [] }, new EdgeIds(new SeededRandom(1)), {
      linkOf: () => undefined,
    })
    const receiver = { offer: (tuple: EngineTuple) => this.offer(tuple), load: () => 0 }
    const inbound = new Inbound({ streams, receiverOf: () => receiver }, router)
    this.office = new PostOffice({
      host,
      topologyName: 'words',
      worker,
      incarnation,
      peers,
      token: 'secret',
      settings: {
        transferFrameMaxBytes: 1_000,
        transferCreditMaxBytes: 4_000,
        batchFlushIntervalMs: 1,
        tupleMaxBytes: 10_000,
        poisonsFrames: true,
      },
      streams,
      inbound: () => inbound,
      acks: () => ({ onMessage: (message) => this.acks.push({ ...message }) }),
      channelOf: (task) => task,
      isBusy: () => this.isBusy,
      arm: () => {
        if (this.isArmed) return
        this.isArmed = true
        host.timers.defer(() => this.flush())
      },
      onLost: (lost, reason, message) => this.losses.push({ worker: lost, reason, message }),
      report: (error) => this.errors.push(error),
      ...rest,
    })
    const own = listenAt ?? peers.find((each) => each.worker === worker)?.address
    this.listening = this.office.listen(own ?? `w${worker}:1`)
  }

  send(task: number, n: number, text = ''): Gate | undefined {
    return this.linkFor(task).send(
      new EngineTuple({ n, text }, stream0, 101, task, undefined, undefined, 0, 0),
    )
  }

  linkFor(task: number): Link {
    const worker = Math.floor(task / 100)
    let link = this.links.get(worker)
    if (link === undefined) {
      link = this.office.linkTo(worker)
      this.links.set(worker, link)
    }
    return link
  }

  flush(): void {
    this.isArmed = false
    for (const link of this.links.values()) link.flush()
  }

  /** Codes of what was reported. */
  get codes(): string[] {
    return this.errors.map((error) => error.code)
  }

  private offer(tuple: EngineTuple): Gate | undefined {
    this.tuples.push(tuple)
    this.onArrival()
    const { n } = tuple.values as { readonly n: number }
    this.arrived.push(`${tuple.targetTask}:${n}`)
    if (this.capacity === 0) return undefined
    let inbox = this.inboxes.get(tuple.targetTask)
    if (inbox === undefined) {
      inbox = new Inbox(this.capacity)
      this.inboxes.set(tuple.targetTask, inbox)
    }
    return inbox.push(tuple) ? undefined : inbox
  }
}

const stream0 = streams[0] ?? streamOf(0, schemaOf({}))

export function rootOf(idLow: number, idHigh: number, ackerTask: number): TreeRoot {
  return new TreeRoot(idLow, idHigh, ackerTask, false, undefined)
}

export function expected(task: number, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${task}:${from + i}`)
}

export function twoWorkers(seed: number, left: OfficeOptions = {}, right: OfficeOptions = left) {
  const world = new VirtualWorld({ seed })
  return { world, a: new TestWorker(world, 1, 1, left), b: new TestWorker(world, 2, 1, right) }
}
