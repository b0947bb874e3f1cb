/** `typhoon cluster status | nodes | slots`. */
import type { ClusterStatus } from '../../../rpc/contract.ts'
import { printListing, printOne } from '../../cluster/print.ts'
import { openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import type { Shell } from '../../shell.ts'
import type { Cell } from '../../text-table.ts'

const GIB = 2 ** 30

/** Exit code 1: it has no leader, or no ZooKeeper. */
export async function clusterStatus(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  const found = await nimbus.call('cluster', [])
  const isGood = found.leader !== undefined && found.coordinator === 'connected'
  // `version` of a document is that of its form.
  const { version: typhoonVersion, ...rest } = found
  printOne(shell, invocation, { typhoonVersion, ...rest, isHealthy: isGood }, () => [
    `leader      ${found.leader ?? 'none'}`,
    `standbys    ${found.standbys.length === 0 ? 'none' : found.standbys.join(', ')}`,
    `ZooKeeper   ${zooKeeperText(shell, found)}`,
    `slots       ${found.slots.used} of ${found.slots.total} used`,
    `topologies  ${found.topologies}`,
    `version     ${found.version}`,
  ])
  return isGood ? ExitCode.OK : ExitCode.NEGATIVE
}

function zooKeeperText({ paint }: Shell, { coordinator, isCoordinatorInMemory }: ClusterStatus): string {
  if (coordinator === 'unavailable') return paint('red', coordinator)
  return isCoordinatorInMemory
    ? 'none, records are in memory until this cluster ends'
    : paint('green', coordinator)
}

export async function clusterNodes(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  printListing(shell, invocation, {
    name: 'nodes',
    rows: await nimbus.call('nodes', []),
    columns: [
      { title: 'NODE' },
      { title: 'STATE' },
      { title: 'SLOTS', align: 'right' },
      { title: 'CPU', align: 'right' },
      { title: 'MEMORY', align: 'right' },
      { title: 'AT RISK' },
    ],
    cells: ({ node, state, slots, cpu, memory, atRisk }): readonly Cell[] => [
      node,
      { text: state, style: state === 'up' ? 'green' : state === 'silent' ? 'red' : 'yellow' },
      `${slots.used}/${slots.total}`,
      `${cpu.used.toFixed(1)}/${cpu.total}`,
      `${(memory.usedBytes / GIB).toFixed(1)}/${(memory.totalBytes / GIB).toFixed(1)} GiB`,
      atRisk.join('; '),
    ],
    empty: 'no supervisor has announced itself; typhoon supervisor starts one',
  })
  return ExitCode.OK
}

export async function clusterSlots(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  printListing(shell, invocation, {
    name: 'slots',
    rows: await nimbus.call('slots', []),
    columns: [
      { title: 'NODE' },
      { title: 'PORT', align: 'right' },
      { title: 'PHASE' },
      { title: 'TOPOLOGY' },
      { title: 'WORKER', align: 'right' },
    ],
    cells: ({ node, port, phase, topology, worker }): readonly Cell[] => [
      node,
      String(port),
      phase === 'running' ? { text: phase, style: 'green' } : phase,
      topology ?? '–',
      worker === undefined ? '–' : String(worker),
    ],
    empty: 'no node has slots',
  })
  return ExitCode.OK
}
