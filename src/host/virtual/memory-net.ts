/**
 * A network inside the memory. Hosts join it under a name; addresses are plain texts. The same code serves
 * virtual time (timers of a virtual world, chopped streams) and real time (timers of the node host, for a
 * cluster in one process).
 *
 *      join('a', timers).connect('b:6700')  ──▶  lane a→b  ──▶  join('b', timers).listen('b:6700')
 *
 * Faults are set per lane, that is per direction between two hosts. Either a host's name or an address at
 * which a host listens may stand for it.
 *
 * Does not know: frames, who is what in the cluster.
 */
import { UnavailableError } from '../../base/errors.ts'
import type { Connection, Net, Random, Stoppable, Timers } from '../host.ts'
import { Lane, type LaneFaults } from './lane.ts'
import {
  connectFailed,
  connectionLost,
  End,
  joinEnds,
  type PipeRules,
  type SystemTimers,
} from './memory-connection.ts'

/** A dial that nobody answers in this time has failed. The same in node-net.ts. */
export const DIAL_TIMEOUT_MS = 10_000

export interface MemoryNetSpec {
  /** Monotonic. */
  readonly nowMs: () => number
  /** Draws delays and faults. */
  readonly random: Random
  /**
   * True: streams arrive in pieces cut at random, and an end loses some of what was under way. Default false.
   */
  readonly isChopped?: boolean
  /** Default 256 KiB. */
  readonly bufferBytesMax?: number
  readonly onArrival?: (from: string, to: string, sizeBytes: number) => void
}

/** The system below a program that can stand still: it takes connections for it, or refuses them. */
export interface SystemBelow {
  /** They go on while the program stands still. */
  readonly timers: SystemTimers
  /** Calls the program: at once, or in its turn when it goes on. */
  enter(call: () => void): void
}

/** A host's place in the net. */
export interface NetMember extends Net {
  /**
   * The host is gone: its listeners and connections end, the other sides see a reset. It calls nobody any
   * more.
   */
  leave(): void
}

interface Listener {
  readonly member: Member
  readonly onConnection: (connection: Connection) => void
}

interface Pair {
  readonly dialler: End
  readonly acceptor: End
  readonly from: Member
  readonly to: Member
}

interface Member {
  readonly name: string
  readonly timers: Timers
  readonly below: SystemBelow
  hasLeft: boolean
}

export class MemoryNet {
  private readonly rules: PipeRules
  private readonly random: Random
  private readonly lanes = new Map<string, Lane>()
  private readonly listeners = new Map<string, Listener>()
  /** Who listened last at an address: a dial to it fails there, by that host's lane. */
  private readonly lastListeners = new Map<string, Member>()
  private readonly pairs = new Set<Pair>()
  private defaults: LaneFaults = {}

  constructor(spec: MemoryNetSpec) {
    this.random = spec.random
    this.rules = {
      nowMs: spec.nowMs,
      chop: spec.isChopped === true ? spec.random.split('chop') : undefined,
      bufferBytesMax: spec.bufferBytesMax ?? 256 * 1024,
      onArrival: spec.onArrival,
    }
  }

  /**
   * Several members may share a name: workers of one node.
   * @param below who never stands still needs none
   */
  join(name: string, timers: Timers, below: SystemBelow = { timers, enter: (call) => call() }): NetMember {
    const member: Member = { name, timers, below, hasLeft: false }
    return {
      listen: (address, onConnection) => this.listen(member, address, onConnection),
      connect: (address, onOpen) => this.connect(member, address, onOpen),
      leave: () => this.leave(member),
    }
  }

  /** What every lane between two different hosts has from now on; single lanes can be set on top. */
  setAll(faults: LaneFaults): void {
    this.defaults = { ...this.defaults, ...faults }
    for (const lane of this.lanes.values()) if (lane.from !== lane.to) lane.set(faults)
  }

  /** Faults of one direction. What is not named stays as it is. */
  set(from: string, to: string, faults: LaneFaults): void {
    this.lane(this.nameOf(from), this.nameOf(to)).set(faults)
  }

  /** Nothing passes between the two, in either direction, until `heal`. */
  cut(left: string, right: string): void {
    this.set(left, right, { isCut: true })
    this.set(right, left, { isCut: true })
  }

  /** What was cut passes again, with everything that has been waiting. */
  heal(left: string, right: string): void {
    this.set(left, right, { isCut: false })
    this.set(right, left, { isCut: false })
  }

  /** Heals all cuts and takes away delays, corruption and limits. */
  healAll(): void {
    this.defaults = {}
    for (const lane of this.lanes.values()) {
      lane.set({ delayMs: 0, corruptShare: 0, bytesPerMs: Number.POSITIVE_INFINITY, isCut: false })
    }
  }

