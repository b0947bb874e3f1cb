/**
 * One run of a topology for the command line: host, positions, log, and a look every second.
 *
 * Route: commands/run.ts and dev.ts → [here] → testing/local-run.ts.
 */
import { isStreamError } from '../../base/errors.ts'
import { createLogger, formatLogLine, type Logger } from '../../base/log.ts'
import type { Host, Net, Stoppable } from '../../host/host.ts'
import { DirectoryLock, livesOn, newOwner } from '../../host/lock/directory-lock.ts'
import { createNodeHost } from '../../host/node-host.ts'
import { nodeProcesses } from '../../host/node-processes.ts'
import { PositionStore } from '../../state/position-store.ts'
import type { KeyedEntry } from '../../state/state-entry.ts'
import { LocalRun, type RunEvent } from '../../testing/local-run.ts'
import { settingsOf } from '../../topology/expand.ts'
import type { Topology } from '../../topology/topology.ts'
import type { LoadModule } from '../../worker/reporters.ts'
import type { RunFigures } from '../../worker/seat/run-figures.ts'
import { type Look, lookAt, ratesBetween } from './rates.ts'
import { emptyStateLine, resumedLines } from './run-text.ts'
import type { RunView } from './run-view.ts'
import { SourceLag } from './source-lag.ts'

export interface SessionSpec {
  readonly name: string
  readonly topology: Topology
  /** Absolute; a folder per topology is made in it. */
  readonly directory: string
  /** Positions are forgotten before the start. */
  readonly isFresh: boolean
  readonly isDev: boolean
  /** Imports modules that the topology's settings name. */
  readonly loadModule: LoadModule
  readonly view: RunView
  /** Where sources go on is no news: the run goes on from a version before it. */
  readonly isContinued?: boolean
  readonly state?: ReadonlyMap<string, readonly KeyedEntry[]>
}

const LOOK_MS = 1_000

interface Begun {
  readonly run: LocalRun
  readonly lock: DirectoryLock | undefined
  readonly drainTimeoutMs: number
}

export class Session {
  readonly run: LocalRun
  readonly drainTimeoutMs: number
  private readonly host: Host
  private readonly view: RunView
  private readonly lock: DirectoryLock | undefined
  private readonly lag: SourceLag
  private readonly startMs: number
  private readonly timer: Stoppable
  private last: Look
  private final: RunFigures | undefined = undefined

  private constructor(spec: SessionSpec, host: Host, { run, lock, drainTimeoutMs }: Begun) {
    this.run = run
    this.lock = lock
    this.host = host
    this.view = spec.view
    this.drainTimeoutMs = drainTimeoutMs
    this.lag = new SourceLag(spec.topology, host)
    this.startMs = host.clock.monotonicMs()
    this.last = lookAt(run.figures(), this.startMs)
    this.timer = host.timers.every(LOOK_MS, () => this.look())
  }

  /**
   * @throws UserCodeError PREPARE_THREW, UsageError GUARANTEE_NOT_POSSIBLE, ConflictError DIRECTORY_IN_USE
   *   another run has the positions of this topology
   */
  static async start(spec: SessionSpec): Promise<Session> {
    const { view } = spec
    const host = createNodeHost(view.print === undefined ? {} : { print: view.print })
    const lock = await lockedBy(spec, host)
    try {
      return await Session.startLocked(spec, host, lock)
    } catch (error) {
      await letGo(lock)
      throw error
    }
  }

  private static async startLocked(
    spec: SessionSpec,
    host: Host,
    lock: DirectoryLock | undefined,
  ): Promise<Session> {
    const { view, name, topology, state } = spec
    const positions = new PositionStore(host, host.files.resolve(spec.directory, name))
    if (spec.isFresh) await positions.remove(name)
    const settings = settingsOf(topology)
    const { workers, drainTimeoutMs } = settings.topology
    const isDebug = [...settings.components.values()].some(({ debug }) => debug)
    const netOf = await netFor(workers, host)
    const run = await LocalRun.start({
      name,
      topology,
      hostOf: () => host,
      netOf,
      host,
      log: logTo(view, host, isDebug),
      isDev: spec.isDev,
      positions,
      onEvent: (event: RunEvent) => view.event(event),
      isInactive: true,
      loadModule: spec.loadModule,
      ...(state === undefined ? {} : { state }),
    })
    const resumed = spec.isContinued === true ? [] : run.positions.resumed()
    for (const [index, line] of resumedLines(resumed).entries())
      view.note('resumed', line, { ...resumed[index] })
    const stateful = resumed.length === 0 ? [] : statefulIn(topology)
    if (stateful.length > 0) view.note('state-empty', emptyStateLine(stateful), { components: stateful })
    await run.activate()
    return new Session(spec, host, { run, lock, drainTimeoutMs })
  }

