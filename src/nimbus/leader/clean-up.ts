/**
 * What is left over on the board, and what is deleted of it. Pure.
 *
 * Invariants
 *   C1  nothing is deleted that a record that cannot be read may still name
 *   C2  nothing is deleted at first sight: it was left over in the round before, too
 *   C3  a round deletes a bounded number
 */
import type { BoardView, BoardWrite } from '../../cluster/board.ts'
import { paths } from '../../cluster/paths.ts'
import { isMalformed } from './facts.ts'

const DELETES_MAX = 50
/** A node that was released is remembered for so long: what it did before does not count again. */
const RELEASED_KEPT_MS = 3_600_000

export interface LeftOver {
  /** `assignment words-1`: the same thing has the same key in the next round. */
  readonly key: string
  readonly writes: readonly BoardWrite[]
  readonly positionsOf?: string
}

export interface CleanUpSeen {
  readonly view: BoardView
  /** Topologies that have positions. */
  readonly positionIds: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
  /** Keys of what was left over in the round before. */
  readonly before: ReadonlySet<string>
}

export interface CleanUp {
  readonly due: readonly LeftOver[]
  /** Keys for the next round. */
  readonly seen: ReadonlySet<string>
}

export function decideCleanUp(facts: CleanUpSeen): CleanUp {
  const all = [...leftAssignments(facts), ...leftNames(facts), ...leftPositions(facts), ...idleNodes(facts)]
  return {
    due: all.filter(({ key }) => facts.before.has(key)).slice(0, DELETES_MAX),
    seen: new Set(all.map(({ key }) => key)),
  }
}

function mayBeThere(view: BoardView, id: string): boolean {
  return view.topologies.has(id) || isMalformed(view, paths.topology(id))
}

function leftAssignments({ view }: CleanUpSeen): readonly LeftOver[] {
  return [...view.assignments].flatMap(([id, { version }]): LeftOver[] => {
    if (mayBeThere(view, id) || isMalformed(view, paths.assignment(id))) return []
    return [{ key: `assignment ${id}`, writes: [{ kind: 'delete-assignment', id, version }] }]
  })
}

function leftNames({ view }: CleanUpSeen): readonly LeftOver[] {
  return [...view.names].flatMap(([name, id]): LeftOver[] => {
    if (mayBeThere(view, id) || isMalformed(view, paths.name(name))) return []
    return [{ key: `name ${name} ${id}`, writes: [{ kind: 'free-name', name }] }]
  })
}

/** Only once nothing runs of it: its assignment goes first, and supervisors write under a check of that. */
function leftPositions({ view, positionIds }: CleanUpSeen): readonly LeftOver[] {
  return positionIds.flatMap((id): LeftOver[] => {
    const isNamed =
      mayBeThere(view, id) || view.assignments.has(id) || isMalformed(view, paths.assignment(id))
    return isNamed ? [] : [{ key: `positions ${id}`, writes: [], positionsOf: id }]
  })
}

/** A decision about a node that says nothing any more. */
function idleNodes({ view, now }: CleanUpSeen): readonly LeftOver[] {
  return [...view.nodes].flatMap(([node, { record, version }]): LeftOver[] => {
    if (record.isDraining || (record.blacklistedUntil ?? 0) + RELEASED_KEPT_MS > now) return []
    if (isMalformed(view, paths.node(node))) return []
    return [{ key: `node ${node}`, writes: [{ kind: 'delete-node', node, version }] }]
  })
}
