/** What executors ask of a node, together and at least. */
import type { Draft } from './draft.ts'

export interface Demand {
  readonly cpuPercent: number
  readonly memoryBytes: number
}

/** All of them at once. */
export function demandOf(draft: Draft, executors: readonly number[]): Demand {
  let cpuPercent = 0
  let memoryBytes = 0
  for (const number of executors) {
    const executor = draft.executor(number)
    cpuPercent += executor.cpuPercent
    memoryBytes += executor.memoryBytes
  }
  return { cpuPercent, memoryBytes }
}

/** The least CPU and the least memory that any of them asks for: below that a node is of no use. */
export function leastOf(draft: Draft, executors: readonly number[]): Demand {
  let cpuPercent = Number.POSITIVE_INFINITY
  let memoryBytes = Number.POSITIVE_INFINITY
  for (const number of executors) {
    const executor = draft.executor(number)
    cpuPercent = Math.min(cpuPercent, executor.cpuPercent)
    memoryBytes = Math.min(memoryBytes, executor.memoryBytes)
  }
  return { cpuPercent, memoryBytes }
}

/** Executors of each component among them. */
export function countsOf(draft: Draft, executors: readonly number[]): readonly number[] {
  const counts = new Array<number>(draft.components.length).fill(0)
  for (const executor of executors) {
    const component = draft.component(executor)
    counts[component] = (counts[component] ?? 0) + 1
  }
  return counts
}
