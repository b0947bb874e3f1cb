/**
 * Even placement: executors over workers so that every worker gets the same number of each component, as far
 * as it goes.
 *
 * Pure. Executors of a component go to workers in turn, and the next component goes on where the last one
 * ended; so the counts of two workers differ by one at most, in total and for each component.
 */
import type { ExecutorPlan } from '../topology/expand.ts'

/** Worker (from 1) of each executor; the executor `n` is at `n - 1`. */
export type Placement = readonly number[]

export function placeEvenly(executors: readonly ExecutorPlan[], workerCount: number): Placement {
  return executors.map((_, index) => (index % workerCount) + 1)
}
