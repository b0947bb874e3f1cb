/**
 * Restart positions in the coordinator: a node a partition, written under a check that the topology's
 * assignment has not changed since, so that a worker that was moved away cannot set back the one that came
 * after it.
 *
 * Bounds: a `multi` takes at most WRITES_AT_ONCE partitions of BYTES_AT_ONCE, READS_AT_ONCE reads wait at a
 * time.
 */
import { assertDefined } from '../base/assert.ts'
import { ConflictError, hasCode, isStreamError, type StreamError } from '../base/errors.ts'
import type { Coordinator, Operation } from '../coordinate/coordinator.ts'
import type { PositionTexts } from './board.ts'
import { partText, paths } from './paths.ts'
import { recordCodecs } from './record-codec.ts'

const WRITES_AT_ONCE = 100
const READS_AT_ONCE = 500
/** ZooKeeper takes 1 MB in a request: half of it. One record alone is always smaller. */
const BYTES_AT_ONCE = 512 * 1_024
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
    const components = await this.children(base)
    const lists = await Promise.all(components.map((each) => this.children(`${base}/${each}`)))
    const asked = components.flatMap((component, index) => {
      return (lists[index] ?? []).map((partition) => ({ component, partition }))
    })
    const texts: Record<string, Record<string, string>> = {}
    for (const component of components) texts[partText(component)] = {}
    for (const some of inPieces(asked, READS_AT_ONCE)) {
      const stored = await Promise.all(
        some.map((each) => this.readOne(`${base}/${each.component}/${each.partition}`)),
      )
      for (const [index, { component, partition }] of some.entries()) {
        const partitions = assertDefined(texts[partText(component)], 'every component was listed')
        partitions[partText(partition)] = stored[index] ?? ''
      }
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
    for (const some of inRequests(all)) await this.writeSome(check, some)
  }

  /**
   * At most `countMax` nodes of a topology, pieces of them on their way at once. Safe to repeat.
   * @returns how many went: fewer than `countMax` means that nothing is left
   */
  async remove(
    topologyId: string,
    countMax: number,
    write: (operations: readonly Operation[]) => Promise<unknown>,
  ): Promise<number> {
    const base = this.root + paths.positionsOf(topologyId)
    let left = countMax
    const remove = async (some: readonly string[]): Promise<void> => {
      left -= some.length
      await Promise.all(inPieces(some, WRITES_AT_ONCE).map((each) => this.removeSome(each, write)))
    }
    for (const component of await this.children(base)) {
      const partitions = await this.children(`${base}/${component}`)
      await remove(partitions.slice(0, left).map((each) => `${base}/${component}/${each}`))
      if (left === 0) return countMax
      await remove([`${base}/${component}`])
      if (left === 0) return countMax
    }
    await remove([base])
    return countMax - left
  }

  private async readOne(path: string): Promise<string> {
    const { data } = await this.coordinator.get(path)
    this.known.add(path)
    return recordCodecs.position.parse(path, data).stored
  }

  private async removeSome(
    some: readonly string[],
    write: (operations: readonly Operation[]) => Promise<unknown>,
  ): Promise<void> {
    for (const path of some) this.known.delete(path)
    try {
      await write(some.map((path): Operation => ({ kind: 'delete', path })))
    } catch (error) {
      if (!hasCode(error, 'RECORD_MISSING')) throw error
      // One of them is gone already, so none went: each by itself.
      if (some.length > 1) await Promise.all(some.map((path) => this.removeSome([path], write)))
    }
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
}

function inPieces<T>(all: readonly T[], countMax: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / countMax) }, (_, index) => {
    return all.slice(index * countMax, (index + 1) * countMax)
  })
}

function inRequests(all: readonly Written[]): readonly (readonly Written[])[] {
  const requests: Written[][] = []
  let sizeBytes = 0
  for (const each of all) {
    const last = requests.at(-1)
    const ownBytes = each.path.length + each.data.length
    sizeBytes += ownBytes
    if (last !== undefined && last.length < WRITES_AT_ONCE && sizeBytes <= BYTES_AT_ONCE) last.push(each)
    else {
      requests.push([each])
      sizeBytes = ownBytes
    }
  }
  return requests
}
