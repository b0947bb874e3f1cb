/**
 * A world under a seed: hosts, a clock that only moves when nothing is left to do, a net and disks with
 * faults.
 *
 *     ┌──▶ something ready? ── yes ──▶ choose a host, run one event, let promises settle ──┐
 *     │             │ no                                                                    │
 *     │    user calls wait for the real world? ── yes ──▶ let the real loop turn (bounded) ─┤
 *     │             │ no                                                                    │
 *     │    move the clock to the next timer                                                 │
 *     └─────────────┴───────────────────────────────────────────────────────────────────────┘
 *
 * Route: testing makes a world, hands its hosts to the engine, runs it, injects faults, reads the result.
 * Does not know: topologies, what the hosts run.
 *
 * Invariants
 *   W1  the same seed and the same program give the same events in the same order: `eventHash` is equal
 *   W2  time never goes back, and stands still while an event runs
 *   W3  between two events every promise reaction that can run has run
 */
import { assert } from '../../base/assert.ts'
import { SeededRandom } from '../../base/random.ts'
import type { Host, Timers } from '../host.ts'
import { reactionsDone, realMs, realTurn } from '../node-turn.ts'
import { EventKind, EventTrace } from './event-trace.ts'
import { MemoryDisk } from './memory-disk.ts'
import { createMemoryFiles, type DiskFaults, Watchers } from './memory-files.ts'
import { MemoryNet, type NetMember } from './memory-net.ts'
import { TimerHeap, type VirtualTimer } from './timer-heap.ts'
import { type HostWorld, VirtualHost } from './virtual-host.ts'

export interface VirtualWorldSpec {
  readonly seed: number
  /** Wall time at the beginning, milliseconds since 1970. Default 0. */
  readonly startAtMs?: number
  /** Streams arrive in pieces cut at random, ends lose some of what was under way. Default true. */
  readonly isChopped?: boolean
  /**
   * How long, in real time, user calls may wait for the outside before virtual time moves on. Default 100.
   */
  readonly patienceMs?: number
  /**
   * Events at one instant before the clock moves by a millisecond: no machine is infinitely fast. Default
   * 10,000.
   */
  readonly instantEventsMax?: number
  readonly print?: (host: string, line: string) => void
}

/** All given limits hold. Without any: until nothing is left to do. */
export interface RunOptions {
  /**
   * Wall time of the world, milliseconds since 1970: time stands there afterwards, whatever is left to do.
   */
  readonly untilMs?: number
  /** With `untilMs`: do not move the clock on when nothing is left to do. */
  readonly untilIdle?: boolean
  /** Looked at before every event. */
  readonly while?: () => boolean
}

/** Why a run came to its end. */
export type RunEnd = 'idle' | 'time' | 'stopped'

/** A disk, with what is wrong with it. */
export interface VirtualDisk {
  readonly disk: MemoryDisk
  readonly faults: DiskFaults
}

interface Machine extends VirtualDisk {
  readonly watchers: Watchers
  readonly index: number
  /** Name in the net: that of the machine, also for its further processes. */
  readonly netName: string
  lives: number
  running: { readonly host: Host; readonly virtual: VirtualHost; readonly net: NetMember } | undefined
  skewMs: number
}

/**
 * Without a timer there is nothing to move on to: then user calls may take as long as a slow machine needs.
 */
const LAST_PATIENCE_FACTOR = 50
/** Events at the last instant of a run, as a multiple of those after which time would pass. */
const LAST_INSTANT_FACTOR = 100

/** What belongs to no host: whoever drives the world. Never crashes. */
const DRIVER = '(driver)'

export class VirtualWorld {
  readonly net: MemoryNet
  /** For whoever drives the world: when to inject what. */
  readonly timers: Timers
  readonly random: SeededRandom
  private readonly spec: VirtualWorldSpec
  private readonly trace = new EventTrace()
  private readonly heap = new TimerHeap<VirtualHost>()
  private readonly machines = new Map<string, Machine>()
  private readonly order: SeededRandom
  /** Hosts that have something which may run. */
  private readonly ready: VirtualHost[] = []
  private readonly hostWorld: HostWorld
  private readonly patience: Patience
  private timeMs: number
  private eventsAtInstant = 0
  private isRunning = false
  private userCalls = 0
  private userCallsMoved = false

  constructor(spec: VirtualWorldSpec) {
    this.spec = spec
    this.timeMs = spec.startAtMs ?? 0
    const seeded = new SeededRandom(spec.seed)
    this.random = seeded.split('driver')
    this.order = seeded.split('order')
    this.hostWorld = this.worldOfHosts(this.timeMs)
    this.patience = new Patience(spec.patienceMs ?? 100)
    this.net = new MemoryNet({
      nowMs: () => this.timeMs,
      random: seeded.split('net'),
      isChopped: spec.isChopped ?? true,
      onArrival: (from, to, sizeBytes) => {
        this.trace.note(EventKind.arrival, to, this.timeMs, sizeBytes, `${sizeBytes} bytes from ${from}`)
      },
    })
    const random = seeded.split('driver host')
    this.timers = new VirtualHost({ name: DRIVER, life: 1, index: -1, world: this.hostWorld, random })
  }