  /** Ends every connection between the two; what was under way is lost. */
  reset(left: string, right: string): void {
    const names = [this.nameOf(left), this.nameOf(right)]
    for (const pair of [...this.pairs]) {
      const ends = [pair.from.name, pair.to.name]
      const isBetween =
        names.every((name) => ends.includes(name)) && ends.every((name) => names.includes(name))
      if (!isBetween) continue
      pair.dialler.break(connectionLost(pair.dialler.peer, 'ECONNRESET'))
      pair.acceptor.break(connectionLost(pair.acceptor.peer, 'ECONNRESET'))
    }
  }

  /** Changes one byte in the next delivery from one to the other. */
  corruptNext(from: string, to: string): void {
    this.lane(this.nameOf(from), this.nameOf(to)).corruptNext()
  }

  /** Connections with a living end. */
  get connectionCount(): number {
    return this.pairs.size
  }

  private nameOf(nameOrAddress: string): string {
    return this.lastListeners.get(nameOrAddress)?.name ?? nameOrAddress
  }

  private lane(from: string, to: string): Lane {
    const key = `${from} ${to}`
    let lane = this.lanes.get(key)
    if (lane === undefined) {
      lane = new Lane(from, to, this.random.split(`lane ${key}`))
      if (from !== to) lane.set(this.defaults)
      this.lanes.set(key, lane)
    }
    return lane
  }

  private listen(
    member: Member,
    address: string,
    onConnection: (connection: Connection) => void,
  ): Promise<Stoppable> {
    return new Promise((resolve, reject) => {
      member.timers.defer(() => {
        if (member.hasLeft) return
        if (this.listeners.has(address)) {
          reject(new UnavailableError('PORT_IN_USE', `address ${address} is in use`, { address }))
          return
        }
        const listener: Listener = { member, onConnection }
        this.listeners.set(address, listener)
        this.lastListeners.set(address, member)
        resolve({ stop: () => this.stopListening(address, listener) })
      })
    })
  }

  private stopListening(address: string, listener: Listener): void {
    if (this.listeners.get(address) === listener) this.listeners.delete(address)
  }

  private connect(member: Member, address: string, onOpen: () => void): Connection {
    const target = this.lastListeners.get(address)
    const dialler = new End(address, this.rules, member.timers)
    if (member.hasLeft) {
      dialler.isOver = true
      return dialler
    }
    if (target === undefined) {
      dialler.break(connectFailed(address, 'ECONNREFUSED'))
      return dialler
    }
    const acceptor = new End(member.name, this.rules, target.timers, target.below.timers)
    const pair: Pair = { dialler, acceptor, from: member, to: target }
    const out = this.lane(member.name, target.name)
    joinEnds(dialler, acceptor, { out, back: this.lane(target.name, member.name) }, this.rules)
    this.pairs.add(pair)
    this.watchDial(pair, address, onOpen)
    if (target.hasLeft) acceptor.vanish(connectFailed(address, 'ECONNREFUSED'))
    else dialler.open()
    return dialler
  }

  private watchDial(pair: Pair, address: string, onOpen: () => void): void {
    const { dialler, acceptor } = pair
    const deadline = dialler.timers.after(DIAL_TIMEOUT_MS, () => {
      dialler.break(connectFailed(address, 'ETIMEDOUT'), connectionLost(acceptor.peer, 'ECONNRESET'))
    })
    const onOver = () => {
      if (dialler.isOver) deadline.stop()
      if (dialler.isOver && acceptor.isOver) this.forget(pair)
    }
    dialler.events = {
      onOpened: () => {
        deadline.stop()
        onOpen()
      },
      onOver,
    }
    acceptor.events = { onOpened: () => this.accept(acceptor, address, pair.to), onOver }
  }

  /** The connection is open as soon as the system has it; the program takes it in its turn. */
  private accept(acceptor: End, address: string, target: Member): void {
    const listener = this.listeners.get(address)
    if (listener === undefined || listener.member !== target) {
      acceptor.vanish(connectFailed(address, 'ECONNREFUSED'))
      return
    }
    acceptor.open()
    target.below.enter(() => {
      if (this.listeners.get(address) === listener) listener.onConnection(acceptor)
      else acceptor.vanish(connectionLost(address, 'ECONNRESET'))
    })
  }

  private forget(pair: Pair): void {
    pair.dialler.outgoing?.discard()
    pair.acceptor.outgoing?.discard()
    this.pairs.delete(pair)
  }

  private leave(member: Member): void {
    if (member.hasLeft) return
    member.hasLeft = true
    for (const [address, listener] of [...this.listeners]) {
      if (listener.member === member) this.listeners.delete(address)
    }
    for (const pair of [...this.pairs]) {
      if (pair.from === member) pair.dialler.vanish(connectionLost(member.name, 'ECONNRESET'))
      if (pair.to === member) pair.acceptor.vanish(connectionLost(pair.dialler.peer, 'ECONNRESET'))
    }
  }
}
