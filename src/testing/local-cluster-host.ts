/**
 * The only file of this room that touches the real world: the host of a local cluster in real time, and fresh
 * seeds.
 */
import type { Host } from '../host/host.ts'
import { createNodeHost } from '../host/node-host.ts'

export function realHost(): Host {
  return createNodeHost()
}

/** A seed that was not used before, short enough to be typed. */
export function freshSeed(): number {
  return Math.floor(createNodeHost().random.next() * 1_000_000_000)
}
