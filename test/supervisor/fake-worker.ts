// Worker processes that are none: each on a virtual host of its own, so it outlives its supervisor, and
// speaking exactly what src/cluster/seat-messages.ts says. What goes wrong with them is set from outside.
import type { PositionTexts } from '../../src/cluster/board.ts'
import { placementDigest } from '../../src/cluster/layout.ts'
import { MessageChannel } from '../../src/cluster/message-channel.ts'
import {
  type ExitReason,
  joinPositions,
  SEAT_PROTOCOL,
  type SeatAssign,
  type SeatBeat,
  type ToSupervisor,
  type ToWorker,
} from '../../src/cluster/seat-messages.ts'
import type { Host } from '../../src/host/host.ts'
import type { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import type { LaunchedEnd, LaunchedWorker, Launcher, LaunchSpec } from '../../src/supervisor/launcher.ts'

const REDIAL_MS = 50

export class FakeWorker {
  readonly pid: number
  readonly bornAt: string
  readonly spec: LaunchSpec
  readonly heard: ToWorker[] = []
  assign: SeatAssign | undefined = undefined
  end: LaunchedEnd | undefined = undefined
  /** Neither beats nor hears. */
  isHung = false
  /** Answers no order to stop. */
  isDeaf = false
  /** Rearranges what it is told to, and says nothing of it. */
  isRearrangingForEver = false
  beatChange: Partial<SeatBeat> = {}
  protocol = SEAT_PROTOCOL
  /** What HELLO says of its seat in that version, if it is another. */
  strangeSeat: unknown = undefined
  private readonly world: VirtualWorld
  private readonly name: string
  private readonly node: string
  private readonly onFirstAssign: (worker: FakeWorker) => void
  private channel: MessageChannel<ToWorker, ToSupervisor> | undefined = undefined
  /** Connections that it had. */
  connectionCount = 0
  private isOpen = false
  private known: PositionTexts[] = []
  private hasStarted = false
  /** Each second; false: a test says all it says. */
  beatsByItself = true
  private leaseAtMs: number
  private turns = 0
  private readonly listeners: ((end: LaunchedEnd) => void)[] = []

  constructor(
    world: VirtualWorld,
    node: string,
    pid: number,
    spec: LaunchSpec,
    onAssign: (w: FakeWorker) => void,
  ) {
    this.world = world
    this.node = node
    this.pid = pid
    this.bornAt = `tick-${pid}`
    this.spec = spec
    this.name = `${node}-process-${pid}`
    this.onFirstAssign = onAssign
    this.leaseAtMs = world.nowMs
    this.host.timers.after(10, () => this.dial())
    this.host.timers.every(1_000, () => {
      if (this.beatsByItself) this.beat()
    })
  }

  get host(): Host {
    return this.world.host(this.name)
  }

  get isAlive(): boolean {
    return this.end === undefined
  }

  get isConnected(): boolean {
    return this.isOpen
  }

  say(message: ToSupervisor): void {
    if (this.isOpen && !this.isHung) this.channel?.send(message)
  }

  told<K extends ToWorker['kind']>(kind: K): Extract<ToWorker, { kind: K }>[] {
    return this.heard.filter((message): message is Extract<ToWorker, { kind: K }> => message.kind === kind)
  }

  started(): void {
    this.hasStarted = true
    this.say({ kind: 'started' })
    this.beat()
  }

  rearranged(placement = this.assign?.placement ?? []): void {
    this.say({ kind: 'rearranged', placementDigest: placementDigest(placement) })
  }

  exit(code: number | undefined, signal?: string): void {
    if (this.end !== undefined) return
    this.end = { code, signal }
    this.world.crash(this.name, 'none')
    for (const listener of this.listeners.splice(0)) listener(this.end)
  }

  lastWords(reason: ExitReason, text: string): void {
    this.say({ kind: 'exiting', reason, text })
  }

  print(text: string): void {
    const { disk } = this.world.disk(this.node)
    const path = this.assign === undefined ? this.spec.outputPath : this.outputPath(this.assign)
    const file = disk.open(path, 'write')
    disk.write(file, new TextEncoder().encode(text), file.sizeBytes)
  }

  onExit(listener: (end: LaunchedEnd) => void): void {
    if (this.end === undefined) this.listeners.push(listener)
    else listener(this.end)
  }

  private outputPath({ directory, incarnation }: SeatAssign): string {
    return `${directory}/output-${incarnation}.log`
  }

  private dial(): void {
    const address = this.addressOfControl()
    if (address === undefined) {
      this.dialLater()
      return
    }
    const connection = this.host.net.connect(address, () => {
      if (channel === undefined) return
      this.isOpen = true
      this.connectionCount += 1
      this.known = []
      channel.send({
        kind: 'hello',
        protocol: this.protocol,
        secret: this.spec.secret,
        pid: this.pid,
        bornAt: this.bornAt,
        seat: (this.strangeSeat as SeatAssign | undefined) ?? this.assign,
      })
      if (this.hasStarted) this.say({ kind: 'started' })
    })
    const channel: MessageChannel<ToWorker, ToSupervisor> | undefined = new MessageChannel<
      ToWorker,
      ToSupervisor
    >({
      connection,
      onMessage: (message) => this.hear(message),
      onClose: () => {
        this.isOpen = false
        this.dialLater()
      },
    })
    this.channel = channel
  }

  private dialLater(): void {
    if (this.isAlive) this.host.timers.after(REDIAL_MS, () => this.dial())
  }

  private addressOfControl(): string | undefined {
    const { disk } = this.world.disk(this.node)
    if (disk.stat(this.spec.controlPath) === undefined) return undefined
    const file = disk.open(this.spec.controlPath, 'read')
    const control: { address: string } = JSON.parse(
      new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes)),
    )
    return control.address
  }

  private hear(said: ToWorker): void {
    if (this.isHung) return
    const message = this.withKnown(said)
    this.heard.push(message)
    if (message.kind === 'known') this.known.push(message.positions)
    else if (message.kind === 'assign') {
      this.assign = message
      this.onFirstAssign(this)
    } else if (message.kind === 'lease') this.leaseAtMs = this.world.nowMs
    else if (message.kind === 'dismiss' || (message.kind === 'stop' && !this.isDeaf)) this.exit(0)
    else if (message.kind === 'rearrange' && this.assign !== undefined) {
      this.assign = { ...this.assign, placement: message.placement }
      if (!this.isRearrangingForEver) this.rearranged()
    }
  }

  /** What was told before it belongs to it. */
  private withKnown(message: ToWorker): ToWorker {
    if (message.kind !== 'assign' && message.kind !== 'rearrange') return message
    const pieces = this.known
    this.known = []
    return { ...message, positions: joinPositions([...pieces, message.positions ?? {}]) }
  }

  beat(): void {
    if (this.isHung) return
    const leaseMs = this.assign?.leaseMs ?? 10_000
    if (this.world.nowMs - this.leaseAtMs > leaseMs) {
      this.exit(72)
      return
    }
    this.turns += 1
    this.say({
      kind: 'heartbeat',
      beat: {
        turns: this.turns,
        isQuiet: false,
        isFinished: false,
        run: this.assign?.run ?? 'inactive',
        rssBytes: 50e6,
        heapUsedBytes: 10e6,
        heapLimitBytes: 768e6,
        cpuMs: this.turns,
        loopDelayMs: 1,
        loopUtilisation: 0.1,
        components: [],
        links: [],
        ...this.beatChange,
      },
    })
  }
}

