/**
 * Worker processes in virtual time with a scripted supervisor: it answers heartbeats with leases and stores
 * positions unless a test says otherwise, and does nothing else by itself.
 */
import { createLogger, type LogLine } from '../../src/base/log.ts'
import { layoutDigest } from '../../src/cluster/layout.ts'
import { MessageChannel } from '../../src/cluster/message-channel.ts'
import type { SeatAssign, SeatBeat, ToSupervisor, ToWorker } from '../../src/cluster/seat-messages.ts'
import type { TopologyConfig } from '../../src/config/topology-config.ts'
import type { Host, Stoppable } from '../../src/host/host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { buildTopology } from '../../src/topology/build.ts'
import type { TopologyBuilder } from '../../src/topology/builder.ts'
import { defineTopology } from '../../src/topology/define-topology.ts'
import { expand } from '../../src/topology/expand.ts'
import { LevelBook } from '../../src/worker/seat/level-book.ts'
import { WorkerProcess } from '../../src/worker/worker-process.ts'

const PORT = 6_700
const CONTROL = 'sup:1'

/** A process of the world, as its supervisor sees it. */
export class Seated {
  readonly number: number
  readonly log: LogLine[] = []
  readonly exits: number[] = []
  readonly heard: ToSupervisor[] = []
  process: WorkerProcess | undefined = undefined
  channel: MessageChannel<ToSupervisor, ToWorker> | undefined = undefined
  grantsLeases = true
  storesPositions = true
  /** What the supervisor has stored, as text. */
  readonly positions: Record<string, Record<string, string>> = {}

  constructor(number: number) {
    this.number = number
  }

  kinds(): string[] {
    return this.heard.map(({ kind }) => kind).filter((kind) => kind !== 'heartbeat' && kind !== 'positions')
  }

  last<K extends ToSupervisor['kind']>(kind: K): Extract<ToSupervisor, { kind: K }> | undefined {
    return this.heard.findLast((message) => message.kind === kind) as never
  }

  get beat(): SeatBeat | undefined {
    return this.last('heartbeat')?.beat
  }

  tell(message: ToWorker): void {
    this.channel?.send(message)
  }
}

export interface SeatWorldSpec {
  readonly build: (builder: TopologyBuilder) => void
  readonly config?: TopologyConfig
  readonly seed?: number
}

export class SeatWorld {
  readonly world: VirtualWorld
  readonly seats = new Map<number, Seated>()
  loads: string[] = []
  /** What importing a bundle gives. */
  load: (path: string) => unknown
  private readonly built
  private readonly expanded
  private supervisor: Stoppable | undefined = undefined

  constructor({ build, config = {}, seed = 1 }: SeatWorldSpec) {
    this.world = new VirtualWorld({ seed, patienceMs: 0 })
    const def = defineTopology({ name: 't', config: config as TopologyConfig<'at-least-once'>, build })
    this.built = buildTopology(def).topology
    this.expanded = expand(this.built)
    this.load = () => def
  }

  async openSupervisor(): Promise<void> {
    this.supervisor = await this.drive(
      this.world.host('sup').net.listen(CONTROL, (connection) => {
        let seated: Seated | undefined
        const channel: MessageChannel<ToSupervisor, ToWorker> = new MessageChannel({
          connection,
          onMessage: (message: ToSupervisor) => {
            if (message.kind === 'hello') {
              seated = this.seats.get(message.pid)
              if (seated !== undefined) seated.channel = channel
            }
            if (seated !== undefined) this.onMessage(seated, message)
          },
          onClose: () => undefined,
        })
      }),
    )
  }

  crashSupervisor(): void {
    this.supervisor?.stop()
    this.world.crash('sup', 'none')
    for (const seated of this.seats.values()) seated.channel = undefined
  }

  /** A spare process on a machine of its own, called `w<number>`. */
  spawn(number: number): Seated {
    const seated = new Seated(number)
    this.seats.set(number, seated)
    const host: Host = this.world.host(`w${number}`)
    const levels = new LevelBook('info', () => host.clock.monotonicMs())
    const worker = new WorkerProcess({
      host,
      dialControl: async () => CONTROL,
      secret: `secret ${number}`,
      pid: number,
      bornAt: 'b',
      loadTopology: async (path) => {
        this.loads.push(path)
        return this.load(path)
      },
      probe: {
        read: () => ({
          rssBytes: 1,
          heapUsedBytes: 2,
          heapLimitBytes: 3,
          cpuMs: 4,
          loopDelayMs: 5,
          loopUtilisation: 0.5,
        }),
      },
      log: createLogger({
        sink: (line) => seated.log.push(line),
        now: () => host.clock.now(),
        isOn: (level, fields) => levels.isOn(level, fields),
      }),
      levels,
      exit: (code) => {
        seated.exits.push(code)
        this.world.crash(`w${number}`, 'none')
      },
    })
    seated.process = worker
    worker.start()
    return seated
  }