  /** Wall time, milliseconds since 1970, with fractions; what a host with a right clock sees. */
  get nowMs(): number {
    return this.timeMs
  }

  /** Over every event so far: the same for the same seed and program. */
  get eventHash(): string {
    return this.trace.hash
  }

  get eventCount(): number {
    return this.trace.count
  }

  /** The last 200 events as text, oldest first. */
  recentEvents(): string[] {
    return this.trace.recent()
  }

  /** The host of this name: the one that lives, else a new life on the same disk. */
  host(name: string): Host {
    const machine = this.machine(name)
    if (machine.running !== undefined) return machine.running.host
    machine.lives += 1
    const random = new SeededRandom(this.spec.seed).split(`host ${name} ${machine.lives}`)
    const virtual = new VirtualHost({
      name,
      life: machine.lives,
      index: machine.index,
      world: this.hostWorld,
      random,
    })
    virtual.skewMs = machine.skewMs
    const net = this.net.join(machine.netName, virtual, virtual.below)
    const files = createMemoryFiles({ ...machine, timers: virtual, random: random.split('files') })
    machine.running = { host: virtual.asHost(net, files), virtual, net }
    return machine.running.host
  }

  /**
   * A further program on a machine: a host of its own, called `machine/program`, that crashes and stands
   * still by itself, on the machine's disk and under its name in the net. A crash of the machine takes it
   * along.
   */
  hostOn(machine: string, program: string): Host {
    const name = `${machine}/${program}`
    if (!this.machines.has(name)) {
      const { disk, faults, watchers, skewMs } = this.machine(machine)
      const index = this.machines.size
      this.machines.set(name, {
        ...{ disk, faults, watchers, index, skewMs },
        netName: machine,
        lives: 0,
        running: undefined,
      })
    }
    return this.host(name)
  }

  /** True while something runs under this name. */
  isRunningOn(name: string): boolean {
    return this.machines.get(name)?.running !== undefined
  }

  /** True while it is this life of its host that runs. */
  isLiving(host: Host): boolean {
    for (const { running } of this.machines.values()) if (running?.host === host) return true
    return false
  }

  /** The disk of a host, for looking and for faults. It outlives the host. */
  disk(name: string): VirtualDisk {
    return this.machine(name)
  }

  /**
   * The host is gone at once: nothing of it runs any more, its peers see a reset, and what it had not synced
   * may be lost: `some` as the seed has it, `all`, or `none` if only the process died and the machine lives.
   */
  crash(name: string, loss: 'none' | 'some' | 'all' = 'some'): void {
    const machine = this.machine(name)
    this.noteFault(name, `crash, unsynced loss ${loss}`)
    this.end(machine)
    for (const [other, program] of this.machines) if (other.startsWith(`${name}/`)) this.end(program)
    if (loss !== 'none') machine.disk.crash(loss)
  }

  private end(machine: Machine): void {
    if (machine.running !== undefined) {
      const { virtual, net } = machine.running
      machine.running = undefined
      virtual.die()
      this.heap.remove(virtual)
      net.leave()
      this.unready(virtual)
    }
  }

  /**
   * The host stands still, as a stopped process does: what becomes ready waits. Its system goes on, and takes
   * connections for it.
   */
  pause(name: string): void {
    const virtual = this.machine(name).running?.virtual
    if (virtual === undefined || virtual.isPaused) return
    this.noteFault(name, 'pause')
    virtual.isPaused = true
    if (!virtual.hasReady) this.unready(virtual)
  }

  resume(name: string): void {
    const virtual = this.machine(name).running?.virtual
    if (virtual === undefined || !virtual.isPaused) return
    this.noteFault(name, 'resume')
    const hadReady = virtual.hasReady
    virtual.isPaused = false
    if (!hadReady && virtual.hasReady) this.ready.push(virtual)
  }

  /** The host's wall clock is wrong by so much, also after a restart, and that of all its programs. */
  setClockSkew(name: string, skewMs: number): void {
    const own = this.machine(name)
    this.noteFault(name, `clock skew ${skewMs} ms`)
    const programs = [...this.machines].filter(([other]) => other.startsWith(`${name}/`))
    for (const machine of [own, ...programs.map(([, program]) => program)]) {
      machine.skewMs = skewMs
      if (machine.running !== undefined) machine.running.virtual.skewMs = skewMs
    }
  }

  /** Writes a line into the trace, and into the hash: for faults that the driver injects elsewhere. */
  noteFault(host: string, text: string): void {
    this.trace.note(EventKind.fault, host, this.timeMs, text.length, text)
  }

  /** Runs events. An error that one throws comes out here. One run at a time. */
  async run(options: RunOptions = {}): Promise<RunEnd> {
    assert(!this.isRunning, 'a world runs once at a time')
    this.isRunning = true
    try {
      return await this.runEvents(options)
    } finally {
      this.isRunning = false
    }
  }

