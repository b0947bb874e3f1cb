/**
 * A ZooKeeper ensemble in memory: a tree, sessions, clients, and everything that goes wrong between them. For
 * a cluster in one process (real time, no delays, no faults), for tests, and for the simulator, where it
 * stands in for the real thing: answers take drawn times, connections break with unknown outcome, followers
 * are late, sessions end, the leader changes, the quorum goes.
 *
 *     MemoryCoordinator ◀──link──▶ MemoryEnsemble ──▶ EnsembleSessions
 *      (on its own host)                └──▶ Quorum ──▶ MemoryTree (leader, followers)
 *
 * Runs on a host of its own: its clock ends sessions, so a client whose host is dead loses its ephemerals.
 *
 * Invariants
 *   E1  what one client asks for takes effect in order, as long as its connection stands
 *   E2  a client sees events of changes before any read that is newer
 *   E3  a client is never served by a server that knows less than it has seen
 */
import type { Host, Stoppable } from '../../host/host.ts'
import type { Coordinator, NodeData } from '../coordinator.ts'
import {
  type EnsembleSession,
  EnsembleSessions,
  type Hello,
  type OnWelcome,
  type SessionLimits,
} from './ensemble-sessions.ts'
import { MemoryCoordinator } from './memory-coordinator.ts'
import { MemoryLink } from './memory-link.ts'
import type { MemoryConnectSpec } from './memory-node-calls.ts'
import { type EnsembleServer, Quorum, type WriteRecord } from './quorum.ts'
import { ServerPort } from './server-port.ts'
import { OPEN_ACL } from './tree-acl.ts'
import { parentOf } from './tree-path.ts'

export interface MemoryEnsembleSpec {
  /** Of the ensemble itself. */
  readonly host: Pick<Host, 'clock' | 'timers' | 'random'>
  /** The first leads; only followers give stale reads. Default 1. */
  readonly serverCount?: number
  /** Connections from one host; more are refused. Default 60, as ZooKeeper has it. */
  readonly connectionsPerHostMax?: number
  /** Default 1 s to 60 s. */
  readonly sessionLimits?: SessionLimits
  /** Containers and nodes with a lifetime are looked at so often. Default 1 s. */
  readonly sweepMs?: number
  /** Writes that are kept for checkers. Default 10,000. */
  readonly historyMax?: number
  /** Told of every write that took effect, in order. */
  readonly onWrite?: (record: WriteRecord) => void
  readonly faults?: Partial<EnsembleFaults>
}

/** What goes wrong by itself. All 0: nothing. */
export interface EnsembleFaults {
  /** One way between client and server. */
  readonly delayMsMin: number
  readonly delayMsMax: number
  /** Share of calls at which the connection breaks: before or after they took effect, evenly drawn. */
  readonly unknownShare: number
  /** Share of writes that a follower learns of late. */
  readonly staleShare: number
  readonly lagMsMax: number
}

/** Counts and sizes, for invariants. */
export interface EnsembleCensus {
  readonly sessionCount: number
  readonly connectionCount: number
  readonly watchCount: number
  readonly nodeCount: number
  readonly largestNode: { readonly path: string; readonly sizeBytes: number }
  readonly writeCount: number
  readonly refusedConnectionCount: number
}

const noFaults: EnsembleFaults = {
  delayMsMin: 0,
  delayMsMax: 0,
  unknownShare: 0,
  staleShare: 0,
  lagMsMax: 0,
}

interface LinkOwner {
  readonly name: string
  readonly hostName: string
  session: EnsembleSession | undefined
}

export class MemoryEnsemble {
  private readonly spec: MemoryEnsembleSpec
  private readonly quorum: Quorum
  private readonly sessions: EnsembleSessions
  private readonly sweeping: Stoppable
  private readonly links = new Map<MemoryLink, LinkOwner>()
  private readonly cutNames = new Map<string, 'reset' | 'silent'>()
  private faults: EnsembleFaults
  private hasQuorum = true
  private refusedCount = 0