  /** As blobs do: the bytes of a file of one machine, under a name of its own on all of these. */
  async carry(from: number, path: string, to: readonly number[]): Promise<string> {
    const name = `/fetched/${from}-${path.split('/').at(-1)}`
    const bytes = await this.drive(bytesOf(this.world.host(`w${from}`).files, path))
    for (const each of to) {
      const { files } = this.world.host(`w${each}`)
      await this.drive(files.makeDirectory('/fetched'))
      const file = await this.drive(files.open(name, 'create'))
      await this.drive(file.write(bytes.slice(), 0))
      await this.drive(file.close())
    }
    return name
  }

  /** Executors of components to workers: `{ source: [1], sum: [1, 2] }`; what is not named is on worker 1. */
  placement(of: Readonly<Record<string, readonly number[]>>): number[] {
    const next = new Map<string, number>()
    return this.expanded.executors.map(({ componentId }) => {
      const index = next.get(componentId) ?? 0
      next.set(componentId, index + 1)
      return of[componentId]?.[index] ?? 1
    })
  }

  peers(numbers: readonly number[], incarnation = 0) {
    return numbers.map((worker) => ({ worker, address: `w${worker}:${PORT}`, incarnation }))
  }

  assign(number: number, over: Partial<SeatAssign> = {}): SeatAssign {
    return {
      kind: 'assign',
      topologyId: 't-1',
      topologyName: 't',
      worker: number,
      port: PORT,
      incarnation: 16_384,
      layout: 1,
      layoutDigest: layoutDigest(this.expanded),
      node: `w${number}`,
      bundlePath: '/bundles/abc',
      args: null,
      config: {},
      parallelism: {},
      workers: undefined,
      placement: this.placement({}),
      listen: `w${number}:${PORT}`,
      peers: [],
      token: 'token',
      run: 'active',
      positions: {},
      stateFiles: [],
      directory: '/seat',
      heartbeatMs: 1_000,
      leaseMs: 5_000,
      ...over,
    }
  }

  /** Spares are spawned, given their seats and started. */
  async seatAll(numbers: readonly number[], over: Partial<SeatAssign> = {}): Promise<readonly Seated[]> {
    await this.openSupervisor()
    const seats = numbers.map((number) => this.spawn(number))
    await this.pass(200)
    const peers = this.peers(numbers)
    for (const seated of seats) seated.tell(this.assign(seated.number, { peers, ...over }))
    await this.pass(500)
    return seats
  }

  executor(componentId: string, index = 0): number {
    return this.expanded.executors.filter((each) => each.componentId === componentId)[index]?.executor ?? 0
  }

  get nowMs(): number {
    return this.world.nowMs
  }

  async pass(durationMs: number): Promise<void> {
    await this.world.run({ untilMs: this.world.nowMs + durationMs })
  }

  /** Until it is so; after ten virtual minutes the test goes on, and sees that it is not. */
  async until(isSo: () => boolean, limitMs = 600_000): Promise<void> {
    const untilMs = this.world.nowMs + limitMs
    while (!isSo() && this.world.nowMs < untilMs) await this.pass(20)
  }

  async drive<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    work.then(over, over)
    await this.world.run({ while: () => !isOver })
    return await work
  }

  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.timers.after(durationMs, resolve)
    })
  }

  private onMessage(seated: Seated, message: ToSupervisor): void {
    seated.heard.push(message)
    if (message.kind === 'heartbeat' && seated.grantsLeases) seated.tell({ kind: 'lease' })
    if (message.kind !== 'positions' || !seated.storesPositions) return
    for (const [component, partitions] of Object.entries(message.positions)) {
      seated.positions[component] = { ...seated.positions[component], ...partitions }
    }
    seated.tell({ kind: 'stored', positions: message.positions })
  }
}

async function bytesOf(files: Host['files'], path: string): Promise<Uint8Array> {
  const facts = await files.stat(path)
  const file = await files.open(path, 'read')
  const bytes = new Uint8Array(facts?.sizeBytes ?? 0)
  await file.read(bytes, 0)
  await file.close()
  return bytes
}
