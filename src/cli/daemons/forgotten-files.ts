/**
 * Files that a cluster in memory leaves: its board is forgotten when it ends, so nothing names its blobs any
 * more, and the next one removes them.
 *
 *   nimbus/in-memory   a mark: all blobs beside it are of clusters in memory
 *
 * Invariants
 *   F1  blobs of a Nimbus whose board is in ZooKeeper are never removed here: it takes the mark away, and it
 *       is put up only where there were no blobs, by a cluster whose Nimbus is up
 *   F2  only `nimbus` and `node-N` are looked into, and there only what a board names: positions of `typhoon
 *       run` are beside them, or in one of them if a topology is called so
 *   F3  while a cluster in memory lives, no other Nimbus has the directory: each would remove blobs that its
 *       own board does not name. Nimbuses with boards that last may share one: their board is the same.
 */
import type { Host } from '../../host/host.ts'
import { DirectoryLock, type Holder, livesOn, newOwner } from '../../host/lock/directory-lock.ts'
import { nodeProcesses } from '../../host/node-processes.ts'

interface Place {
  readonly host: Host
  readonly directory: string
}

const MARK = 'in-memory'
const NODE = /^node-\d+$/

/**
 * For a cluster in memory, before anything of it starts.
 * @throws ConflictError DIRECTORY_IN_USE; UnavailableError DISK_FULL, CONNECT_FAILED
 */
export function lockForMemory(place: Place): Promise<DirectoryLock> {
  return lockFor(place, 'dev-cluster', ['dev-cluster', 'nimbus'])
}

/**
 * For a Nimbus whose board lasts, before it stores anything.
 * @throws what `lockForMemory` throws
 */
export function lockForNimbus(place: Place): Promise<DirectoryLock> {
  return lockFor(place, 'nimbus', ['dev-cluster'])
}

async function lockFor({ host, directory }: Place, holder: Holder, rivals: readonly Holder[]) {
  const lives = livesOn(nodeProcesses)
  const lock = new DirectoryLock({ host, lives, directory, holder, rivals, owner: newOwner(host) })
  await lock.take()
  await lock.forgetFormer()
  return lock
}

/**
 * Call it under the lock, before anything starts.
 * @returns whether all blobs are from now on those of clusters in memory: mark them when Nimbus is up
 */
export async function clearLeftOver({ host, directory }: Place): Promise<boolean> {
  const { files } = host
  const inside = (...parts: readonly string[]) => files.resolve(directory, ...parts)
  const isMarked = (await files.stat(inside('nimbus', MARK))) !== undefined
  if (!isMarked && (await files.list(inside('nimbus', 'blobs'))).length > 0) return false
  await files.remove(inside('nimbus', 'blobs'))
  for (const name of await files.list(directory)) {
    if (!NODE.test(name)) continue
    await files.remove(inside(name, 'blobs'))
    await files.remove(inside(name, 'bundles'))
  }
  return true
}

/** The next cluster in memory removes what is there. */
export async function markBlobs({ host, directory }: Place): Promise<void> {
  const { files } = host
  await files.makeDirectory(files.resolve(directory, 'nimbus'))
  const mark = await files.open(files.resolve(directory, 'nimbus', MARK), 'create')
  await mark.close()
}

/** From now on a board that lasts names blobs in it. */
export async function keepBlobs({ host, directory }: Place): Promise<void> {
  await host.files.remove(host.files.resolve(directory, 'nimbus', MARK))
}
