/**
 * A client of the ensemble in memory: its session and its watches; what it asks of nodes is the base class.
 */
import type { Stoppable } from '../../host/host.ts'
import type { Coordinator, SessionState, WatchEvent, WatchKind } from '../coordinator.ts'
import type { ClientWatch } from './client-session.ts'
import { MemoryNodeCalls } from './memory-node-calls.ts'
import { relativeTo } from './tree-path.ts'
import type { WatchMode } from './watch-table.ts'

export class MemoryCoordinator extends MemoryNodeCalls implements Coordinator {
  get state(): SessionState {
    return this.session.state
  }

  get sessionId(): bigint {
    return this.session.sessionId
  }

  get sessionTimeoutMs(): number {
    return this.session.timeoutMs
  }

  onState(listener: (state: SessionState) => void): Stoppable {
    return this.session.onState(listener)
  }

  connected(timeoutMs: number): Promise<void> {
    return this.session.connected(timeoutMs, true)
  }

  async watch(path: string, kind: WatchKind, listener: (event: WatchEvent) => void): Promise<Stoppable> {
    const watch = this.newWatch(path, kind, listener)
    this.found(await this.session.addWatch(watch, (port, atServer) => port.addWatch(atServer)))
    return {
      stop: () => {
        if (!watch.isStopped) this.session.dropWatch(watch)
      },
    }
  }

  async watchOnce(
    path: string,
    of: 'data' | 'children',
    listener: (event: WatchEvent) => void,
  ): Promise<void> {
    const watch = this.newWatch(path, of === 'data' ? 'data-once' : 'children-once', listener)
    const set = await this.session.addWatch(watch, (port, atServer) => {
      const there = port.exists(atServer.path)
      watch.wasThere = 'found' in there && there.found !== undefined
      return port.addWatch(atServer)
    })
    if ('failure' in set) this.session.dropWatch(watch)
    this.found(set)
  }

  close(): Promise<void> {
    return this.session.close()
  }

  private newWatch(path: string, mode: WatchMode, listener: (event: WatchEvent) => void): ClientWatch {
    return {
      path: this.full(path),
      mode,
      listener: (kind, changed) => listener({ kind, path: relativeTo(this.root, changed) }),
      isStopped: false,
      wasThere: false,
      atServer: undefined,
    }
  }
}
