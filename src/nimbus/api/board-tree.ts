/**
 * The board as a tree to look at: what `zk ls` and `zk get` show. Pure, from the view; secrets are masked,
 * and what is not in the view (candidates, submit keys) is not shown.
 */
import { UsageError } from '../../base/errors.ts'
import type { BoardView } from '../../cluster/board.ts'
import { part, partText } from '../../cluster/paths.ts'
import type { AssignmentRecord } from '../../cluster/records.ts'
import type { Json } from '../../topology/describe/document.ts'

const PATH_CHARACTERS_MAX = 2_000
const MASKED = '***'

const folders = ['assignments', 'names', 'nimbuses', 'nodes', 'supervisors', 'topologies'] as const
type Folder = (typeof folders)[number]

/** @throws UsageError RECORD_MISSING, REQUEST_INVALID */
export function boardList(view: BoardView, path: string): readonly string[] {
  const parts = partsOf(path)
  const [first, second, ...rest] = parts
  if (first === undefined) return ['leader', ...folders].sort()
  if (first === 'leader' && second === undefined) return view.epoch === undefined ? [] : ['epoch']
  if (second === undefined && isFolder(first)) return [...view[first].keys()].map(part).sort()
  if (rest.length === 0 && second !== undefined && record(view, first, second) !== undefined) return []
  throw missing(path)
}

/** @throws UsageError RECORD_MISSING, REQUEST_INVALID */
export function boardRead(view: BoardView, path: string): Json {
  const [first, second, ...rest] = partsOf(path)
  if (first === undefined || second === undefined || rest.length > 0) {
    return { children: boardList(view, path).length }
  }
  const found = record(view, first, second)
  if (found !== undefined) return plain(found)
  const malformed = [...view.malformed].find(([each]) => each.endsWith(path))
  if (malformed !== undefined) return { malformed: malformed[1] }
  throw missing(path)
}

function record(view: BoardView, folder: string, name: string): unknown {
  if (folder === 'leader') return name === 'epoch' ? view.epoch : undefined
  const id = partText(name)
  switch (folder) {
    case 'assignments': {
      const found = view.assignments.get(id)
      return found && { version: found.version, record: masked(found.record) }
    }
    case 'supervisors': {
      const found = view.supervisors.get(id)
      // Who knows it could pretend to be that supervisor.
      return found && { ...found, owner: MASKED }
    }
    case 'topologies':
      return view.topologies.get(id)
    case 'nodes':
      return view.nodes.get(id)
    case 'nimbuses':
      return view.nimbuses.get(id)
    case 'names':
      return view.names.get(id)
    default:
      return undefined
  }
}

function masked(assignment: AssignmentRecord): AssignmentRecord {
  return { ...assignment, token: MASKED }
}

/** Through JSON: members that are undefined are left out, as they are in the record. */
function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}

function isFolder(text: string): text is Folder {
  return folders.some((each) => each === text)
}

function partsOf(path: string): readonly string[] {
  if (!path.startsWith('/') || path.length > PATH_CHARACTERS_MAX || path.includes('\0'))
    throw new UsageError('REQUEST_INVALID', "a path of the board begins with '/'", { field: 'path' })
  return path.split('/').filter((each) => each !== '')
}

function missing(path: string): UsageError {
  return new UsageError('RECORD_MISSING', `the board has nothing at ${path.slice(0, 200)}`, {})
}
