/**
 * Restart positions in the coordinator: a node a partition, written under a check that the topology's
 * assignment has not changed since, so that a worker that was moved away cannot set back the one that came
 * after it.
 *
 * Bounds: a `multi` takes at most WRITES_AT_ONCE partitions.
 */
import { ConflictError, hasCode, isStreamError, type StreamError } from '../base/errors.ts'
import type { Coordinator, Operation } from '../coordinate/coordinator.ts'
import type { PositionTexts } from './board.ts'
import { partText, paths } from './paths.ts'
import { recordCodecs } from './record-codec.ts'

const WRITES_AT_ONCE = 100
/** Nodes that are missing or there against our belief, within one call: each is learnt once. */
const SURPRISES_MAX = 3 * WRITES_AT_ONCE

interface Written {
  readonly path: string
  readonly parent: string
  readonly data: Uint8Array
}

export class PositionShelf {
  private readonly coordinator: Coordinator
  private readonly root: string
  /** Nodes that are known to be there. Only to guess right the first time. */
  private readonly known = new Set<string>()

  constructor(coordinator: Coordinator, root: string) {
    this.coordinator = coordinator
    this.root = root
  }

  /** As they stand now: a server that lags would set a source back further than it must be. */
  async read(topologyId: string): Promise<PositionTexts> {
    await this.coordinator.sync(this.root)
    const base = this.root + paths.positionsOf(topologyId)
    const texts: Record<string, Record<string, string>> = {}
    for (const component of await this.children(base)) {
      const partitions: Record<string, string> = {}
      for (const partition of await this.children(`${base}/${component}`)) {
        const path = `${base}/${component}/${partition}`
        const { data } = await this.coordinator.get(path)
        partitions[partText(partition)] = recordCodecs.position.parse(path, data).stored
        this.known.add(path)
      }
      texts[partText(component)] = partitions
    }
    return texts
  }

  /** @throws ConflictError RECORD_CHANGED the assignment has changed, or is gone */
  async write(
    topologyId: string,
    assignmentVersion: number,
    positions: PositionTexts,
    incarnation: number,
  ): Promise<void> {
    const all: Written[] = []
    for (const [component, partitions] of Object.entries(positions)) {
      for (const [partition, stored] of Object.entries(partitions)) {
        const path = this.root + paths.position(topologyId, component, partition)
        const parent = this.root + paths.componentPositions(topologyId, component)
        all.push({ path, parent, data: recordCodecs.position.encode(path, { stored, incarnation }) })
      }
    }
    const check: Operation = {
      kind: 'check',
      path: this.root + paths.assignment(topologyId),
      version: assignmentVersion,
    }
    for (let at = 0; at < all.length; at += WRITES_AT_ONCE) {
      await this.writeSome(check, all.slice(at, at + WRITES_AT_ONCE))
    }
  }

  /** Everything of a topology. Safe to repeat. */
  async remove(topologyId: string): Promise<void> {
    const base = this.root + paths.positionsOf(topologyId)
    for (const component of await this.children(base)) {
      for (const partition of await this.children(`${base}/${component}`)) {
        await this.drop(`${base}/${component}/${partition}`)
      }
      await this.drop(`${base}/${component}`)
    }
    await this.drop(base)
  }

  private async writeSome(check: Operation, some: readonly Written[]): Promise<void> {
    for (let surprises = 0; ; surprises += 1) {
      const writes = some.map(({ path, data }): Operation => {
        return this.known.has(path) ? { kind: 'set', path, data } : { kind: 'create', path, data }
      })
      try {
        await this.coordinator.multi([check, ...writes])
        for (const { path } of some) this.known.add(path)
        return
      } catch (error) {
        if (!isStreamError(error) || surprises >= SURPRISES_MAX) throw error
        await this.learn(error, some)
      }
    }
  }

  /** What our belief of the tree got wrong. Throws on if it is not that. */
  private async learn(error: StreamError, some: readonly Written[]): Promise<void> {
    const index = error.details['index']
    if (index === 0 && (error.code === 'RECORD_CHANGED' || error.code === 'RECORD_MISSING')) {
      throw new ConflictError('RECORD_CHANGED', 'the assignment has changed, positions are not written', {})
    }
    const write = typeof index === 'number' ? some[index - 1] : undefined
    if (write === undefined) throw error
    if (error.code === 'RECORD_EXISTS') this.known.add(write.path)
    else if (error.code === 'RECORD_MISSING' && this.known.delete(write.path)) return
    else if (error.code === 'RECORD_MISSING') await this.makeParents(write.parent)
    else throw error
  }

  private async makeParents(parent: string): Promise<void> {
    for (const path of [parent.slice(0, parent.lastIndexOf('/')), parent]) {
      try {
        await this.coordinator.create(path, new Uint8Array(0))
      } catch (error) {
        if (!hasCode(error, 'RECORD_EXISTS')) throw error
      }
    }
  }

  private async children(path: string): Promise<readonly string[]> {
    try {
      return await this.coordinator.children(path)
    } catch (error) {
      if (hasCode(error, 'RECORD_MISSING')) return []
      throw error
    }
  }

  private async drop(path: string): Promise<void> {
    this.known.delete(path)
    try {
      await this.coordinator.delete(path)
    } catch (error) {
      if (!hasCode(error, 'RECORD_MISSING')) throw error
    }
  }
}
