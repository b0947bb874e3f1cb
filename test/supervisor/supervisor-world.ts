// A node with its supervisor in virtual time: a real board over a memory ensemble, workers from
// fake-worker.ts, a leader that writes assignments by hand, and a Nimbus that keeps blobs in a map.
import { UnavailableError } from '../../src/base/errors.ts'
import { createLogger, type LogLine } from '../../src/base/log.ts'
import { digestText } from '../../src/blob/blob-store.ts'
import type { Leadership } from '../../src/cluster/board.ts'
import type { ClusterBoard } from '../../src/cluster/cluster-board.ts'
import { incarnationOf } from '../../src/cluster/incarnation.ts'
import type {
  AssignmentRecord,
  BlobRef,
  TopologyRecord,
  WorkerAssignment,
} from '../../src/cluster/records.ts'
import type { Host } from '../../src/host/host.ts'
import type { Lives } from '../../src/host/lock/directory-lock.ts'
import type { HeartbeatReply, NodeHappening, NodeHeartbeat, SlotBeat } from '../../src/rpc/heartbeat.ts'
import { nodeHeartbeat } from '../../src/rpc/routes/beat-schemas.ts'
import type { Launcher } from '../../src/supervisor/launcher.ts'
import { NO_LOOK } from '../../src/supervisor/machine-probe.ts'
import { Supervisor } from '../../src/supervisor/supervisor.ts'
import { type SupervisorSettings, supervisorSettings } from '../../src/supervisor/supervisor-settings.ts'
import type { TopologyOutline } from '../../src/topology/describe/outline.ts'
import { BoardWorld } from '../cluster/board-world.ts'
import { FakeLauncher } from './fake-worker.ts'

export const NODE = 'node1'
export const PORTS = [6700, 6701]

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** The leader's blobs and what it heard. */
export class FakeNimbus {
  readonly blobs = new Map<string, Uint8Array>()
  readonly beats: NodeHeartbeat[] = []
  reads: { readonly digest: string; readonly offset: number }[] = []
  isAway = false
  logLevels: () => HeartbeatReply['logLevels'] = () => []
  /** Pieces are at most so long. */
  pieceBytes = 1e9
  /** Damages what is read. */
  damage: ((bytes: Uint8Array) => Uint8Array) | undefined = undefined

  async heartbeat(beat: NodeHeartbeat): Promise<HeartbeatReply> {
    this.check()
    // As it comes over the network: what does not fit would be refused there.
    nodeHeartbeat.parse(JSON.parse(JSON.stringify(beat)))
    this.beats.push(beat)
    return { epoch: 1, logLevels: this.logLevels() }
  }

  async readBlob(digest: string, offset: number, sizeBytes: number): Promise<Uint8Array> {
    this.check()
    this.reads.push({ digest, offset })
    const bytes = this.blobs.get(digest)
    if (bytes === undefined) throw new UnavailableError('BLOB_MISSING', `no blob ${digest}`, { digest })
    const piece = bytes.slice(offset, offset + Math.min(sizeBytes, this.pieceBytes))
    return this.damage?.(piece) ?? piece
  }

  async writeBlob(digest: string, bytes: Uint8Array): Promise<BlobRef> {
    this.check()
    this.blobs.set(digest, bytes)
    return { digest, sizeBytes: bytes.length }
  }

  get happenings(): NodeHappening[] {
    return this.beats.flatMap((beat) => beat.happenings)
  }

  private check(): void {
    if (this.isAway) throw new UnavailableError('NIMBUS_UNREACHABLE', 'no nimbus answers')
  }
}

export class SupervisorWorld extends BoardWorld {
  readonly nimbus = new FakeNimbus()
  readonly launcher: FakeLauncher
  readonly lines: LogLine[] = []
  supervisor!: Supervisor
  board_!: ClusterBoard
  settings: SupervisorSettings
  /** Each life of a supervisor; its pid is its place, from 1. */
  readonly daemons: Host[] = []
  private leadership: Leadership | undefined
  private leaderBoard: ClusterBoard | undefined

  constructor(seed = 1, settings: Partial<SupervisorSettings> = {}) {
    super(seed)
    this.launcher = new FakeLauncher(this.world, NODE)
    const config = { 'storm.local.dir': '/local', 'supervisor.slots.ports': PORTS }
    const place = { node: NODE, version: '1.0.0', seatHost: NODE, host: NODE }
    this.settings = { ...supervisorSettings(config, place), httpAddress: `${NODE}:8000`, ...settings }
  }

  make(launcher: Launcher = this.launcher): Supervisor {
    this.board_ = this.board(NODE, '/typhoon', ['assignments', 'topologies'])
    this.supervisor = supervisorOn(
      this,
      { host: this.world.host(NODE), board: this.board_ },
      launcher,
      this.settings,
    )
    return this.supervisor
  }

  async start(): Promise<void> {
    await this.drive(this.make().start())
  }

  /** kill -9 of the supervisor alone: its workers and its disk stay. */
  crashSupervisor(): void {
    this.world.crash(NODE, 'none')
  }

  async leader(): Promise<Leadership> {
    if (this.leadership !== undefined) return this.leadership
    this.leaderBoard = await this.opened('nimbus1')
    this.leaderBoard.campaign({
      nimbus: 'nimbus1',
      address: 'nimbus1:6627',
      onLeader: (leadership) => {
        this.leadership = leadership
      },
      onStandby: () => undefined,
    })
    await this.until(() => this.leadership !== undefined, 'a leader')
    return this.leader()
  }

