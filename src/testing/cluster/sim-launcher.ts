/**
 * Worker processes of a simulated node: the worker's own program on a virtual host, started, signalled and
 * ended as a supervisor does with real ones.
 *
 *   supervisor ─ launch ─▶ [host n1/w3: WorkerProcess] ─ exit code, or killed ─▶ onExit of its supervisor
 *
 * Invariants
 *   L1  a process that ended never calls anybody again
 *   L2  its end is told once to each who asked, in a later turn of their own host
 */
import { silentLogger } from '../../base/log.ts'
import type { SeatControl } from '../../cluster/seat-environment.ts'
import type { SeatAssign } from '../../cluster/seat-messages.ts'
import type { Host } from '../../host/host.ts'
import type { Lives } from '../../host/lock/directory-lock.ts'
import type { Signal } from '../../host/processes.ts'
import type { LaunchedEnd, LaunchedWorker, Launcher, LaunchSpec } from '../../supervisor/launcher.ts'
import type { Office } from '../../worker/seat/office.ts'
import type { LoadTopology, SeatInside } from '../../worker/seat/seat.ts'
import type { Worker } from '../../worker/worker.ts'
import { WorkerProcess } from '../../worker/worker-process.ts'
import type { ClusterWorld } from './cluster-world.ts'

export interface SimProcess {
  readonly pid: number
  readonly bornAt: string
  readonly node: string
  /** Its host in the world. */
  readonly name: string
  readonly worker: WorkerProcess
  assign: SeatAssign | undefined
  /** What runs in its seat, once it is put together. */
  made: { readonly worker: Worker; readonly office: Office } | undefined
}

export interface SimProcessesSpec {
  readonly world: ClusterWorld
  readonly loadTopology: (host: Host) => LoadTopology
  readonly inside?: SeatInside | undefined
  readonly onSeated: (process: SimProcess) => void
  readonly onEnded: (process: SimProcess, end: LaunchedEnd) => void
}

interface Entry {
  readonly process: SimProcess
  readonly listeners: ((end: LaunchedEnd) => void)[]
  end: LaunchedEnd | undefined
}

/** All processes of supervisors and workers that ever were in a simulated cluster. */
export class SimProcesses {
  private readonly spec: SimProcessesSpec
  private readonly entries = new Map<number, Entry>()
  private readonly daemons: Host[] = []
  private pidCount = 1_000

  constructor(spec: SimProcessesSpec) {
    this.spec = spec
  }

  get living(): readonly SimProcess[] {
    return [...this.entries.values()].filter(({ end }) => end === undefined).map(({ process }) => process)
  }

  /** What the supervisor of a node launches with. `on`: the supervisor's own host, which is told of ends. */
  launcherOf(node: string, on: Host): Launcher {
    return {
      launch: async (spec) => this.launchedOf(this.start(node, spec), on),
      adopt: async (pid, bornAt) => {
        const entry = this.entries.get(pid)
        if (entry === undefined || entry.end !== undefined || entry.process.bornAt !== bornAt)
          return undefined
        return this.launchedOf(entry, on)
      },
    }
  }

  /** What the supervisor on this host knows of itself and others. Pids below those of workers. */
  livesOf(on: Host): Lives {
    this.daemons.push(on)
    const pid = this.daemons.length
    const isAlive = async (other: { readonly pid: number }) => {
      const host = this.daemons[other.pid - 1]
      return host !== undefined && this.spec.world.isLiving(host)
    }
    return { self: { pid, bornAt: String(Math.floor(on.clock.monotonicMs())) }, isAlive }
  }

  /** By somebody's signal, or with its machine. */
  kill(process: SimProcess): void {
    const entry = this.entries.get(process.pid)
    if (entry !== undefined) this.end(entry, { code: undefined, signal: 'SIGKILL' })
  }

  /** The machine is gone: so are its processes. Nobody is left there to be told. */
  onMachineCrashed(node: string): void {
    for (const entry of this.entries.values()) {
      if (entry.process.node !== node || entry.end !== undefined) continue
      entry.end = { code: undefined, signal: 'SIGKILL' }
      this.spec.onEnded(entry.process, entry.end)
    }
  }