  constructor(spec: MemoryEnsembleSpec) {
    const { clock, timers, random } = spec.host
    this.spec = spec
    this.faults = { ...noFaults, ...spec.faults }
    this.quorum = new Quorum({
      serverCount: spec.serverCount ?? 1,
      timers,
      nowMs: () => clock.now(),
      random: random.split('followers'),
      historyMax: spec.historyMax ?? 10_000,
      onWrite: spec.onWrite,
    })
    this.sessions = new EnsembleSessions(
      this.quorum,
      { timers, random: random.split('sessions'), nowMs: () => clock.monotonicMs() },
      spec.sessionLimits ?? { timeoutMsMin: 1_000, timeoutMsMax: 60_000 },
    )
    this.sweeping = timers.every(spec.sweepMs ?? 1_000, () => this.sweep())
    this.setFaults({})
  }

  /** A new client with a session of its own. It dials by itself; wait for `connected`. */
  connect(spec: MemoryConnectSpec): Coordinator {
    return new MemoryCoordinator(spec, {
      dial: (hello, onWelcome, onLost) => this.dial(spec, hello, onWelcome, onLost),
    })
  }

  /** Changes what goes wrong by itself; what is left out stays. */
  setFaults(faults: Partial<EnsembleFaults>): void {
    this.faults = { ...this.faults, ...faults }
    this.quorum.lag.staleShare = this.faults.staleShare
    this.quorum.lag.lagMaxMs = this.faults.lagMsMax
  }

  /**
   * Cuts all clients of that name off, also those to come, until `heal`. `reset`: both ends see it. `silent`:
   * nothing arrives any more, and only time tells.
   */
  cut(name: string, how: 'reset' | 'silent' = 'reset'): void {
    this.cutNames.set(name, how)
    for (const link of this.linksOf(name)) {
      if (how === 'reset') link.close('some')
      else link.isSilent = true
    }
  }

  heal(name: string): void {
    this.cutNames.delete(name)
    // What a silent link swallowed cannot be made up for: it breaks.
    for (const link of this.linksOf(name)) if (link.isSilent) link.close('some')
  }

  /** No server serves; sessions stand still. */
  loseQuorum(): void {
    this.hasQuorum = false
    this.sessions.pause()
    this.closeAll()
  }

  regainQuorum(): void {
    this.hasQuorum = true
    this.sessions.resume()
  }

  /** Every connection breaks, once; sessions have their whole length again. */
  changeLeader(): void {
    this.closeAll()
    if (this.hasQuorum) this.sessions.resume()
  }

  /** Ends the sessions of all clients of that name by the server's word. */
  expire(name: string): void {
    for (const session of this.sessions.all) if (session.name === name) this.endSession(session)
  }

  census(): EnsembleCensus {
    let largestNode = { path: '/', sizeBytes: 0 }
    for (const [path, sizeBytes] of this.quorum.leader.tree.entries()) {
      if (sizeBytes > largestNode.sizeBytes) largestNode = { path, sizeBytes }
    }
    return {
      sessionCount: this.sessions.all.length,
      connectionCount: this.links.size,
      watchCount: this.quorum.servers.reduce((sum, server) => sum + server.watches.count, 0),
      nodeCount: this.quorum.leader.tree.nodeCount,
      largestNode,
      writeCount: this.quorum.writesCount,
      refusedConnectionCount: this.refusedCount,
    }
  }

  /** Writes that took effect, oldest first, the last `historyMax` of them at least. */
  get history(): readonly WriteRecord[] {
    return this.quorum.writes
  }

  /** What a checker sees: the leader's tree, now. */
  peek(path: string): NodeData | undefined {
    return this.quorum.leader.tree.read(path)
  }

  /** As `peek`. */
  peekChildren(path: string): readonly string[] {
    return this.quorum.leader.tree.children(path) ?? []
  }

  /** No more sweeping and no session ends; connections break. */
  stop(): void {
    this.sweeping.stop()
    this.sessions.stop()
    this.hasQuorum = false
    this.closeAll()
  }

