/**
 * Worker processes on the machine itself (the contract is launcher.ts). The worker's program is a path that
 * was given: a supervisor imports nothing of it.
 *
 * Does not know: what a worker does, slots.
 *
 * Invariants
 *   P1  a worker inherits nothing but what `environment` names: no variable of this process, no open file
 *   P2  a topology's options and variables never change what program runs or what it loads
 *   P3  an adopted process is signalled only while pid and time of birth are its own
 */
import type { Logger } from '../base/log.ts'
import { SeatVariable } from '../cluster/seat-environment.ts'
import type { Stoppable, Timers } from '../host/host.ts'
import type { Processes, Signal } from '../host/processes.ts'
import type { LaunchedEnd, LaunchedWorker, Launcher, LaunchSpec } from './launcher.ts'

export interface MachineLauncherSpec {
  readonly processes: Processes
  readonly timers: Timers
  readonly log: Logger
  /** The worker's main module. */
  readonly modulePath: string
  /** For every worker: PATH, HOME, TZ … */
  readonly environment: Readonly<Record<string, string>>
}

/** Options of Node that a topology may ask for: they show or limit, and load nothing. */
const OPTIONS_ALLOWED: readonly RegExp[] = [
  /^--cpu-prof$/,
  /^--heap-prof$/,
  /^--heapsnapshot-signal=SIG[A-Z0-9]{2,6}$/,
  /^--heapsnapshot-near-heap-limit=\d{1,2}$/,
  /^--max-(semi-space-size|old-space-size|http-header-size)=\d{1,9}$/,
  /^--stack-trace-limit=\d{1,5}$/,
  /^--(trace-gc|trace-warnings|trace-uncaught|trace-deprecation|no-deprecation|no-warnings)$/,
  /^--(enable-source-maps|expose-gc|perf-basic-prof|perf-basic-prof-only-functions)$/,
]
/** Variables that change what is loaded, or that are ours. */
const VARIABLE_REFUSED = /^(NODE_|LD_|DYLD_|TYPHOON_|OPENSSL_CONF$|SSLKEYLOGFILE$|PATH$)/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Nobody tells the end of a process that is not our child; its connection does, but for one without. */
const LOOK_MS = 500
const LOOK_SOON_MS = 20
const LOOKS_IN_A_ROW = 10
const MIB = 2 ** 20

export class MachineLauncher implements Launcher {
  private readonly spec: MachineLauncherSpec

  constructor(spec: MachineLauncherSpec) {
    this.spec = spec
  }

  async launch(spec: LaunchSpec): Promise<LaunchedWorker> {
    const { processes, modulePath, environment, log } = this.spec
    const refused = spec.nodeOptions.filter((option) => !isOptionAllowed(option))
    if (refused.length > 0) log.warn('options of node are not allowed', { options: refused.join(' ') })
    const heapMib = Math.max(1, Math.round(spec.heapBytes / MIB))
    const child = processes.spawn({
      modulePath,
      args: [],
      environment: {
        ...environment,
        ...allowedVariables(spec.environment),
        [SeatVariable.CONTROL_PATH]: spec.controlPath,
        [SeatVariable.SECRET]: spec.secret,
      },
      directory: spec.directory,
      outputPath: spec.outputPath,
      // The last one wins: a topology that names the limit itself means it.
      nodeOptions: [`--max-old-space-size=${heapMib}`, ...spec.nodeOptions.filter(isOptionAllowed)],
      isDetached: true,
    })
    // None: it has ended already, which is told below.
    const facts = await processes.facts(child.pid)
    return {
      pid: child.pid,
      bornAt: facts?.bornAt ?? '',
      onExit: (listener) => child.onExit(listener),
      kill: (signal) => child.kill(signal),
      look: () => undefined,
    }
  }

  async adopt(pid: number, bornAt: string): Promise<LaunchedWorker | undefined> {
    const facts = await this.spec.processes.facts(pid)
    if (facts === undefined || facts.bornAt !== bornAt) return undefined
    return new AdoptedWorker(this.spec, pid, bornAt)
  }
}

/** Somebody else's child: that it is gone is seen by looking. */
class AdoptedWorker implements LaunchedWorker {
  readonly pid: number
  readonly bornAt: string
  private readonly spec: MachineLauncherSpec
  private readonly listeners: ((end: LaunchedEnd) => void)[] = []
  private readonly looking: Stoppable
  private isGone = false

  constructor(spec: MachineLauncherSpec, pid: number, bornAt: string) {
    this.spec = spec
    this.pid = pid
    this.bornAt = bornAt
    this.looking = spec.timers.every(LOOK_MS, () => this.lookSome(1))
  }

  onExit(listener: (end: LaunchedEnd) => void): void {
    if (this.isGone) listener({ code: undefined, signal: undefined })
    else this.listeners.push(listener)
  }

  kill(signal: Signal): void {
    this.spec.processes.signal(this.pid, this.bornAt, signal).then(
      () => this.look(),
      (error: unknown) => this.spec.log.error('a worker cannot be signalled', { why: String(error) }),
    )
  }

  look(): void {
    this.lookSome(LOOKS_IN_A_ROW)
  }

  /** A process that was killed, or has closed its connection, is gone some moments later. */
  private lookSome(times: number): void {
    if (this.isGone) return
    this.spec.processes.facts(this.pid).then(
      (facts) => {
        if (facts?.bornAt !== this.bornAt) this.gone()
        else if (times > 1) this.spec.timers.after(LOOK_SOON_MS, () => this.lookSome(times - 1))
      },
      (error: unknown) => this.spec.log.error('a worker cannot be looked at', { why: String(error) }),
    )
  }

  private gone(): void {
    if (this.isGone) return
    this.isGone = true
    this.looking.stop()
    for (const listener of this.listeners.splice(0)) listener({ code: undefined, signal: undefined })
  }
}

export function isOptionAllowed(option: string): boolean {
  return OPTIONS_ALLOWED.some((allowed) => allowed.test(option))
}

/** Of the variables that a topology asks for. */
export function allowedVariables(wanted: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([name, value]) => VARIABLE.test(name) && !VARIABLE_REFUSED.test(name) && !value.includes('\0'),
    ),
  )
}
