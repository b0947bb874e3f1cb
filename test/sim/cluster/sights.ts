/**
 * What a cluster is seen to do while it is checked: states that a set of seeds must have reached, or it has
 * tested less than its faults promise. Reads the tree and the daemons, changes nothing.
 */
import type { SimCluster } from '../../../src/testing/cluster/sim-cluster.ts'

type See = (what: string) => void
type Fields = Readonly<Record<string, unknown>>

/** Not all of them in each look: each is seen whenever it stands there. */
export function lookAround(cluster: SimCluster, see: See): void {
  for (const record of recordsIn(cluster, 'topologies')) {
    see(`phase ${String(record['phase'])}`)
    if (typeof record['quarantine'] === 'string') see('quarantine')
  }
  for (const record of recordsIn(cluster, 'assignments')) {
    see(`run ${String(record['run'])}`)
    if (Number(record['layout']) > 1) see('new layout')
    if (lengthOf(record['dump']) > 0) see('state written out')
    if (lengthOf(record['state']) > 0) see('state moved')
    if (lengthOf(record['unplaced']) > 0) see('unplaced')
  }
  for (const record of recordsIn(cluster, 'nodes')) {
    if (record['isDraining'] === true) see('node draining')
    if (typeof record['blacklistedUntil'] === 'number') see('blacklisted')
  }
  const epoch = recordAt(cluster, '/typhoon/leader/epoch')
  if (Number(epoch?.['epoch']) > 1) see('leader changed')
  if (cluster.leader === undefined) see('nobody leads')
}

function recordsIn(cluster: SimCluster, part: string): readonly Fields[] {
  const base = `/typhoon/${part}`
  return cluster.ensemble.peekChildren(base).flatMap((id): Fields[] => {
    const record = recordAt(cluster, `${base}/${id}`)
    return record === undefined ? [] : [record]
  })
}

function recordAt(cluster: SimCluster, path: string): Fields | undefined {
  const node = cluster.ensemble.peek(path)
  if (node === undefined || node.data.length === 0) return undefined
  return JSON.parse(new TextDecoder().decode(node.data)) as Fields
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0
}