  private dial(
    client: MemoryConnectSpec,
    hello: Hello,
    onWelcome: OnWelcome,
    onLost: (link: MemoryLink) => void,
  ): MemoryLink {
    const { host } = this.spec
    const delayMs = () => {
      const { delayMsMin, delayMsMax } = this.faults
      return delayMsMax === 0 ? 0 : delayMsMin + host.random.next() * (delayMsMax - delayMsMin)
    }
    const link = new MemoryLink({
      up: { timers: host.timers, nowMs: () => host.clock.monotonicMs(), delayMs },
      down: { timers: client.host.timers, nowMs: () => client.host.clock.monotonicMs(), delayMs },
      chance: () => host.random.next(),
      onLost,
      onClosed: (closed) => this.onClosed(closed),
      admit: (asked, run) => this.admit(asked, run),
    })
    const fate = this.cutNames.get(hello.name)
    link.isSilent = fate === 'silent'
    this.links.set(link, { name: hello.name, hostName: hello.hostName, session: undefined })
    if (fate === 'reset' || !this.hasQuorum) link.close('none')
    else link.request(() => this.welcome(link, hello, onWelcome))
    return link
  }

  private welcome(link: MemoryLink, hello: Hello, onWelcome: OnWelcome): void {
    const before = this.sessions.find(hello.sessionId)
    before?.link?.close('some')
    if (this.isHostFull(hello.hostName)) {
      this.refusedCount += 1
      link.close('none')
      return
    }
    if (hello.sessionId !== 0n && before === undefined) {
      link.answer(() => onWelcome(link, 'expired'))
      return
    }
    this.makeRoot(hello.root)
    const session = before ?? this.sessions.open(hello)
    const server = this.pickServer(hello.seenZxid)
    session.link = link
    session.heardMs = this.spec.host.clock.monotonicMs()
    const owner = this.links.get(link)
    if (owner !== undefined) owner.session = session
    const author = { sessionId: session.id, identities: session.identities }
    link.port = new ServerPort(this.quorum, server, {
      author,
      onEnd: () => this.endSession(session, 'orderly'),
    })
    link.answer(() => onWelcome(link, { sessionId: session.id, timeoutMs: session.timeoutMs }))
  }

  /** As an open node, like the clients of a real ensemble make theirs. */
  private makeRoot(root: string): void {
    if (this.quorum.leader.tree.read(root) !== undefined) return
    this.makeRoot(parentOf(root))
    this.quorum.write(undefined, [
      {
        kind: 'create',
        path: root,
        data: new Uint8Array(0),
        mode: 'persistent',
        ttlMs: undefined,
        acl: OPEN_ACL,
      },
    ])
  }

  /** A drawn server, which then knows at least what the client has seen. */
  private pickServer(seenZxid: bigint): EnsembleServer {
    const { servers, leader } = this.quorum
    const server = servers[Math.floor(this.spec.host.random.next() * servers.length)] ?? leader
    if (server.tree.lastZxid < seenZxid) this.quorum.catchUp(server)
    return server
  }

  private admit(link: MemoryLink, run: () => void): void {
    const session = this.links.get(link)?.session
    if (session !== undefined) session.heardMs = this.spec.host.clock.monotonicMs()
    const { random } = this.spec.host
    const isBroken = link.isOpen && this.faults.unknownShare > 0 && random.next() < this.faults.unknownShare
    if (isBroken && random.next() < 0.5) {
      link.close('none')
      return
    }
    run()
    if (isBroken) link.close('some')
  }

  private isHostFull(hostName: string): boolean {
    let count = 0
    // The new one is among them already.
    for (const owner of this.links.values()) if (owner.hostName === hostName) count += 1
    return count > (this.spec.connectionsPerHostMax ?? 60)
  }

  private endSession(session: EnsembleSession, how: 'none' | 'orderly' = 'none'): void {
    const { link } = session
    this.sessions.end(session)
    link?.close(how)
  }

  private onClosed(link: MemoryLink): void {
    const session = this.links.get(link)?.session
    this.links.delete(link)
    if (session?.link === link) session.link = undefined
  }

  private closeAll(): void {
    for (const link of [...this.links.keys()]) link.close('some')
  }

  private linksOf(name: string): readonly MemoryLink[] {
    return [...this.links].filter(([, owner]) => owner.name === name).map(([link]) => link)
  }

  private sweep(): void {
    const { tree } = this.quorum.leader
    if (!this.hasQuorum || !tree.hasPassing) return
    for (const path of tree.outlived(this.spec.host.clock.now())) {
      // Each by itself: a child may have been made since, which is no reason to keep the others.
      this.quorum.write(undefined, [{ kind: 'delete', path, version: -1 }])
    }
  }
}
