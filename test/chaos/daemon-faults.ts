/** Faults of supervisors, whole nodes, Nimbuses and ZooKeeper servers, as processes. */
import { setTimeout as passed } from 'node:timers/promises'
import type { ZooKeeperServer } from '../servers/zookeeper.ts'
import { type Daemon, tryKill } from './daemon.ts'
import { anyOf, busy, leaderOf, nothing, type RealFault, untilGone } from './fault.ts'
import type { RealCluster } from './real-cluster.ts'

const QUORUM_SECONDS = 20
const LONG_QUORUM_SECONDS = 120
const STOPPED_NODE_SECONDS = 12
/** After it woke up, a node whose work was given away has ended its workers by then. */
const FENCED_MS = 15_000
/** A Nimbus that was started again stands by after it. */
const STARTED_REST_MS = 2_000
/** Standbys forget in it that they doubted a leader. */
const STOPPED_REST_MS = 4_000

export const nodeFaults: readonly RealFault[] = [
  {
    name: 'kill-supervisor',
    what: 'kill -9 of a supervisor, started again after 2 s: its workers go on and are taken back',
    restarts: false,
    effectMs: 3_000,
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
    effectMs: 4_000,
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
    async strike(context) {
      const node = busy(context)
      killNode(node)
      return () => node.start()
    },
  },
  {
    name: 'stop-node',
    what:
      `SIGSTOP of a supervisor and all its workers (--seconds, ${STOPPED_NODE_SECONDS} by default): ` +
      'what wakes up finds its place taken, and ends',
    restarts: true,
    trialsMax: 6,
    async strike(context) {
      const daemon = busy(context)
      const pids = daemon.seatedPids().map(({ pid }) => pid)
      const all = [daemon.pid, ...daemon.workerPids()]
      for (const pid of all) tryKill(pid, 'SIGSTOP')
      await passed((context.seconds ?? STOPPED_NODE_SECONDS) * 1_000)
      for (const pid of all) tryKill(pid, 'SIGCONT')
      return () => untilGone(pids, FENCED_MS)
    },
  },
]

export const nimbusFaults: readonly RealFault[] = [
  {
    name: 'kill-leader',
    what: 'kill -9 of the leading Nimbus, started again later',
    restarts: false,
    strikesLeader: true,
    restMs: STARTED_REST_MS,
    async strike({ cluster }) {
      const daemon = await leaderOf(cluster)
      daemon.signal('SIGKILL')
      return () => daemon.start()
    },
  },
  {
    name: 'stop-leader',
    what: 'SIGSTOP of the leading Nimbus until the next submit is accepted',
    restarts: false,
    strikesLeader: true,
    restMs: STOPPED_REST_MS,
    async strike({ cluster }) {
      const daemon = await leaderOf(cluster)
      daemon.signal('SIGSTOP')
      return () => daemon.signal('SIGCONT')
    },
  },
  {
    name: 'kill-leader-in-submit',
    what: 'kill -9 of the leading Nimbus while a topology is submitted: it is there once',
    restarts: false,
    restMs: STARTED_REST_MS,
    async strike({ cluster, chance }) {
      const daemon = await leaderOf(cluster)
      const name = `struck-${Date.now()}`
      const submitting = cluster.submitSmall(name)
      // It is bundled and looked at for a second, and answered within another.
      await passed(600 + 1_200 * chance())
      daemon.signal('SIGKILL')
      const { code, err } = await submitting
      if (code !== 0) throw new Error(`a submit ended with ${code}: ${err}`)
      const count = await cluster.topologiesNamed(name)
      if (count !== 1) throw new Error(`${name} is there ${count} times`)
      await cluster.command('kill', name, '-y', '-w', '0s')
      return () => daemon.start()
    },
  },
  {
    name: 'leader-and-node',
    what: 'kill -9 of the leading Nimbus and of a whole node at once',
    restarts: true,
    restMs: STARTED_REST_MS,
    async strike(context) {
      const [leader, node] = [await leaderOf(context.cluster), busy(context)]
      leader.signal('SIGKILL')
      killNode(node)
      return () => {
        leader.start()
        node.start()
      }
    },
  },
]

export const zooKeeperFaults: readonly RealFault[] = [
  {
    name: 'zk-leader',
    what: 'kill -9 of the leading ZooKeeper server, started again after 5 s',
    restarts: false,
    async strike({ cluster }) {
      const server = await zooKeeperLeader(cluster)
      await server.kill('SIGKILL')
      await passed(5_000)
      await server.start()
      return nothing
    },
  },
  {
    name: 'stop-zk-leader',
    what: 'SIGSTOP of the leading ZooKeeper server for 5 s',
    restarts: false,
    async strike({ cluster }) {
      const server = await zooKeeperLeader(cluster)
      await server.kill('SIGSTOP')
      await passed(5_000)
      await server.kill('SIGCONT')
      return nothing
    },
  },
  { ...quorum('zk-quorum', QUORUM_SECONDS), trialsMax: 3 },
  { ...quorum('zk-quorum-long', LONG_QUORUM_SECONDS), isVeryLong: true },
]

/** With its workers, which would outlive it. */
function killNode(supervisor: Daemon): void {
  const pids = supervisor.workerPids()
  supervisor.signal('SIGKILL')
  for (const pid of pids) tryKill(pid, 'SIGKILL')
}

function quorum(name: string, seconds: number): RealFault {
  return {
    name,
    what: `two of three ZooKeeper servers gone (--seconds, ${seconds} by default): nothing restarts`,
    restarts: false,
    async strike({ cluster, seconds: asked }) {
      const gone = cluster.zooKeeper.servers.slice(0, 2)
      await Promise.all(gone.map((server) => server.kill('SIGKILL')))
      await passed((asked ?? seconds) * 1_000)
      await Promise.all(gone.map((server) => server.start()))
      return nothing
    },
  }
}

async function zooKeeperLeader(cluster: RealCluster): Promise<ZooKeeperServer> {
  let leader: ZooKeeperServer | undefined
  await cluster.until('a ZooKeeper server leads', 20_000, async () => {
    for (const server of cluster.zooKeeper.servers) if (await server.isLeader()) leader = server
    return leader !== undefined
  })
  if (leader === undefined) throw new Error('no ZooKeeper server leads')
  return leader
}
