/**
 * The layout of a topology: which tasks each executor has. All workers must agree on it, since tuples are
 * addressed by task numbers; its digest is how they see that they do.
 */
import { hashText } from '../base/hash.ts'
import type { ExpandedTopology } from '../topology/expand.ts'
import type { AssignmentRecord } from './records.ts'

/** Components, executors and tasks as one text: equal layouts, equal texts. */
export function layoutText({ executors }: ExpandedTopology): string {
  const lines: string[] = []
  let component = ''
  let counts: number[] = []
  for (const { componentId, tasks } of executors) {
    if (componentId !== component) {
      if (counts.length > 0) lines.push(`${component}=${counts.join(',')}`)
      component = componentId
      counts = []
    }
    counts.push(tasks.length)
  }
  if (counts.length > 0) lines.push(`${component}=${counts.join(',')}`)
  return lines.join('\n')
}

/** Who runs which executors, as assigned: the same text for the same workers, wherever those are. */
export function placementText({ workers }: Pick<AssignmentRecord, 'workers'>): string {
  return [...workers]
    .sort((one, other) => one.worker - other.worker)
    .map(({ worker, executors }) => `${worker}:${executors}`)
    .join(';')
}

/** Of placementText, for heartbeats. */
export function placementTextDigest(text: string): string {
  return `${text.length}-${(hashText(text) >>> 0).toString(16)}`
}

/** Who runs which executors, worker by executor: equal placements, equal digests. */
export function placementDigest(placement: readonly number[]): string {
  return `${placement.length}-${(hashText(placement.join(',')) >>> 0).toString(16)}`
}

export function layoutDigest(expanded: ExpandedTopology): string {
  return `${expanded.executors.length}-${(hashText(layoutText(expanded)) >>> 0).toString(16)}`
}
