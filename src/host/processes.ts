/**
 * Processes and the machine below them. Apart from `Host`: only a supervisor and a submit start processes,
 * and in the simulator they start something else.
 */

export interface SpawnSpec {
  /** A JavaScript module that Node runs. */
  readonly modulePath: string
  /** A program to run instead of Node: `modulePath` and `nodeOptions` are not used then. */
  readonly program?: string | undefined
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  /** Both outputs are appended there. undefined: thrown away. */
  readonly outputPath: string | undefined
  /** Options of Node itself: `--max-old-space-size=512`. */
  readonly nodeOptions: readonly string[]
  /** Outlives this process, in a group of its own. */
  readonly isDetached: boolean
}

export type Signal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'

export interface ChildExit {
  readonly code: number | undefined
  readonly signal: string | undefined
}

export interface ChildProcess {
  readonly pid: number
  /** Told once, within milliseconds of the exit. */
  onExit(listener: (exit: ChildExit) => void): void
  /** Of the child and, if it is detached, of its whole group. */
  kill(signal: Signal): void
}

/** A process, whoever started it. */
export interface ProgramFacts {
  readonly pid: number
  /** Time of its start as the kernel counts it: with the pid it names a process for good. */
  readonly bornAt: string
  readonly rssBytes: number
  readonly cpuMs: number
  readonly isStopped: boolean
}

export interface MachineFacts {
  readonly cpuCount: number
  readonly loadAverage: number
  /** Milliseconds that all cores were busy since the machine's start. */
  readonly busyMs: number
  readonly memoryTotalBytes: number
  readonly memoryFreeBytes: number
}

export interface Processes {
  /** This one. */
  readonly self: { readonly pid: number; readonly bornAt: string }
  /** @throws UnavailableError CONNECT_FAILED the system gave no process */
  spawn(spec: SpawnSpec): ChildProcess
  /** undefined: there is none, or it is a zombie. */
  facts(pid: number): Promise<ProgramFacts | undefined>
  /**
   * Signals it, with its group if it leads one, only if it still is the process that was born then. False: it
   * is gone.
   */
  signal(pid: number, bornAt: string, signal: Signal): Promise<boolean>
  machine(): Promise<MachineFacts>
  /** Free and total bytes of the file system a path is on. */
  disk(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>
}