export class FakeLauncher implements Launcher {
  readonly workers: FakeWorker[] = []
  /** What a worker does with its seat. Default: it starts. */
  onAssign: (worker: FakeWorker) => void = (worker) => {
    worker.host.timers.after(20, () => worker.started())
  }
  /** Of the package that is installed. */
  protocol = SEAT_PROTOCOL
  strangeSeat: unknown = undefined
  /** The next launches fail. */
  failCount = 0
  private readonly world: VirtualWorld
  private readonly node: string
  private readonly pidFirst: number

  constructor(world: VirtualWorld, node: string, pidFirst = 100) {
    this.world = world
    this.node = node
    this.pidFirst = pidFirst
  }

  async launch(spec: LaunchSpec): Promise<LaunchedWorker> {
    if (this.failCount > 0) {
      this.failCount -= 1
      const { UnavailableError } = await import('../../src/base/errors.ts')
      throw new UnavailableError('CONNECT_FAILED', 'the system gave no process')
    }
    const pid = this.pidFirst + this.workers.length
    const worker = new FakeWorker(this.world, this.node, pid, spec, (assigned) => this.onAssign(assigned))
    worker.protocol = this.protocol
    worker.strangeSeat = this.strangeSeat
    const file = this.world.disk(this.node).disk.open(spec.outputPath, 'write')
    this.world.disk(this.node).disk.sync(file)
    this.workers.push(worker)
    return launched(worker)
  }

  async adopt(pid: number, bornAt: string): Promise<LaunchedWorker | undefined> {
    const worker = this.workers.find((each) => each.pid === pid && each.bornAt === bornAt)
    return worker?.isAlive === true ? launched(worker, true) : undefined
  }

  /** Those that have the seat of this port and live. */
  at(port: number): FakeWorker | undefined {
    return this.workers.findLast((worker) => worker.isAlive && worker.assign?.port === port)
  }

  get living(): FakeWorker[] {
    return this.workers.filter((worker) => worker.isAlive)
  }
}

function launched(worker: FakeWorker, isAdopted = false): LaunchedWorker {
  return {
    pid: worker.pid,
    bornAt: worker.bornAt,
    onExit: (listener) =>
      worker.onExit((end) => listener(isAdopted ? { code: undefined, signal: undefined } : end)),
    kill: (signal) => worker.exit(undefined, signal),
    look: () => undefined,
  }
}
