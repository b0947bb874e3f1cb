// What every coordinator promises, whichever it is: one test or more for each sentence of its contract
// (src/coordinate/coordinator.ts) that can be looked at from outside. Bodies run inside `within`, which lets
// the world turn while they wait: for a real server that is nothing, a virtual world has to be run.
//
// `makeWorld` is called before each test. A world on a real server gives each test a root (chroot) of its own
// that exists, so that tests do not see each other's nodes.
import { afterEach, beforeEach, describe, test } from 'vitest'
import { multiBad, multiGood, multiUndone } from './coordinator-multis.ts'
import {
  creating,
  namesOfChildren,
  orderOfCalls,
  paths,
  sequences,
  sizes,
  versions,
} from './coordinator-nodes.ts'
import {
  accessLists,
  chroots,
  connectionLost,
  credentials,
  ephemerals,
  lives,
  sessionsOver,
  swept,
} from './coordinator-sessions.ts'
import { nodeWatches, onceWatches, orderOfEvents, treeWatches } from './coordinator-watches.ts'
import type { CoordinatorWorld, Inside } from './coordinator-world.ts'

export interface CoordinatorContractOptions {
  /** Within so much time containers and nodes with a lifetime go. Left out: not tested, it is slow. */
  readonly sweptWithinMs?: number
  /** The world has `faults`. */
  readonly hasFaults?: boolean
}

export function coordinatorContract(
  name: string,
  makeWorld: () => Promise<CoordinatorWorld>,
  options: CoordinatorContractOptions = {},
): void {
  describe(name, () => {
    let world: CoordinatorWorld
    beforeEach(async () => {
      world = await makeWorld()
    })
    afterEach(() => world.close())
    const inside: Inside = (title, body) => test(title, () => world.within(() => body(world)))

    creating(inside)
    sequences(inside)
    versions(inside)
    orderOfCalls(inside)
    namesOfChildren(inside)
    paths(inside)
    sizes(inside)
    multiGood(inside)
    multiBad(inside)
    multiUndone(inside)
    ephemerals(inside)
    nodeWatches(inside)
    treeWatches(inside)
    onceWatches(inside)
    orderOfEvents(inside)
    accessLists(inside)
    credentials(inside)
    lives(inside)
    chroots(inside)
    if (options.sweptWithinMs !== undefined) swept(inside, options.sweptWithinMs)
    if (options.hasFaults === true) {
      connectionLost(inside)
      sessionsOver(inside)
    }
  })
}
