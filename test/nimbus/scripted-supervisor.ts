/**
 * A supervisor without workers: it follows assignments as a real one would (a worker is up 200 ms after it
 * was assigned, drains in its time, writes state out when told) and reports that once a second.
 */
import { isStreamError } from '../../src/base/errors.ts'
import type { Board } from '../../src/cluster/board.ts'
import { parseRanges } from '../../src/cluster/executor-ranges.ts'
import { incarnationOf } from '../../src/cluster/incarnation.ts'
import type { AssignmentRecord, RunMode, WorkerAssignment } from '../../src/cluster/records.ts'
import type { SeatBeat } from '../../src/cluster/seat-messages.ts'
import type { Host } from '../../src/host/host.ts'
import type { NodeHappening, NodeHeartbeat, SlotBeat } from '../../src/rpc/heartbeat.ts'

export interface SupervisorScript {
  readonly ports?: readonly number[]
  readonly startMs?: number
  /** From the end of its assignment to the end of a worker. */
  readonly stopMs?: number
  /** From drain to quiet. */
  readonly drainMs?: number
  /** undefined: never written out. */
  readonly dumpMs?: number | undefined
}

export interface ScriptedSupervisorSpec {
  readonly node: string
  readonly host: Host
  readonly board: Board
  readonly script: SupervisorScript
  readonly send: (beat: NodeHeartbeat) => Promise<void>
}

interface Seat {
  readonly topologyId: string
  worker: WorkerAssignment
  readonly upAtMs: number
  run: RunMode
  runSinceMs: number
  dumpSinceMs: number | undefined
  layout: number
  record: AssignmentRecord
}

/** Components by executor: the tests' topologies are few, so they say it once. */
export const componentsOf = new Map<string, readonly string[]>()

export class ScriptedSupervisor {
  /** What every worker says of itself, over what it does. */
  beat: (run: RunMode) => Partial<SeatBeat> = () => ({})
  readonly happenings: NodeHappening[] = []
  /** False: heartbeats are not sent, as if the net to Nimbus were gone. */
  isTalking = true
  /** True: it says of its workers that they are about to begin. */
  isStarting = false
  /** True: its workers have ended, and it says that they wait for their next start. */
  isBackingOff = false
  /** True: it does not see what changes on the board. */
  isBehind = false
  private readonly spec: ScriptedSupervisorSpec
  private readonly owner: string
  private readonly seats = new Map<number, Seat>()
  /** Workers that have to end, by port. */
  private readonly leaving = new Map<number, { readonly seat: Seat; readonly untilMs: number }>()
  private sequence = 0

  constructor(spec: ScriptedSupervisorSpec) {
    this.spec = spec
    this.owner = `${spec.node}-${spec.host.random.next()}`
  }

  async start(): Promise<void> {
    const { node, board, host, script } = this.spec
    board.onChange(() => this.follow())
    await board.announceSupervisor({
      node,
      host: node,
      address: `${node}:6900`,
      ports: script.ports ?? [6700, 6701],
      cpuPercent: 400,
      memoryBytes: 2 ** 32,
      version: '0',
      owner: this.owner,
    })
    this.follow()
    host.timers.every(1_000, () => void this.tell())
    void this.tell()
  }

  runs(topologyId: string, { port, generation, executors }: WorkerAssignment): boolean {
    const seat = this.seats.get(port)
    if (seat?.topologyId !== topologyId || seat.worker.generation !== generation) return false
    return seat.worker.executors === executors && this.spec.host.clock.monotonicMs() >= seat.upAtMs
  }

  get portsInUse(): readonly number[] {
    const nowMs = this.spec.host.clock.monotonicMs()
    const ending = [...this.leaving].flatMap(([port, { untilMs }]) => (untilMs > nowMs ? [port] : []))
    return [...this.seats.keys(), ...ending].sort()
  }

  /** Does what the board says now. */
  follow(): void {
    if (this.isBehind) return
    const { board, node, host, script } = this.spec
    const nowMs = host.clock.monotonicMs()
    const wanted = new Set<number>()
    for (const [topologyId, { record }] of board.view.assignments) {
      for (const worker of record.workers.filter((each) => each.node === node)) {
        if (wanted.has(worker.port)) throw new Error(`two workers in ${node}:${worker.port}`)
        wanted.add(worker.port)
        const before = this.seats.get(worker.port)
        const isSame =
          before?.topologyId === topologyId &&
          before.worker.generation === worker.generation &&
          before.layout === record.layout
        const upAtMs = nowMs + (script.startMs ?? 200)
        const seat: Seat = isSame
          ? before
          : {
              topologyId,
              worker,
              upAtMs,
              run: record.run,
              runSinceMs: upAtMs,
              dumpSinceMs: undefined,
              layout: record.layout,
              record,
            }
        seat.worker = worker
        seat.record = record
        if (seat.run !== record.run) {
          seat.run = record.run
          seat.runSinceMs = nowMs
        }
        seat.dumpSinceMs = record.dump === '' ? undefined : (seat.dumpSinceMs ?? nowMs)
        this.seats.set(worker.port, seat)
      }
    }
    for (const [port, seat] of this.seats) {
      if (wanted.has(port)) continue
      this.seats.delete(port)
      this.leaving.set(port, { seat, untilMs: nowMs + (script.stopMs ?? 0) })
    }
  }

