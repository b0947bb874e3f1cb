/**
 * Nimbus on virtual hosts: a board over a memory ensemble, blobs on virtual disks, supervisors that follow
 * a script (scripted-supervisor.ts). User code is never looked at: the inspection says what the outline
 * said.
 */
import { UnavailableError } from '../../src/base/errors.ts'
import { createLogger, type LogLine } from '../../src/base/log.ts'
import { digestText } from '../../src/blob/blob-store.ts'
import { FileBlobStore } from '../../src/blob/file-blob-store.ts'
import type { Board, BoardView, BoardWrite, Leadership } from '../../src/cluster/board.ts'
import type { BlobRef } from '../../src/cluster/records.ts'
import type { Host } from '../../src/host/host.ts'
import { Nimbus } from '../../src/nimbus/nimbus.ts'
import type { NimbusPeers, PingAnswer } from '../../src/nimbus/peers.ts'
import { defaultNimbusSettings, type NimbusSettings } from '../../src/nimbus/settings.ts'
import type { Caller, SubmitRequest } from '../../src/rpc/nimbus-api.ts'
import type { InspectResult } from '../../src/topology/describe/inspect-result.ts'
import type { TopologyOutline } from '../../src/topology/describe/outline.ts'
import type { RelativePath } from '../../src/topology/describe/relative-paths.ts'
import { BoardWorld } from '../cluster/board-world.ts'
import { ScriptedSupervisor, type SupervisorScript } from './scripted-supervisor.ts'

export const admin: Caller = { name: 'anna', roles: ['admin'] }
export const daemon: Caller = { name: 'cluster', roles: ['daemon'] }

const refused: InspectResult = {
  isOk: false,
  error: { code: 'NO_DEFAULT_EXPORT', family: 'usage', message: 'no topology', where: undefined },
  output: '',
}

export interface NimbusSeat {
  readonly name: string
  readonly host: Host
  readonly board: Board
  readonly nimbus: Nimbus
  readonly blobs: FileBlobStore
}

/** Looks at every write of a leader before it is made, and may stop it there, or throw what it shall meet. */
export type WriteSpy = (
  writes: readonly BoardWrite[],
  nimbus: string,
) => 'go' | 'crash-before' | 'crash-after' | 'lose-answer'

/** Whether a write is about this topology. */
export function isAbout(write: BoardWrite, id: string): boolean {
  switch (write.kind) {
    case 'put-topology':
      return write.record.id === id
    case 'put-assignment':
      return write.record.topologyId === id
    case 'delete-topology':
    case 'delete-assignment':
      return write.id === id
    default:
      return false
  }
}

export class NimbusWorld extends BoardWorld {
  readonly seats = new Map<string, NimbusSeat>()
  readonly supervisors = new Map<string, ScriptedSupervisor>()
  readonly lines: LogLine[] = []
  spy: WriteSpy = () => 'go'
  /** What is seen of each module that is looked at. */
  relativePaths: readonly RelativePath[] = []
  /** Where nodes were asked to go on in a log, in the order of asking. */
  readonly logsAfter: (string | undefined)[] = []
  /** Nimbuses that take requests of others and answer none. */
  readonly stopped = new Set<string>()
  /** What one Nimbus hears of another. */
  ping: (to: string, from: string) => PingAnswer = (to) => {
    return this.world.isRunningOn(to) ? 'answers' : 'refused'
  }
  /** What happens while a module is looked at. */
  whileInspected: () => Promise<void> = async () => {}
  readonly settings: NimbusSettings

  constructor(settings: Partial<NimbusSettings> = {}, seed = 1) {
    super(seed)
    this.settings = { ...defaultNimbusSettings, ...settings }
  }

  async startNimbus(name: string): Promise<NimbusSeat> {
    const seat = await this.makeNimbus(name)
    await this.drive(seat.nimbus.start())
    this.seats.set(name, seat)
    return seat
  }

  /** Its board is open, and it has not begun. */
  async makeNimbus(name: string): Promise<NimbusSeat> {
    const host = this.world.host(name)
    const board = this.spied(name, await this.opened(name))
    const blobs = new FileBlobStore(host, '/blobs')
    const log = createLogger({ sink: (line) => this.lines.push(line), now: () => host.clock.now() })
    const nimbus = new Nimbus({
      host,
      board,
      blobs,
      peers: this.peers(name),
      inspect: async ({ name: wanted }) => {
        await this.whileInspected()
        const outline = this.built.get(wanted)
        if (outline === undefined) return refused
        return { isOk: true, outline, relativePaths: this.relativePaths, output: '' }
      },
      settings: this.settings,
      id: name,
      address: `${name}:6627`,
      version: '0',
      log,
    })
    return { name, host, board, nimbus, blobs }
  }

  /** Unless the script says otherwise, keyed state is written out in half a second. */
  async startSupervisor(node: string, more: SupervisorScript = {}): Promise<ScriptedSupervisor> {
    const script = { dumpMs: 500, ...more }
    const host = this.world.host(node)
    const board = this.board(node, '/typhoon', ['assignments'])
    await this.drive(board.open(10_000))
    const supervisor = new ScriptedSupervisor({ node, host, board, script, send: (beat) => this.send(beat) })
    await this.drive(supervisor.start())
    this.supervisors.set(node, supervisor)
    return supervisor
  }

  crash(name: string): void {
    this.world.crash(name)
    this.seats.delete(name)
    this.supervisors.delete(name)
  }

