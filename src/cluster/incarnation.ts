/**
 * Incarnation of a worker: one number that grows with every start of it, wherever it runs, so that peers can
 * tell the living from the left-over. The leader counts moves (`generation`), the supervisor counts restarts
 * within one; neither has to ask the other, or ZooKeeper, before a restart.
 *
 *   incarnation = generation × 2^14 + restart        a u32 on the wire: 262,143 moves of 16,383 restarts
 *
 * A supervisor that has lost its count (a wiped disk) begins again at 0 and is refused by peers as old: it
 * then goes on from what they name. When restarts run out the leader gives a new generation.
 */
import { assert } from '../base/assert.ts'

export const RESTARTS_MAX = 2 ** 14 - 1
export const GENERATIONS_MAX = 2 ** 18 - 1

export function incarnationOf(generation: number, restart: number): number {
  assert(generation > 0 && generation <= GENERATIONS_MAX, 'a generation is from 1 on')
  assert(restart >= 0 && restart <= RESTARTS_MAX, 'restarts are counted within their bound')
  return generation * (RESTARTS_MAX + 1) + restart
}

export function generationOf(incarnation: number): number {
  return Math.floor(incarnation / (RESTARTS_MAX + 1))
}

export function restartOf(incarnation: number): number {
  return incarnation % (RESTARTS_MAX + 1)
}
