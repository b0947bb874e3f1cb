/**
 * What starts worker processes: the door between a supervisor and whatever runs its workers. Made from the
 * machine's processes (machine-launcher.ts), or from virtual hosts by the simulator.
 *
 * Order: `launch` or `adopt`, then the worker they gave. Many at once.
 */
import type { Signal } from '../host/processes.ts'

/** What makes one process unfit for another's seat. */
export interface LaunchProfile {
  readonly heapBytes: number
  /** As the topology asks; what is not allowed is left out. */
  readonly nodeOptions: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface LaunchSpec extends LaunchProfile {
  /** Shown in HELLO. */
  readonly secret: string
  /** File that says where the supervisor listens. */
  readonly controlPath: string
  readonly directory: string
  /** What it prints is appended there. */
  readonly outputPath: string
}

/** How a process ended; neither is known of one that was adopted. */
export interface LaunchedEnd {
  readonly code: number | undefined
  readonly signal: string | undefined
}

/** A worker process. It may have ended before anybody asks. */
export interface LaunchedWorker {
  readonly pid: number
  /** With the pid it names the process for good. */
  readonly bornAt: string
  /** Told once, also to who asks late. */
  onExit(listener: (end: LaunchedEnd) => void): void
  kill(signal: Signal): void
  /** Its connection ended: see at once whether it did, too. */
  look(): void
}

export interface Launcher {
  /** @throws UnavailableError CONNECT_FAILED the system gave no process; DISK_FULL */
  launch(spec: LaunchSpec): Promise<LaunchedWorker>
  /** One that an earlier supervisor launched. undefined: it is gone. */
  adopt(pid: number, bornAt: string): Promise<LaunchedWorker | undefined>
}

export function profileKey(profile: LaunchProfile): string {
  const environment = Object.entries(profile.environment).sort(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify([profile.heapBytes, profile.nodeOptions, environment])
}