  /** Modules by the name they are submitted under: what the inspection finds. */
  readonly built = new Map<string, TopologyOutline>()

  async request(outline: TopologyOutline, more: Partial<SubmitRequest> = {}): Promise<SubmitRequest> {
    const leader = this.leader
    const name = more.name ?? outline.name
    this.built.set(name, outline)
    return {
      name,
      bundle: await this.upload(leader, new TextEncoder().encode(`bundle of ${name}`)),
      outline: await this.upload(leader, new TextEncoder().encode(JSON.stringify(outline))),
      args: {},
      config: {},
      isInactive: false,
      idempotencyKey: undefined,
      ...more,
    }
  }

  async upload({ nimbus, host }: NimbusSeat, bytes: Uint8Array): Promise<BlobRef> {
    const digest = digestText(host.digest('sha256', bytes))
    return this.drive(nimbus.api.writeBlob(admin, digest, bytes))
  }

  get leader(): NimbusSeat {
    const seats = [...this.seats.values()].filter(({ name }) => !this.stopped.has(name))
    const found = seats.find(({ nimbus }) => nimbus.isLeader)
    if (found === undefined) throw new Error('nobody leads')
    return found
  }

  get hasLeader(): boolean {
    return [...this.seats.values()].some(({ nimbus }) => nimbus.isLeader)
  }

  async untilLed(): Promise<NimbusSeat> {
    await this.until(() => this.hasLeader, 'a leader')
    return this.leader
  }

  /** Submits, and waits until all its workers run. */
  async running(outline: TopologyOutline, more: Partial<SubmitRequest> = {}): Promise<string> {
    const request = await this.request(outline, more)
    const { id } = await this.drive(this.leader.nimbus.api.submit(admin, request))
    await this.until(() => this.isUp(id), `${request.name} up`)
    return id
  }

  get view(): BoardView {
    return this.leader.board.view
  }

  workersOf(id: string): readonly string[] {
    const workers = this.view.assignments.get(id)?.record.workers ?? []
    return workers.map(({ worker, node, port, generation, executors }) => {
      return `${worker}@${node}:${port} g${generation} [${executors}]`
    })
  }

  isUp(id: string): boolean {
    const record = this.hasLeader ? this.view.assignments.get(id)?.record : undefined
    if (record === undefined || record.workers.length === 0) return false
    return record.workers.every((worker) => this.supervisors.get(worker.node)?.runs(id, worker) === true)
  }

  /** As a supervisor sends it: to whoever leads; an error if nobody does. */
  private async send(beat: Parameters<Nimbus['api']['heartbeat']>[1]): Promise<void> {
    const errors: unknown[] = []
    for (const { nimbus } of this.seats.values()) {
      try {
        await nimbus.api.heartbeat(daemon, beat)
        return
      } catch (error) {
        errors.push(error)
      }
    }
    throw errors[0] ?? new UnavailableError('NIMBUS_UNREACHABLE', 'no nimbus answers')
  }

  private peers(from: string): NimbusPeers {
    const at = (address: string): NimbusSeat => {
      const seat = this.seats.get(address.split(':')[0] ?? '')
      if (seat === undefined) throw new UnavailableError('CONNECT_FAILED', `nobody answers at ${address}`)
      return seat
    }
    return {
      isSilent: (address) => this.stopped.has(address.split(':')[0] ?? ''),
      ping: async (address) => {
        const name = address.split(':')[0] ?? ''
        if (this.stopped.has(name)) {
          await new Promise<void>((resolve) => this.world.timers.after(1_000, resolve))
          return 'silent'
        }
        return this.ping(name, from)
      },
      readBlob: async (address, digest, offset, size) =>
        at(address).nimbus.api.readBlob(daemon, digest, offset, size),
      writeBlob: async (address, digest, bytes) =>
        this.stopped.has(address.split(':')[0] ?? '')
          ? await new Promise(() => undefined)
          : await at(address).nimbus.api.writeBlob(daemon, digest, bytes),
      readLog: async (address, { worker, after }) => {
        this.logsAfter.push(after)
        return { lines: [`${address} worker ${worker}`], next: '1' }
      },
    }
  }

  /** The same board, but that writes of its leaderships can be watched and stopped. */
  private spied(name: string, board: Board): Board {
    const wrap = (leadership: Leadership): Leadership => ({
      epoch: leadership.epoch,
      get isHeld() {
        return leadership.isHeld
      },
      write: async (writes) => {
        const verdict = this.spy(writes, name)
        if (verdict === 'crash-before') {
          this.crash(name)
          return new Promise(() => {})
        }
        const done = leadership.write(writes)
        if (verdict === 'lose-answer') {
          await done
          throw new UnavailableError('COORDINATOR_UNAVAILABLE', 'no answer', { outcome: 'unknown' })
        }
        if (verdict !== 'crash-after') return done
        // It is on its way; the program is gone before the answer comes.
        await done.finally(() => this.crash(name))
        return new Promise(() => {})
      },
      deletePositions: (id, countMax) => leadership.deletePositions(id, countMax),
      topologiesWithPositions: () => leadership.topologiesWithPositions(),
      resign: () => leadership.resign(),
    })
    return new Proxy(board, {
      get: (target, member) => {
        if (member === 'campaign')
          return (spec: Parameters<Board['campaign']>[0]) =>
            target.campaign({ ...spec, onLeader: (leadership) => spec.onLeader(wrap(leadership)) })
        const value: unknown = Reflect.get(target, member, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}
