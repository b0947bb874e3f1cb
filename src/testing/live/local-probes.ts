/**
 * Looks into a run while it goes on: observers of streams and hooks of tasks, put on and taken off as they
 * are wanted. A worker that starts later gets those that are wanted then.
 *
 * Invariant: a stream nobody looks at has no observer, and a task nobody traces has no further hooks.
 */
import type { TreeRoot } from '../../flow/ack/tree-root.ts'
import type { TaskIdentity } from '../../flow/executor/task-identity.ts'
import type { EngineTuple } from '../../flow/executor/tuple.ts'
import type { Stoppable } from '../../host/host.ts'
import type { TaskHook } from '../../topology/hook.ts'
import type { AnyValues } from '../../topology/tuple.ts'
import type { Worker } from '../../worker/worker.ts'

/** An emit, as it is seen. */
export interface SeenEmit {
  readonly self: TaskIdentity
  readonly streamId: string
  readonly values: AnyValues
  readonly anchor: EngineTuple | undefined
  readonly root: TreeRoot | undefined
}

interface Listener {
  wants(componentId: string, streamId: string): boolean
  see(emit: SeenEmit): void
}

export class Probes {
  private readonly listeners = new Set<Listener>()
  private readonly hookMakers = new Set<(self: TaskIdentity) => TaskHook>()
  private readonly put = new Map<TaskIdentity, TaskIdentity['hooks']>()
  private readonly workersNow: () => readonly Worker[]

  constructor(workersNow: () => readonly Worker[]) {
    this.workersNow = workersNow
  }

  /** Sees emits of the streams that `wants` says, until it is stopped. */
  listen(
    wants: (componentId: string, streamId: string) => boolean,
    see: (emit: SeenEmit) => void,
  ): Stoppable {
    const listener: Listener = { wants, see }
    this.listeners.add(listener)
    this.lookAtAll()
    return {
      stop: () => {
        this.listeners.delete(listener)
        this.lookAtAll()
      },
    }
  }

  /** Gives each task a hook more, until it is stopped. */
  hook(make: (self: TaskIdentity) => TaskHook): Stoppable {
    this.hookMakers.add(make)
    for (const worker of this.workersNow()) this.hookWorker(worker)
    return {
      stop: () => {
        this.hookMakers.delete(make)
        for (const worker of this.workersNow()) this.hookWorker(worker)
      },
    }
  }

  /** A worker has been put together. */
  attach(worker: Worker): void {
    this.lookAt(worker)
    this.hookWorker(worker)
  }

  private lookAtAll(): void {
    for (const worker of this.workersNow()) this.lookAt(worker)
  }

  private lookAt(worker: Worker): void {
    for (const { self } of [...worker.spoutTasks, ...worker.boltTasks]) {
      for (const [streamId, output] of self.outputs.byId) {
        const wanting = [...this.listeners].filter((each) => each.wants(self.componentId, streamId))
        output.observer =
          wanting.length === 0
            ? undefined
            : (values, anchor, root) => {
                for (const each of wanting) each.see({ self, streamId, values, anchor, root })
              }
      }
    }
  }

  private hookWorker(worker: Worker): void {
    for (const { self } of [...worker.spoutTasks, ...worker.boltTasks]) {
      // The task's own hooks are kept aside, to be there again when the last probe is gone.
      if (!this.put.has(self)) this.put.set(self, self.hooks)
      const own = this.put.get(self)
      if (this.hookMakers.size === 0) {
        self.hooks = own
        this.put.delete(self)
      } else self.hooks = [...(own ?? []), ...[...this.hookMakers].map((make) => make(self))]
    }
  }
}