  blob(text: string): BlobRef {
    const bytes = bytesOf(text)
    const digest = digestText(this.world.host('nimbus1').digest('sha256', bytes))
    this.nimbus.blobs.set(digest, bytes)
    return { digest, sizeBytes: bytes.length }
  }

  topology(id = 'words-1', outline: Partial<TopologyOutline> = {}): TopologyRecord {
    const component = { tasks: 2, hasOwnTasks: false, cpuPercent: 0, memoryBytes: 0, inputs: [] }
    const text = JSON.stringify({
      name: 'words',
      workers: 1,
      nodeOptions: [],
      environment: {},
      components: [
        { id: 'count', kind: 'bolt', executors: 2, ...component },
        { id: 'lines', kind: 'spout', executors: 2, ...component },
      ],
      ...outline,
    })
    return {
      id,
      name: id.replace(/-\d+$/, ''),
      version: 1,
      phase: 'active',
      phaseAfter: undefined,
      phaseDeadline: undefined,
      submittedAt: 0,
      idempotencyKey: undefined,
      bundle: this.blob(`export default ${id}`),
      outline: this.blob(text),
      args: { file: 'book.txt' },
      config: {},
      parallelism: {},
      workers: undefined,
      scheduler: undefined,
      wanted: undefined,
      quarantine: undefined,
    }
  }

  worker(change: Partial<WorkerAssignment> = {}): WorkerAssignment {
    const port = change.port ?? 6700
    return {
      worker: 1,
      node: NODE,
      port,
      address: `${NODE}:${port}`,
      generation: 1,
      executors: '1-4',
      ...change,
    }
  }

  assignment(workers: readonly WorkerAssignment[], change: Partial<AssignmentRecord> = {}): AssignmentRecord {
    return {
      topologyId: 'words-1',
      epoch: 1,
      layout: 1,
      layoutDigest: '4-abc',
      run: 'active',
      token: 'a secret of the topology',
      workers,
      dump: '',
      state: [],
      unplaced: [],
      ...change,
    }
  }

  /** Writes it over whatever stands there. */
  async assign(record: AssignmentRecord, topology?: TopologyRecord): Promise<void> {
    const leader = await this.leader()
    const view = this.leaderBoard?.view
    const known = view?.assignments.get(record.topologyId)?.version
    const knownTopology = view?.topologies.get(record.topologyId)
    await this.drive(
      leader.write([
        ...(topology === undefined
          ? []
          : [{ kind: 'put-topology', record: topology, version: knownTopology?.version } as const]),
        { kind: 'put-assignment', record: { ...record, epoch: leader.epoch }, version: known },
      ]),
    )
    await this.drive(this.leaderBoard?.sync() ?? Promise.resolve())
  }

  async unassign(topologyId = 'words-1'): Promise<void> {
    const leader = await this.leader()
    const version = this.leaderBoard?.view.assignments.get(topologyId)?.version ?? 0
    await this.drive(leader.write([{ kind: 'delete-assignment', id: topologyId, version }]))
    await this.drive(this.leaderBoard?.sync() ?? Promise.resolve())
  }

  async positions(topologyId = 'words-1') {
    return this.drive((this.leaderBoard ?? this.board_).positionsOf(topologyId))
  }

  slot(port = 6700): SlotBeat | undefined {
    return this.nimbus.beats.at(-1)?.slots.find((slot) => slot.port === port)
  }

  /** What the supervisor knows now, without waiting for a heartbeat. */
  async untilPhase(phase: SlotBeat['phase'], port = 6700): Promise<void> {
    await this.until(() => this.slot(port)?.phase === phase, `slot ${port} ${phase}`)
  }

  /** A heartbeat says that this launch runs. */
  async untilRuns(restart: number, port = 6700, generation = 1): Promise<void> {
    const wanted = incarnationOf(generation, restart)
    await this.until(() => {
      const slot = this.slot(port)
      return slot?.phase === 'running' && slot.incarnation === wanted
    }, `restart ${restart} at ${port}`)
  }

  /** One worker runs in the first slot. */
  async running(): Promise<void> {
    await this.start()
    await this.assign(this.assignment([this.worker()]), this.topology())
    await this.untilPhase('running')
  }
}

/** Another supervisor than that of the node. */
export function supervisorOn(
  world: SupervisorWorld,
  { host, board }: { readonly host: Host; readonly board: ClusterBoard },
  launcher: Launcher,
  settings: SupervisorSettings,
): Supervisor {
  return new Supervisor({
    host,
    log: createLogger({
      sink: (line) => world.lines.push(line),
      now: () => world.world.nowMs,
      limit: { lines: 0, perMs: 1 },
    }),
    settings,
    board,
    nimbus: world.nimbus,
    launcher,
    lives: livesOf(world, host),
    probe: { look: async () => ({ ...NO_LOOK, cpuCount: 4, memoryTotalBytes: 8e9 }) },
  })
}

function livesOf({ daemons, world }: SupervisorWorld, host: Host): Lives {
  const pid = daemons.push(host)
  const isAlive = async (other: { readonly pid: number }) => {
    const found = daemons[other.pid - 1]
    return found !== undefined && world.isLiving(found)
  }
  return { self: { pid, bornAt: 'tick-0' }, isAlive }
}
