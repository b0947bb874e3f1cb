/**
 * Keyed state that moves between workers: written out by executor where it was, dealt to the tasks that own
 * its keys where it comes to. The owner of a key is the task that the fields grouping on it would choose.
 */
import { bucketOf, hashKey } from '../../base/hash.ts'
import type { StateFile } from '../../cluster/seat-messages.ts'
import type { BoltTask } from '../../flow/executor/bolt/bolt-task.ts'
import { KeyedTask } from '../../flow/executor/bolt/keyed-task.ts'
import type { Host } from '../../host/host.ts'
import type { KeyedEntry } from '../../state/state-entry.ts'
import type { ExpandedTopology } from '../../topology/expand.ts'
import type { Worker } from '../worker.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

/** Those of these executors that run here and keep keyed state; each has a file then, even without keys. */
export async function dumpState(
  host: Host,
  worker: Worker,
  executors: readonly number[],
  directory: string,
): Promise<readonly StateFile[]> {
  const files: StateFile[] = []
  const byExecutor = keyedTasks(worker, new Set(executors))
  if (byExecutor.size > 0) await host.files.makeDirectory(directory)
  for (const [executor, tasks] of byExecutor) {
    const component = tasks[0]?.self.componentId ?? ''
    const path = host.files.resolve(directory, `executor-${executor}.state`)
    const sizeBytes = await writeStateFile(host, path, { component, executor }, entriesOf(tasks))
    files.push({ executor, path, sizeBytes })
  }
  return files
}

/**
 * Loads what of these files belongs to these tasks, and nothing else.
 * @throws FormatError STATE_FILE_DAMAGED; ConflictError STATE_DROPPED and what else a store refuses
 */
export async function dealFiles(
  host: Host,
  paths: readonly string[],
  tasks: readonly BoltTask[],
  expanded: ExpandedTopology,
): Promise<void> {
  const owners = new Map<string, KeyedTask>()
  for (const task of tasks) {
    if (task instanceof KeyedTask) owners.set(`${task.self.componentId}/${task.self.taskIndex}`, task)
  }
  if (owners.size === 0) return
  for (const path of paths) {
    await readStateFile(host, path, (entry, { component }) => {
      const count = expanded.componentTasks.get(component)?.length
      if (count === undefined) return
      owners.get(`${component}/${bucketOf(hashKey(entry.key), count)}`)?.store.load(entry)
    })
  }
  for (const task of owners.values()) task.onStateLoaded()
}

function keyedTasks(
  worker: Worker,
  executors: ReadonlySet<number>,
): ReadonlyMap<number, readonly KeyedTask[]> {
  const found = new Map<number, KeyedTask[]>()
  for (const task of worker.boltTasks) {
    if (!(task instanceof KeyedTask)) continue
    const executor = worker.spec.expanded.tasks[task.self.task - 1]?.executor ?? 0
    if (!executors.has(executor)) continue
    found.set(executor, [...(found.get(executor) ?? []), task])
  }
  return found
}

function* entriesOf(tasks: readonly KeyedTask[]): IterableIterator<KeyedEntry> {
  for (const task of tasks) yield* task.store.entries()
}