  private start(node: string, launch: LaunchSpec): Entry {
    const { world, loadTopology, inside, onSeated } = this.spec
    this.pidCount += 1
    const pid = this.pidCount
    const program = `w${pid}`
    const host = world.hostOn(node, program)
    const bornAt = String(Math.floor(host.clock.monotonicMs()))
    const worker = new WorkerProcess({
      host,
      dialControl: async () => (await readControl(host, launch.controlPath))?.address,
      secret: launch.secret,
      pid,
      bornAt,
      loadTopology: loadTopology(host),
      inside: {
        ...inside,
        onMade: (worker, office) => {
          entry.process.made = { worker, office }
          inside?.onMade?.(worker, office)
        },
      },
      probe: { read: () => readings },
      log: silentLogger,
      exit: (code) => this.end(entry, { code, signal: undefined }),
      onSeated: (assign) => {
        entry.process.assign = assign
        onSeated(entry.process)
      },
    })
    const name = `${node}/${program}`
    const process: SimProcess = { pid, bornAt, node, name, worker, assign: undefined, made: undefined }
    const entry: Entry = { process, listeners: [], end: undefined }
    this.entries.set(pid, entry)
    // As long as a program takes to be loaded.
    host.timers.after(30 + 20 * host.random.next(), () => worker.start())
    return entry
  }

  private launchedOf(entry: Entry, on: Host): LaunchedWorker {
    const tell = (listener: (end: LaunchedEnd) => void, end: LaunchedEnd): void => {
      on.timers.defer(() => listener(end))
    }
    return {
      pid: entry.process.pid,
      bornAt: entry.process.bornAt,
      onExit: (listener) => {
        if (entry.end !== undefined) tell(listener, entry.end)
        else entry.listeners.push((end) => tell(listener, end))
      },
      kill: (signal) => this.signal(entry, signal),
      look: () => undefined,
    }
  }

  private signal(entry: Entry, signal: Signal): void {
    const { world } = this.spec
    if (entry.end !== undefined) return
    if (signal === 'SIGSTOP') world.pause(entry.process.name)
    else if (signal === 'SIGCONT') world.resume(entry.process.name)
    else if (signal === 'SIGTERM') entry.process.worker.stop(SIGTERM_GRACE_MS)
    else this.end(entry, { code: undefined, signal })
  }

  private end(entry: Entry, end: LaunchedEnd): void {
    if (entry.end !== undefined) return
    entry.end = end
    this.spec.world.crash(entry.process.name, 'none')
    this.spec.onEnded(entry.process, end)
    for (const listener of entry.listeners.splice(0)) listener(end)
  }
}

/** As supervisor.worker.shutdown.sleep.secs is by default. */
const SIGTERM_GRACE_MS = 3_000

const MIB = 1024 * 1024
const readings = {
  rssBytes: 90 * MIB,
  heapUsedBytes: 40 * MIB,
  heapLimitBytes: 768 * MIB,
  cpuMs: 0,
  loopDelayMs: 1,
  loopUtilisation: 0.1,
}

async function readControl(host: Host, path: string): Promise<SeatControl | undefined> {
  const text = await readText(host, path)
  if (text === undefined) return undefined
  const found: unknown = JSON.parse(text)
  if (typeof found !== 'object' || found === null || !('address' in found)) return undefined
  return typeof found.address === 'string' ? { address: found.address } : undefined
}

/** A whole file as text; undefined: it is not there. */
export async function readText(host: Host, path: string): Promise<string | undefined> {
  const facts = await host.files.stat(path)
  if (facts === undefined) return undefined
  const file = await host.files.open(path, 'read')
  try {
    const bytes = new Uint8Array(facts.sizeBytes)
    await file.read(bytes, 0)
    return new TextDecoder().decode(bytes)
  } finally {
    await file.close()
  }
}
