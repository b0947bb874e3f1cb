// Records of a small board, and who stands for its leader.
import type { Leadership } from '../../src/cluster/board.ts'
import type { ClusterBoard } from '../../src/cluster/cluster-board.ts'
import type { AssignmentRecord, SupervisorRecord, TopologyRecord } from '../../src/cluster/records.ts'
import type { BoardWorld } from './board-world.ts'

const blob = { digest: 'a'.repeat(64), sizeBytes: 1 }

export function topology(id: string, more: Partial<TopologyRecord> = {}): TopologyRecord {
  return {
    id,
    name: id,
    version: 1,
    phase: 'active',
    phaseAfter: undefined,
    phaseDeadline: undefined,
    submittedAt: 0,
    idempotencyKey: undefined,
    bundle: blob,
    outline: blob,
    args: null,
    config: {},
    parallelism: {},
    workers: undefined,
    scheduler: undefined,
    wanted: undefined,
    quarantine: undefined,
    ...more,
  }
}

export function assignment(topologyId: string, epoch: number): AssignmentRecord {
  return {
    topologyId,
    epoch,
    layout: 1,
    layoutDigest: '1-0',
    run: 'active',
    token: 't',
    workers: [],
    dump: '',
    state: [],
    unplaced: [],
  }
}

export function supervisor(node: string, owner: string): SupervisorRecord {
  return {
    node,
    host: node,
    address: `${node}:1`,
    ports: [6700],
    cpuPercent: 400,
    memoryBytes: 1,
    version: '0',
    owner,
  }
}

/** Stands for leader; tells what became of it. */
export function candidate(board: ClusterBoard, nimbus: string) {
  const seen = { leaderships: [] as Leadership[], standbys: [] as string[] }
  const campaign = board.campaign({
    nimbus,
    address: `${nimbus}:6627`,
    onLeader: (leadership) => seen.leaderships.push(leadership),
    onStandby: (why) => seen.standbys.push(why),
  })
  return { ...seen, stop: () => campaign.stop() }
}

export async function leaderOf(world: BoardWorld, board: ClusterBoard, nimbus: string): Promise<Leadership> {
  const seen = candidate(board, nimbus)
  await world.until(() => seen.leaderships.length > 0, 'a leadership')
  const [leadership] = seen.leaderships
  if (leadership === undefined) throw new Error('waited for it')
  return leadership
}
