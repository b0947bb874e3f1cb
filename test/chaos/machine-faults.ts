/** Faults of machines: ways between them that are cut, disks that are full. */
import { setTimeout as passed } from 'node:timers/promises'
import type { Machine, Machines } from '../servers/namespaces.ts'
import type { Daemon } from './daemon.ts'
import { tryKill } from './daemon.ts'
import { busy, busyPair, type FaultContext, leaderOf, machineOf, nothing, type RealFault } from './fault.ts'
import type { RealCluster } from './real-cluster.ts'

const CUT_SECONDS = 12
const FULL_SECONDS = 5
/** Up to 15 s each. */
const TRIALS_MAX = 6

export const machineFaults: readonly RealFault[] = [
  {
    name: 'cut-node',
    what: `one node cut off from all others (--seconds, ${CUT_SECONDS} by default): its tasks run elsewhere`,
    restarts: true,
    needsMachines: true,
    trialsMax: TRIALS_MAX,
    async strike(context) {
      const { machines, cluster } = withMachines(context)
      const machine = machineOf(cluster, busy(context))
      machines.cut(machine)
      await lasts(context, () => !anyReaches(cluster, machines, machine))
      machines.join(machine)
      return nothing
    },
  },
  {
    name: 'cut-pair',
    what: `two nodes cut off from each other (--seconds, ${CUT_SECONDS} by default)`,
    restarts: false,
    needsMachines: true,
    trialsMax: TRIALS_MAX,
    strike: (context) => cutBetween(context, 'both ways'),
  },
  {
    name: 'cut-direction',
    what: `what one node sends to another vanishes, not the way back (--seconds, ${CUT_SECONDS} by default)`,
    restarts: false,
    needsMachines: true,
    trialsMax: TRIALS_MAX,
    strike: (context) => cutBetween(context, 'one way'),
  },
  {
    name: 'disk-full',
    what:
      `the disk of a supervisor full (--seconds, ${FULL_SECONDS} by default), and a worker there killed: ` +
      'it is back when there is space',
    restarts: true,
    needsMachines: true,
    trialsMax: TRIALS_MAX,
    async strike(context) {
      const { cluster, seconds = FULL_SECONDS } = context
      const daemon = busy(context)
      const disk = cluster.place.disk(daemon.spec.name)
      const saidBefore = daemon.wholeLog().length
      disk.fill()
      for (const { pid } of daemon.seatedPids().slice(0, 1)) tryKill(pid, 'SIGKILL')
      await passed(seconds * 1_000)
      const said = daemon.wholeLog().slice(saidBefore)
      disk.free()
      if (!daemon.isAlive) throw new Error(`a supervisor ended because its disk is full:\n${said}`)
      if (!/DISK_FULL|no room left/.test(said)) throw new Error(`nothing was said of a full disk:\n${said}`)
      return nothing
    },
  },
  {
    name: 'disk-full-nimbus',
    what:
      'the disk of the leading Nimbus full: a submit is refused with the reason, ' +
      'and accepted when there is space',
    restarts: false,
    needsMachines: true,
    trialsMax: TRIALS_MAX,
    async strike({ cluster }) {
      const daemon = await leaderOf(cluster)
      const disk = cluster.place.disk(daemon.spec.name)
      disk.fill()
      const name = `full-${Date.now()}`
      const refused = await cluster.submitSmall(name)
      disk.free()
      if (refused.code === 0 || !refused.err.includes('DISK_FULL'))
        throw new Error(`a submit on a full disk ended with ${refused.code}: ${refused.err}`)
      const { code, err } = await cluster.submitSmall(name)
      if (code !== 0) throw new Error(`a submit after a full disk ended with ${code}: ${err}`)
      await cluster.command('kill', name, '-y', '-w', '0s')
      return nothing
    },
  },
]

function withMachines({ cluster }: FaultContext): {
  readonly cluster: RealCluster
  readonly machines: Machines
} {
  const { machines } = cluster.place
  if (machines === undefined) throw new Error('the nodes have no machines of their own')
  return { cluster, machines }
}

async function cutBetween(context: FaultContext, which: 'one way' | 'both ways') {
  const { machines, cluster } = withMachines(context)
  const pair = busyPair(context)
  const [from, to] = pair.map((daemon) => machineOf(cluster, daemon)) as [Machine, Machine]
  machines.drop(from, to)
  if (which === 'both ways') machines.drop(to, from)
  await lasts(context, () => !reaches(machines, from, to, pair[1]))
  machines.pass(from, to)
  if (which === 'both ways') machines.pass(to, from)
  return nothing
}

/** @throws Error the cut does not act */
async function lasts({ seconds }: FaultContext, isActing: () => boolean): Promise<void> {
  const untilMs = Date.now() + (seconds ?? CUT_SECONDS) * 1_000
  if (!isActing()) throw new Error('the way is not cut')
  await passed(untilMs - Date.now())
}

function reaches(machines: Machines, from: Machine, to: Machine, daemon: Daemon): boolean {
  return machines.reaches(from, to.address, Number(daemon.spec.settings['logviewer.port']))
}

function anyReaches(cluster: RealCluster, machines: Machines, to: Machine): boolean {
  const index = machines.all.indexOf(to)
  const daemon = cluster.supervisors[index]
  const [other] = machines.all.filter((machine) => machine !== to)
  return daemon === undefined || other === undefined || reaches(machines, other, to, daemon)
}