  private async tell(): Promise<void> {
    if (!this.isTalking) return
    this.sequence += 1
    const told = [...this.happenings]
    const beat: NodeHeartbeat = {
      node: this.spec.node,
      owner: this.owner,
      sequence: this.sequence,
      machine: {
        cpuCount: 4,
        cpuUsed: 0.5,
        memoryTotalBytes: 2 ** 33,
        memoryUsedBytes: 2 ** 31,
        diskFreeBytes: 2 ** 34,
        diskTotalBytes: 2 ** 35,
        loopDelayMs: 1,
        supervisorRssBytes: 2 ** 26,
        failedChecks: [],
      },
      slots: (this.spec.script.ports ?? [6700, 6701]).map((port) => this.slot(port)),
      happenings: told,
      happeningsDropped: 0,
    }
    try {
      await this.spec.send(beat)
      this.happenings.splice(0, told.length)
    } catch (error) {
      if (!isStreamError(error)) throw error
    }
  }

  private slot(port: number): SlotBeat {
    const seat = this.seats.get(port)
    const nowMs = this.spec.host.clock.monotonicMs()
    const empty = {
      pid: undefined,
      restartCount: 0,
      why: '',
      beatAgeMs: 0,
      placement: undefined,
      run: seat?.run,
      dumped: undefined,
      beat: undefined,
    }
    const left = this.leaving.get(port)
    if (seat === undefined && left !== undefined && left.untilMs > nowMs) {
      const { topologyId, layout, worker } = left.seat
      const place = { port, topologyId, layout, worker: worker.worker, generation: worker.generation }
      return { ...empty, ...place, incarnation: incarnationOf(worker.generation, 0), phase: 'killing' }
    }
    if (seat === undefined) {
      return {
        ...empty,
        port,
        phase: 'empty',
        topologyId: undefined,
        worker: 0,
        generation: 0,
        incarnation: 0,
        layout: 0,
      }
    }
    const { worker, topologyId, layout } = seat
    const incarnation = incarnationOf(worker.generation, 0)
    const place = {
      port,
      topologyId,
      worker: worker.worker,
      generation: worker.generation,
      incarnation,
      layout,
    }
    if (this.isBackingOff) return { ...empty, ...place, phase: 'backing-off', why: 'crash' }
    if (nowMs < seat.upAtMs || this.isStarting)
      return { ...empty, ...place, phase: 'starting', why: 'begins' }
    return {
      ...empty,
      ...place,
      phase: 'running',
      pid: 1,
      beat: this.seatBeat(seat, nowMs),
      dumped: this.dumped(seat, nowMs),
    }
  }

  private dumped(seat: Seat, nowMs: number): SlotBeat['dumped'] {
    const { script } = this.spec
    if (seat.dumpSinceMs === undefined || script.dumpMs === undefined) return undefined
    if (nowMs - seat.dumpSinceMs < script.dumpMs) return undefined
    const mine = new Set(parseRanges(seat.worker.executors))
    return parseRanges(seat.record.dump)
      .filter((executor) => mine.has(executor))
      .map((executor) => ({ executor, digest: executor.toString(16).padStart(64, '0'), sizeBytes: 10 }))
  }

  private seatBeat(seat: Seat, nowMs: number): SeatBeat {
    const isQuiet = seat.run !== 'active' && nowMs - seat.runSinceMs >= (this.spec.script.drainMs ?? 300)
    const counts = new Map<string, number>()
    const names = componentsOf.get(seat.record.layoutDigest) ?? []
    for (const executor of parseRanges(seat.worker.executors)) {
      const name = names[executor - 1] ?? '?'
      if (!name.startsWith('__')) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return {
      turns: Math.floor(nowMs),
      isQuiet,
      isFinished: false,
      run: seat.run,
      rssBytes: 2 ** 26,
      heapUsedBytes: 2 ** 24,
      heapLimitBytes: 2 ** 30,
      cpuMs: nowMs / 2,
      loopDelayMs: 1,
      loopUtilisation: 0.1,
      links: [],
      components: [...counts].map(([component, executors]) => ({
        component,
        kind: component.startsWith('word') ? ('spout' as const) : ('bolt' as const),
        executors,
        tasks: executors,
        emittedCount: Math.floor(nowMs),
        executedCount: Math.floor(nowMs),
        ackedCount: Math.floor(nowMs),
        failedCount: 0,
        deadLetterCount: 0,
        busyMs: nowMs / 4,
        blockedMs: 0,
        inboxFill: 0.1,
        executeP50: 1,
        executeP99: 2,
        completeP50: 3,
        completeP99: 4,
        lagCount: undefined,
      })),
      ...this.beat(seat.run),
    }
  }
}
