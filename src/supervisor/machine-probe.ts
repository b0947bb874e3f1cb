/**
 * What the node has and what of it is in use: contract, and its implementation over the machine's own
 * figures. The simulator gives its own.
 */
import type { Clock } from '../host/host.ts'
import type { Processes } from '../host/processes.ts'

export interface MachineLook {
  readonly cpuCount: number
  /** Cores in use since the last look: 1 is one core. */
  readonly cpuUsed: number
  readonly memoryTotalBytes: number
  readonly memoryUsedBytes: number
  readonly diskFreeBytes: number
  readonly diskTotalBytes: number
  readonly supervisorRssBytes: number
}

export interface MachineProbe {
  /** @throws UnavailableError CONNECT_FAILED the system does not say */
  look(): Promise<MachineLook>
}

export const NO_LOOK: MachineLook = {
  cpuCount: 0,
  cpuUsed: 0,
  memoryTotalBytes: 0,
  memoryUsedBytes: 0,
  diskFreeBytes: 0,
  diskTotalBytes: 0,
  supervisorRssBytes: 0,
}

/** @param directory the disk looked at is the one it is on */
export function createMachineProbe(processes: Processes, clock: Clock, directory: string): MachineProbe {
  let before: { readonly atMs: number; readonly busyMs: number } | undefined
  return {
    async look(): Promise<MachineLook> {
      const [machine, disk, own] = await Promise.all([
        processes.machine(),
        processes.disk(directory),
        processes.facts(processes.self.pid),
      ])
      const atMs = clock.monotonicMs()
      const spanMs = before === undefined ? 0 : atMs - before.atMs
      const busyMs = before === undefined ? 0 : machine.busyMs - before.busyMs
      before = { atMs, busyMs: machine.busyMs }
      return {
        cpuCount: machine.cpuCount,
        // Before there is a span, the load average of the last minute is the best guess.
        cpuUsed: Math.max(0, spanMs > 0 ? busyMs / spanMs : Math.min(machine.loadAverage, machine.cpuCount)),
        memoryTotalBytes: machine.memoryTotalBytes,
        memoryUsedBytes: Math.max(0, machine.memoryTotalBytes - machine.memoryFreeBytes),
        diskFreeBytes: disk.freeBytes,
        diskTotalBytes: disk.totalBytes,
        supervisorRssBytes: own?.rssBytes ?? 0,
      }
    },
  }
}
