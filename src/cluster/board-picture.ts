/**
 * The parts of the board as maps, kept by board-mirror.ts. Pure: bytes in, records out.
 *
 * Invariant: what was read later wins. The coordinator answers in the order of calls, so it is the newer one,
 * also where a node was deleted and made again and its version begins anew.
 */
import { hasCode } from '../base/errors.ts'
import { parseEpoch } from '../coordinate/recipes/epoch.ts'
import type { BoardPart, BoardView } from './board.ts'
import { epochRecordOf } from './epoch-text.ts'
import { paths } from './paths.ts'
import { recordCodecs } from './record-codec.ts'
import type {
  AssignmentRecord,
  EpochRecord,
  NimbusRecord,
  NodeRecord,
  SupervisorRecord,
  TopologyRecord,
} from './records.ts'
import type { Versioned } from './versioned.ts'

export const partRoots: Readonly<Record<BoardPart, string>> = {
  epoch: paths.epoch,
  topologies: paths.topologies,
  assignments: paths.assignments,
  supervisors: paths.supervisors,
  nodes: paths.nodes,
  nimbuses: paths.nimbuses,
  names: paths.names,
}

/** One node, or all below. */
export function partWatch(part: BoardPart): 'node' | 'tree' {
  return part === 'epoch' ? 'node' : 'tree'
}

/** A node as it was read. */
export interface FoundNode {
  readonly path: string
  readonly data: Uint8Array
  readonly version: number
}

export class BoardPicture implements BoardView {
  epoch: Versioned<EpochRecord> | undefined = undefined
  readonly topologies = new Map<string, Versioned<TopologyRecord>>()
  readonly assignments = new Map<string, Versioned<AssignmentRecord>>()
  readonly supervisors = new Map<string, SupervisorRecord>()
  readonly nodes = new Map<string, Versioned<NodeRecord>>()
  readonly nimbuses = new Map<string, NimbusRecord>()
  readonly names = new Map<string, string>()
  readonly malformed = new Map<string, string>()
  private readonly malformedIds = new Map<string, string>()

  /** Of all that was found there, also of what could not be read. */
  idsOf(part: BoardPart): readonly string[] {
    if (part === 'epoch') return []
    const refused = [...this.malformedIds.keys()].filter((each) => each.startsWith(`${part}/`))
    return [...this[part].keys(), ...refused.map((each) => each.slice(part.length + 1))]
  }

  /** True if the picture has changed. */
  put(part: BoardPart, id: string, found: FoundNode | undefined): boolean {
    const wasRefused = this.forget(part, id)
    if (found === undefined) return this.remove(part, id) || wasRefused
    try {
      return this.take(part, id, found)
    } catch (error) {
      if (!hasCode(error, 'RECORD_MALFORMED') || !(error instanceof Error)) throw error
      this.refuse(part, id, found.path, error.message)
      return true
    }
  }

  /** Names a node that holds what no daemon wrote, or may not be read. What was known of it stays. */
  refuse(part: BoardPart, id: string, path: string, why: string): void {
    this.malformed.set(path, why)
    this.malformedIds.set(`${part}/${id}`, path)
  }

  private take(part: BoardPart, id: string, { path, data, version }: FoundNode): boolean {
    switch (part) {
      case 'epoch': {
        const { epoch, leader } = parseEpoch(path, data)
        const record = epochRecordOf(epoch, leader)
        this.epoch = record === undefined ? undefined : { record, version }
        return record !== undefined
      }
      case 'topologies':
        this.topologies.set(id, { record: recordCodecs.topology.parse(path, data), version })
        return true
      case 'assignments':
        this.assignments.set(id, { record: recordCodecs.assignment.parse(path, data), version })
        return true
      case 'nodes':
        this.nodes.set(id, { record: recordCodecs.node.parse(path, data), version })
        return true
      case 'supervisors':
        this.supervisors.set(id, recordCodecs.supervisor.parse(path, data))
        return true
      case 'nimbuses':
        this.nimbuses.set(id, recordCodecs.nimbus.parse(path, data))
        return true
      case 'names':
        this.names.set(id, new TextDecoder().decode(data))
        return true
    }
  }

  private remove(part: BoardPart, id: string): boolean {
    if (part !== 'epoch') return this[part].delete(id)
    const wasThere = this.epoch !== undefined
    this.epoch = undefined
    return wasThere
  }

  /** What was refused of it before counts no more. True if something was. */
  forget(part: BoardPart, id: string): boolean {
    const path = this.malformedIds.get(`${part}/${id}`)
    if (path === undefined) return false
    this.malformedIds.delete(`${part}/${id}`)
    return this.malformed.delete(path)
  }
}