  get elapsedMs(): number {
    return this.host.clock.monotonicMs() - this.startMs
  }

  /**
   * Stops the sources, finishes what is in flight, ends.
   * @returns how many were still in flight when the time was over
   */
  async drain(): Promise<number> {
    const leftCount = await this.quiet()
    await this.stop()
    return leftCount
  }

  /** The same without the end: nothing moves any more, and state can be taken. */
  async quiet(): Promise<number> {
    const isDry = await this.run.drain(this.drainTimeoutMs)
    return isDry ? 0 : this.figures().pendingCount
  }

  /** What it did, also when it is over; components in the order of the topology. */
  figures(): RunFigures {
    if (this.final !== undefined) return this.final
    const figures = this.run.figures()
    const components = new Map(
      [...this.run.spec.topology.components.keys()].flatMap((id) => {
        const own = figures.components.get(id)
        return own === undefined ? [] : [[id, own] as const]
      }),
    )
    return { ...figures, components }
  }

  /** The end of all sources: the next run begins anew. */
  async finish(): Promise<void> {
    await this.stopRun()
    await this.run.positions.forget()
    await letGo(this.lock)
  }

  async stop(): Promise<void> {
    await this.stopRun()
    await letGo(this.lock)
  }

  private async stopRun(): Promise<void> {
    this.timer.stop()
    // Workers that are gone count nothing any more.
    this.final = this.figures()
    await this.run.stop()
  }

  /** Calls once, after this time. */
  after(delayMs: number, callback: () => void): Stoppable {
    return this.host.timers.after(delayMs, callback)
  }

  private look(): void {
    const { run, host } = this
    const figures = this.figures()
    const look = lookAt(figures, host.clock.monotonicMs())
    const rates = ratesBetween(this.last, look, figures, run.workerCount)
    this.last = look
    this.lag.look(run)
    const { workerCount: workers, state } = run
    this.view.standing({
      name: run.spec.name,
      state,
      workers,
      elapsedMs: this.elapsedMs,
      figures,
      rates,
      lag: this.lag.count,
    })
  }
}

/** Of the positions of a topology; undefined: it has none, or they have no place. */
async function lockedBy(
  { name, topology, directory, view }: SessionSpec,
  host: Host,
): Promise<DirectoryLock | undefined> {
  const definitions = [...topology.components.values()].map(({ definition }) => definition)
  if (!definitions.some(({ form }) => form === 'replayable')) return undefined
  const lock = new DirectoryLock({
    host,
    lives: livesOn(nodeProcesses),
    directory: host.files.resolve(directory, name),
    holder: 'run',
    owner: newOwner(host),
  })
  try {
    await lock.take()
    await lock.forgetFormer()
    return lock
  } catch (error) {
    if (!isStreamError(error) || error.family !== 'unavailable') throw error
    // Where a claim cannot be written, positions cannot either: the run goes on, as it does without them.
    const message = `no other run is kept away from its positions: ${error.message}`
    view.event({ kind: 'warning', message })
    await letGo(lock)
    return undefined
  }
}

/** A claim that cannot be taken down any more is in nobody's way: it ends with the process. */
async function letGo(lock: DirectoryLock | undefined): Promise<void> {
  try {
    await lock?.release()
  } catch (error) {
    if (!isStreamError(error) || error.family !== 'unavailable') throw error
  }
}

/** Components that declare state, of whatever form. */
function statefulIn({ components }: Topology): readonly string[] {
  return [...components].flatMap(([id, { definition }]) =>
    definition.kind === 'bolt' && Object.keys(definition.states).length > 0 ? [id] : [],
  )
}

/** One worker sends to nobody; several meet on a network in memory. */
async function netFor(workers: number, host: Host): Promise<(worker: number) => Net> {
  if (workers === 1) return () => host.net
  const { MemoryNet } = await import('../../host/virtual/memory-net.ts')
  const net = new MemoryNet({ random: host.random.split('net'), nowMs: () => host.clock.monotonicMs() })
  const members = new Map<number, Net>()
  return (worker) => {
    const known = members.get(worker)
    if (known !== undefined) return known
    const member = net.join(`worker-${worker}`, host.timers)
    members.set(worker, member)
    return member
  }
}

/** Who asks for `debug` wants every line: nothing is held back then. */
function logTo(view: RunView, host: Host, isDebug: boolean): Logger {
  return createLogger({
    ...(isDebug ? { limit: { lines: 0, perMs: 0 } } : {}),
    now: () => host.clock.now(),
    sink: (line) => view.note('log', formatLogLine(line), { level: line.level, details: line.details }),
  })
}
