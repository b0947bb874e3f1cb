/** Turns of Node's real event loop, for the virtual world: it lives inside one. */

// Taken once, so that fake timers of a test framework do not stop the world.
const nextTick = process.nextTick
const nextImmediate = setImmediate
const realPerformance = performance

/**
 * Resolves when all promise reactions that can run have run, however long their chains are: Node turns to its
 * ticks when its queue of reactions is empty.
 */
export function reactionsDone(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve))
}

/** Lets the real event loop turn once: timers, sockets, files. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => nextImmediate(resolve))
}

/** Real, monotonic, milliseconds. */
export function realMs(): number {
  return realPerformance.now()
}
