/** What this process says of its memory, its CPU and its loop. Each reading begins anew. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** How exact delays are. Coarse: an idle worker shall cost next to nothing. */
const RESOLUTION_MS = 50
const NS_PER_MS = 1e6

export interface NodeProbe {
  read(): {
    readonly rssBytes: number
    readonly heapUsedBytes: number
    readonly heapLimitBytes: number
    readonly cpuMs: number
    readonly loopDelayMs: number
    readonly loopUtilisation: number
  }
}

export function createNodeWorkerProbe(): NodeProbe {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  let before = performance.eventLoopUtilization()
  return {
    read() {
      const { used_heap_size, heap_size_limit } = getHeapStatistics()
      const { user, system } = process.cpuUsage()
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, before)
      before = now
      // It measures how far apart its looks are, not how late.
      const delayMs = delays.count === 0 ? 0 : delays.max / NS_PER_MS - RESOLUTION_MS
      delays.reset()
      return {
        rssBytes: process.memoryUsage.rss(),
        heapUsedBytes: used_heap_size,
        heapLimitBytes: heap_size_limit,
        cpuMs: (user + system) / 1_000,
        loopDelayMs: Math.max(0, delayMs),
        loopUtilisation: utilization,
      }
    },
  }
}
