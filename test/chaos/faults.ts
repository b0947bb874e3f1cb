/**
 * Faults of a real cluster: each strikes, and is healed. What is said of them is what `npm run chaos --
 * --list` prints.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import type { Daemon } from './daemon.ts'
import { tryKill } from './daemon.ts'
import type { RealCluster } from './real-cluster.ts'
import type { ChaosRun } from './run.ts'

export interface FaultContext {
  readonly cluster: RealCluster
  readonly run: ChaosRun
  /** From 0 to below 1. */
  readonly chance: () => number
  readonly seconds: number | undefined
}

export interface RealFault {
  readonly name: string
  readonly what: string
  /** Whether tasks have to start again. */
  readonly restarts: boolean
  /** Time given to it before it is healed and the next trial begins. */
  readonly settleMs: number
  /** Returns what heals it. The fault's time is when this is called. */
  strike(context: FaultContext): Promise<() => Promise<void> | void>
}

const nothing = (): void => undefined

export const realFaults: readonly RealFault[] = [
  {
    name: 'kill-worker',
    what: 'kill -9 of a worker process',
    restarts: true,
    settleMs: 3_000,
    async strike(context) {
      tryKill(workerOf(context).pid, 'SIGKILL')
      return nothing
    },
  },
  {
    name: 'kill-worker-twice',
    what: 'kill -9 of a worker, and of its successor 300 ms later',
    restarts: true,
    settleMs: 5_000,
    async strike(context) {
      const victim = workerOf(context)
      tryKill(victim.pid, 'SIGKILL')
      await passed(300)
      const next = victim.daemon.seatedPids().find(({ worker }) => worker === victim.worker)
      if (next !== undefined) tryKill(next.pid, 'SIGKILL')
      return nothing
    },
  },
  {
    name: 'hang-worker',
    what: 'SIGSTOP of a worker: it makes no progress, and is replaced',
    restarts: true,
    settleMs: 9_000,
    async strike(context) {
      tryKill(workerOf(context).pid, 'SIGSTOP')
      return nothing
    },
  },
  {
    name: 'block-loop',
    what: 'the event loop of a worker blocked for a while (--seconds, 1 by default: nothing is restarted)',
    restarts: false,
    settleMs: 4_000,
    async strike(context) {
      const { run, seconds } = context
      writeFileSync(join(run.directory, `block-${splitPid(context)}`), String((seconds ?? 1) * 1_000))
      await passed((seconds ?? 1) * 1_000)
      return nothing
    },
  },
  {
    name: 'out-of-memory',
    what: 'a worker takes all of its heap',
    restarts: true,
    settleMs: 12_000,
    async strike(context) {
      writeFileSync(join(context.run.directory, `leak-${splitPid(context)}`), '')
      return nothing
    },
  },
  {
    name: 'kill-supervisor',
    what: 'kill -9 of a supervisor, started again after 2 s: its workers go on and are taken back',
    restarts: false,
    settleMs: 4_000,
    async strike({ cluster, chance }) {
      const daemon = anyOf(cluster.supervisors, chance)
      await daemon.stop('SIGKILL')
      await passed(2_000)
      daemon.start()
      return nothing
    },
  },
  {
    name: 'stop-supervisor',
    what: 'SIGSTOP of a supervisor for 3 s',
    restarts: false,
    settleMs: 4_000,
    async strike({ cluster, chance }) {
      const daemon = anyOf(cluster.supervisors, chance)
      daemon.signal('SIGSTOP')
      await passed(3_000)
      daemon.signal('SIGCONT')
      return nothing
    },
  },
  {
    name: 'lose-node',
    what: 'kill -9 of a supervisor and all its workers; the node comes back when its tasks run elsewhere',
    restarts: true,
    settleMs: 13_000,
    async strike({ cluster, chance }) {
      const daemon = busy(cluster.supervisors, chance)
      const pids = daemon.workerPids()
      daemon.signal('SIGKILL')
      for (const pid of pids) tryKill(pid, 'SIGKILL')
      return () => daemon.start()
    },
  },
  {
    name: 'kill-leader',
    what: 'kill -9 of the leading Nimbus, started again later',
    restarts: false,
    settleMs: 6_000,
    async strike({ cluster }) {
      const daemon = await leaderOf(cluster)
      daemon.signal('SIGKILL')
      return () => daemon.start()
    },
  },
  {
    name: 'stop-leader',
    what: 'SIGSTOP of the leading Nimbus for 8 s',
    restarts: false,
    settleMs: 8_000,
    async strike({ cluster }) {
      const daemon = await leaderOf(cluster)
      daemon.signal('SIGSTOP')
      return () => daemon.signal('SIGCONT')
    },
  },
  {
    name: 'leader-and-node',
    what: 'kill -9 of the leading Nimbus and of a whole node at once',
    restarts: true,
    settleMs: 16_000,
    async strike({ cluster, chance }) {
      const [leader, node] = [await leaderOf(cluster), busy(cluster.supervisors, chance)]
      const pids = node.workerPids()
      leader.signal('SIGKILL')
      node.signal('SIGKILL')
      for (const pid of pids) tryKill(pid, 'SIGKILL')
      return () => {
        leader.start()
        node.start()
      }
    },
  },
  {
    name: 'zk-leader',
    what: 'kill -9 of the leading ZooKeeper server, started again after 5 s',
    restarts: false,
    settleMs: 3_000,
    async strike({ cluster }) {
      for (const server of cluster.zooKeeper.servers) {
        if (!(await server.isLeader())) continue
        await server.kill('SIGKILL')
        await passed(5_000)
        await server.start()
        break
      }
      return nothing
    },
  },
  {
    name: 'zk-quorum',
    what: 'two of three ZooKeeper servers gone (--seconds, 20 by default): nothing restarts',
    restarts: false,
    settleMs: 4_000,
    async strike({ cluster, seconds }) {
      const gone = cluster.zooKeeper.servers.slice(0, 2)
      await Promise.all(gone.map((server) => server.kill('SIGKILL')))
      await passed((seconds ?? 20) * 1_000)
      await Promise.all(gone.map((server) => server.start()))
      return nothing
    },
  },
]

function workerOf({ cluster, chance }: FaultContext) {
  return anyOf(cluster.workers(), chance)
}

/** A process that runs a split task: it obeys the files in the run's directory. */
function splitPid({ cluster, run, chance }: FaultContext): number {
  const living = new Set(cluster.workers().map(({ pid }) => pid))
  const pids = run.firsts().filter(({ component, pid }) => component === 'split' && living.has(pid))
  return anyOf(pids, chance).pid
}

function busy(supervisors: readonly Daemon[], chance: () => number): Daemon {
  return anyOf(
    supervisors.filter((daemon) => daemon.isAlive && daemon.seatedPids().length > 0),
    chance,
  )
}

async function leaderOf(cluster: RealCluster): Promise<Daemon> {
  const address = await cluster.leader()
  const daemon = address === undefined ? undefined : cluster.nimbusAt(address)
  if (daemon === undefined) throw new Error('nobody leads')
  return daemon
}

function anyOf<T>(all: readonly T[], chance: () => number): T {
  const one = all[Math.floor(chance() * all.length)]
  if (one === undefined) throw new Error('there is nothing to break')
  return one
}
