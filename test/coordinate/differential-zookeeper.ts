// Stages of scripts on real ZooKeeper.
import { connectClient } from '../interop/zookeeper-world.ts'
import type { RunningZooKeeper } from '../servers/zookeeper.ts'
import type { Stage } from './differential.ts'
import { user } from './differential-run.ts'

let playCount = 0

/** A script that is played again must not find what it has left. */
export async function zooKeeperStage(running: RunningZooKeeper, root: string): Promise<Stage> {
  playCount += 1
  const chroot = `${root}-${playCount}`
  return {
    connect: async (isUser) => {
      const login = isUser ? { auth: { scheme: 'digest' as const, ...user } } : {}
      // Long sessions: a busy machine must not look like a lost client.
      const spec = { chroot, sessionTimeoutMs: 10_000, callTimeoutMs: 30_000, ...login }
      return (await connectClient(running.connectString, spec)).coordinator
    },
  }
}
