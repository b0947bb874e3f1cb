/** What each command of the tables is done by: imported only when it is called. */
import type { Invocation } from './invocation.ts'
import type { Shell } from './shell.ts'

/** One command: prints, and says how the process ends. */
export type RunCommand = (shell: Shell, invocation: Invocation) => Promise<number>

type Loader = () => Promise<RunCommand>

const local: Readonly<Record<string, Loader>> = {
  run: async () => (await import('./commands/run.ts')).run,
  dev: async () => (await import('./commands/dev.ts')).dev,
  check: async () => (await import('./commands/check.ts')).check,
  graph: async () => (await import('./commands/graph.ts')).graph,
  explain: async () => (await import('./commands/explain.ts')).explain,
  'config explain': async () => (await import('./commands/config-explain.ts')).configExplain,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  version: async () => (await import('./commands/version.ts')).version,
  completion: async () => (await import('./commands/completion.ts')).completion,
}

const cluster: Readonly<Record<string, Loader>> = {
  submit: async () => (await import('./commands/cluster/submit.ts')).submit,
  diff: async () => (await import('./commands/cluster/submit.ts')).diff,
  list: async () => (await import('./commands/cluster/list.ts')).list,
  status: async () => (await import('./commands/cluster/list.ts')).status,
  describe: async () => (await import('./commands/cluster/list.ts')).describe,
  activate: async () => (await import('./commands/cluster/life.ts')).activate,
  deactivate: async () => (await import('./commands/cluster/life.ts')).deactivate,
  kill: async () => (await import('./commands/cluster/life.ts')).kill,
  rebalance: async () => (await import('./commands/cluster/life.ts')).rebalance,
  wait: async () => (await import('./commands/cluster/life.ts')).wait,
  top: async () => (await import('./commands/cluster/top.ts')).top,
  logs: async () => (await import('./commands/cluster/logs.ts')).logs,
  errors: async () => (await import('./commands/cluster/errors.ts')).errors,
  'log-level': async () => (await import('./commands/cluster/errors.ts')).logLevel,
  events: async () => (await import('./commands/cluster/events.ts')).events,
  'cluster status': async () => (await import('./commands/cluster/cluster.ts')).clusterStatus,
  'cluster nodes': async () => (await import('./commands/cluster/cluster.ts')).clusterNodes,
  'cluster slots': async () => (await import('./commands/cluster/cluster.ts')).clusterSlots,
  'node drain': async () => (await import('./commands/cluster/life.ts')).drain,
  'node undrain': async () => (await import('./commands/cluster/life.ts')).undrain,
  'zk ls': async () => (await import('./commands/cluster/zk.ts')).zkLs,
  'zk get': async () => (await import('./commands/cluster/zk.ts')).zkGet,
  'zk dump': async () => (await import('./commands/cluster/zk.ts')).zkDump,
  'context list': async () => (await import('./commands/cluster/context.ts')).contextList,
  'context use': async () => (await import('./commands/cluster/context.ts')).contextUse,
  'context set': async () => (await import('./commands/cluster/context.ts')).contextSet,
  'context remove': async () => (await import('./commands/cluster/context.ts')).contextRemove,
  'context show': async () => (await import('./commands/cluster/context.ts')).contextShow,
  'blob list': async () => (await import('./commands/cluster/blob.ts')).blobList,
  'blob get': async () => (await import('./commands/cluster/blob.ts')).blobGet,
  'blob put': async () => (await import('./commands/cluster/blob.ts')).blobPut,
  'blob delete': async () => (await import('./commands/cluster/blob.ts')).blobDelete,
  api: async () => (await import('./commands/cluster/api.ts')).api,
  nimbus: async () => (await import('./commands/cluster/daemons.ts')).nimbus,
  supervisor: async () => (await import('./commands/cluster/daemons.ts')).supervisor,
  'dev-cluster': async () => (await import('./commands/cluster/daemons.ts')).devCluster,
}

/** undefined: the table has a command that nobody does, which a test refuses. */
export async function commandNamed(name: string): Promise<RunCommand | undefined> {
  return await (local[name] ?? cluster[name])?.()
}

/** All that are done. */
export const commandNames: readonly string[] = [...Object.keys(local), ...Object.keys(cluster)]