  private async runEvents(options: RunOptions): Promise<RunEnd> {
    const untilMs = options.untilMs ?? Number.POSITIVE_INFINITY
    await reactionsDone()
    for (;;) {
      if (options.while !== undefined && !options.while()) return 'stopped'
      if (this.ready.length > 0) {
        if (!this.makeTimePass(untilMs)) return 'time'
        if (this.runOne()) await reactionsDone()
        continue
      }
      if (this.userCalls > 0 && (await this.awaitUserCalls())) continue
      const end = this.advance(untilMs, options)
      if (end !== undefined) return end
    }
  }

  /** False: nothing ran, the chosen event had been stopped. */
  private runOne(): boolean {
    const count = this.ready.length
    const chosen = count === 1 ? 0 : this.order.below(count)
    const host = this.ready[chosen]
    if (host === undefined) return false
    const event = host.takeReady()
    if (!host.hasReady) this.unready(host)
    if (event === undefined) return false
    this.eventsAtInstant += 1
    this.trace.note(event.kind, host.name, this.timeMs, host.index, event.callback)
    event.callback()
    return true
  }

  /**
   * Programs that always have something to do would stop the clock for ever. False: the run's time is over.
   */
  private makeTimePass(untilMs: number): boolean {
    const eventsMax = this.spec.instantEventsMax ?? 10_000
    if (this.eventsAtInstant < eventsMax) return true
    if (this.timeMs + 1 <= untilMs) {
      this.moveClock(this.timeMs + 1)
      return true
    }
    // The last instant of a run: what is ready may still come to its end, if it has one.
    if (this.eventsAtInstant < eventsMax * LAST_INSTANT_FACTOR) return true
    this.eventsAtInstant = 0
    return false
  }

  /** Moves the clock to the next timer. Tells the end if there is none, or none in time. */
  private advance(untilMs: number, options: RunOptions): RunEnd | undefined {
    const dueMs = this.heap.nextDueMs()
    if (dueMs !== undefined && dueMs <= untilMs) {
      this.moveClock(dueMs)
      return undefined
    }
    if (untilMs === Number.POSITIVE_INFINITY || (dueMs === undefined && options.untilIdle === true))
      return 'idle'
    this.moveClock(Math.max(this.timeMs, untilMs))
    return 'time'
  }

  private moveClock(toMs: number): void {
    if (toMs > this.timeMs) this.eventsAtInstant = 0
    this.timeMs = Math.max(this.timeMs, toMs)
    for (;;) {
      const entry = this.heap.popDue(this.timeMs)
      if (entry === undefined) return
      entry.owner.timerDue(entry.timer)
    }
  }

  /** True: look again, something may be ready. False: enough waited, move on. */
  private async awaitUserCalls(): Promise<boolean> {
    const isLast = this.heap.nextDueMs() === undefined
    for (;;) {
      if (this.userCallsMoved) this.patience.renew()
      this.userCallsMoved = false
      const isOver = this.patience.isOver(isLast)
      // Also when patience is over: virtual time must not keep the real call from ever coming back.
      await this.patience.wait()
      if (this.ready.length > 0 || this.userCalls === 0) return true
      if (isOver && !this.userCallsMoved) return false
    }
  }

  private unready(host: VirtualHost): void {
    const position = this.ready.indexOf(host)
    if (position < 0) return
    const last = this.ready.pop()
    if (last !== undefined && last !== host) this.ready[position] = last
  }

  private machine(name: string): Machine {
    let machine = this.machines.get(name)
    if (machine === undefined) {
      const random = new SeededRandom(this.spec.seed).split(`disk ${name}`)
      machine = {
        disk: new MemoryDisk({ random, nowMs: () => Math.floor(this.timeMs) }),
        faults: { isBroken: false, failShare: 0, delayMs: 0 },
        watchers: new Watchers(),
        index: this.machines.size,
        netName: name,
        lives: 0,
        running: undefined,
        skewMs: 0,
      }
      this.machines.set(name, machine)
    }
    return machine
  }

  private worldOfHosts(startAtMs: number): HostWorld {
    return {
      startAtMs,
      nowMs: () => this.timeMs,
      setTimer: (timer: VirtualTimer, host: VirtualHost) => this.heap.push(timer, host),
      becameReady: (host) => this.ready.push(host),
      userCallsChanged: (by) => {
        this.userCalls += by
        this.userCallsMoved = true
      },
      print: (host, line) => this.spec.print?.(host, line),
    }
  }
}

/** How long to wait for the real world: from the last sign of life of a user call, waiting time only. */
class Patience {
  private readonly limitMs: number
  private waitedMs = 0

  constructor(limitMs: number) {
    this.limitMs = limitMs
  }

  renew(): void {
    this.waitedMs = 0
  }

  isOver(isLast: boolean): boolean {
    return this.waitedMs >= (isLast ? this.limitMs * LAST_PATIENCE_FACTOR : this.limitMs)
  }

  /** One real turn of the event loop, and all that follows from it. */
  async wait(): Promise<void> {
    const fromMs = realMs()
    await realTurn()
    await reactionsDone()
    this.waitedMs += realMs() - fromMs
  }
}
