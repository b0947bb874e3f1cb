/**
 * Where records stand in the coordinator. Names of users become one path part each, whatever is in them.
 */

export const paths = {
  format: '/format',
  epoch: '/leader/epoch',
  candidates: '/leader/candidates',
  nimbuses: '/nimbuses',
  nimbus: (id: string) => `/nimbuses/${part(id)}`,
  supervisors: '/supervisors',
  supervisor: (node: string) => `/supervisors/${part(node)}`,
  nodes: '/nodes',
  node: (node: string) => `/nodes/${part(node)}`,
  names: '/names',
  name: (name: string) => `/names/${part(name)}`,
  topologies: '/topologies',
  topology: (id: string) => `/topologies/${part(id)}`,
  assignments: '/assignments',
  assignment: (id: string) => `/assignments/${part(id)}`,
  positions: '/positions',
  positionsOf: (id: string) => `/positions/${part(id)}`,
  componentPositions: (id: string, component: string) => `/positions/${part(id)}/${part(component)}`,
  position: (id: string, component: string, partition: string) =>
    `/positions/${part(id)}/${part(component)}/${part(partition)}`,
  submits: '/submits',
  submit: (key: string) => `/submits/${part(key)}`,
} as const

/** Nodes that the first daemon makes. */
export const trunk: readonly string[] = [
  '/leader',
  paths.candidates,
  paths.nimbuses,
  paths.supervisors,
  paths.nodes,
  paths.names,
  paths.topologies,
  paths.assignments,
  paths.positions,
  paths.submits,
]

/** A text as one part of a path; `partText` gives it back. */
export function part(text: string): string {
  // `.` and `..` are parts that ZooKeeper refuses; an empty part is none.
  if (text === '') return '%'
  return encodeURIComponent(text).replaceAll('.', '%2E').replaceAll('*', '%2A')
}

export function partText(found: string): string {
  if (found === '%') return ''
  try {
    return decodeURIComponent(found)
  } catch {
    // Not one of ours: shown as it stands.
    return found
  }
}
