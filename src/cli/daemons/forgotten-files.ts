/**
 * Files that a cluster in memory leaves: its board is forgotten when it ends, so nothing names its blobs any
 * more, and the next one removes them.
 *
 *   nimbus/in-memory   a mark: all blobs beside it are of clusters in memory
 *
 * Invariants
 *   F1  blobs of a Nimbus whose board is in ZooKeeper are never removed here: it takes the mark away, and it
 *       is put up only where there are no blobs
 *   F2  only `nimbus` and `node-N` are looked into, and there only what a board names: positions of `typhoon
 *       run` are beside them, or in one of them if a topology is called so
 */
import { hasCode } from '../../base/errors.ts'
import type { Host } from '../../host/host.ts'
import { DirectoryLock, livesOn, newOwner } from '../../host/lock/directory-lock.ts'
import { nodeProcesses } from '../../host/node-processes.ts'

interface Place {
  readonly host: Host
  readonly directory: string
}

const MARK = 'in-memory'
const NODE = /^node-\d+$/

/** undefined: another one that lives has the directory. What is in the way is said by the daemons. */
export async function lockForgotten({ host, directory }: Place): Promise<DirectoryLock | undefined> {
  const lives = livesOn(nodeProcesses)
  const lock = new DirectoryLock({ host, lives, directory, holder: 'dev-cluster', owner: newOwner(host) })
  try {
    await lock.take()
    await lock.forgetFormer()
    return lock
  } catch (error) {
    if (!hasCode(error, 'DIRECTORY_IN_USE')) throw error
    return undefined
  }
}

/** Call it under the lock, before anything starts. */
export async function clearLeftOver({ host, directory }: Place): Promise<void> {
  const { files } = host
  const inside = (...parts: readonly string[]) => files.resolve(directory, ...parts)
  const isMarked = (await files.stat(inside('nimbus', MARK))) !== undefined
  if (!isMarked && (await files.list(inside('nimbus', 'blobs'))).length > 0) return
  await files.remove(inside('nimbus', 'blobs'))
  for (const name of await files.list(directory)) {
    if (!NODE.test(name)) continue
    await files.remove(inside(name, 'blobs'))
    await files.remove(inside(name, 'bundles'))
  }
  await files.makeDirectory(inside('nimbus'))
  const mark = await files.open(inside('nimbus', MARK), 'create')
  await mark.close()
}

/** From now on a board that lasts names blobs in it. */
export async function keepBlobs({ host, directory }: Place): Promise<void> {
  await host.files.remove(host.files.resolve(directory, 'nimbus', MARK))
}
