/** Boards on one memory ensemble, in virtual time. */
import { silentLogger } from '../../src/base/log.ts'
import type { BoardPart } from '../../src/cluster/board.ts'
import { ClusterBoard } from '../../src/cluster/cluster-board.ts'
import { MemoryEnsemble } from '../../src/coordinate/memory/memory-ensemble.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'

export const SESSION_MS = 6_000
const ALL: readonly BoardPart[] = [
  'epoch',
  'topologies',
  'assignments',
  'supervisors',
  'nodes',
  'nimbuses',
  'names',
]

export class BoardWorld {
  readonly world: VirtualWorld
  readonly ensemble: MemoryEnsemble
  /** Whose coordinators were made, one for each session that was begun. */
  readonly begun: string[] = []

  constructor(seed = 1) {
    this.world = new VirtualWorld({ seed, startAtMs: 1_000_000 })
    this.ensemble = new MemoryEnsemble({
      host: this.world.host('zk'),
      serverCount: 3,
      faults: { delayMsMin: 0.2, delayMsMax: 2 },
    })
  }

  /** A board of a program on a machine of its own, not opened yet. */
  board(name: string, root = '/typhoon', parts = ALL): ClusterBoard {
    const host = this.world.host(name)
    return new ClusterBoard({
      host,
      log: silentLogger,
      root,
      parts,
      makeCoordinator: () => {
        this.begun.push(name)
        return this.ensemble.connect({ host, name, sessionTimeoutMs: SESSION_MS })
      },
    })
  }

  async opened(name: string, root?: string): Promise<ClusterBoard> {
    const board = this.board(name, root)
    await this.drive(board.open(10_000))
    return board
  }

  /** Runs the world until the work is settled. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    work.then(over, over)
    await this.world.run({ while: () => !isOver, untilMs: this.world.nowMs + 300_000 })
    return await work
  }

  /** Runs the world until it is so, for a virtual minute at most. */
  async until(isSo: () => boolean, what = 'it'): Promise<void> {
    await this.world.run({ while: () => !isSo(), untilMs: this.world.nowMs + 60_000 })
    if (!isSo()) throw new Error(`${what} has not come`)
  }

  async pass(forMs: number): Promise<void> {
    await this.world.run({ untilMs: this.world.nowMs + forMs })
  }
}
