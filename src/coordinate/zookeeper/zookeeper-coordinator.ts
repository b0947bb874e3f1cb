/**
 * A coordinator on a real ZooKeeper ensemble: the contract of coordinator.ts in ZooKeeper's words.
 *
 *   caller ─▶ [coordinator] session and watches; nodes: node-calls.ts ─▶ zookeeper-session.ts ─▶ servers
 */
import type { Stoppable } from '../../host/host.ts'
import type { Coordinator, SessionState, WatchEvent, WatchKind } from '../coordinator.ts'
import { answerOf, guarded, NodeCalls } from './node-calls.ts'
import { Op, writeAddWatch, writeRead, writeRemoveWatches } from './protocol/requests.ts'
import { ServerError, serverError } from './protocol/server-errors.ts'
import { compileSettings, type ZooKeeperSpec } from './settings.ts'

/** Begins to connect at once. @throws UsageError CONFIG_INVALID_VALUE */
export function createZooKeeperCoordinator(spec: ZooKeeperSpec): Coordinator {
  return new ZooKeeperCoordinator(compileSettings(spec))
}

class ZooKeeperCoordinator extends NodeCalls implements Coordinator {
  get state(): SessionState {
    return this.session.state
  }

  get sessionId(): bigint {
    return this.session.facts.sessionId
  }

  get sessionTimeoutMs(): number {
    return this.session.facts.sessionTimeoutMs
  }

  onState(listener: (state: SessionState) => void): Stoppable {
    return this.session.onState(listener)
  }

  connected(timeoutMs: number): Promise<void> {
    const { state } = this.session
    const wasConnected = state === 'suspended' && this.session.facts.hasBeenConnected
    return wasConnected ? Promise.resolve() : this.session.whenConnected(timeoutMs)
  }

  watch(path: string, kind: WatchKind, listener: (event: WatchEvent) => void): Promise<Stoppable> {
    return guarded(() => {
      const at = this.locate(path)
      const { watches } = this.session
      watches.want(at)
      const call = this.session.call({
        what: `watch ${path}`,
        write: (writer, xid) => writeAddWatch(writer, xid, { path: at, isTree: kind === 'tree' }),
        read: answerOf('watch', path, () => watches.add(kind, at, listener, () => this.unwatch(at))),
      })
      // Whoever called hears of it; here it is only no longer wanted.
      call.catch(() => watches.unwant(at))
      return call
    })
  }

  watchOnce(path: string, of: 'data' | 'children', listener: (event: WatchEvent) => void): Promise<void> {
    return guarded(() => {
      const at = this.locate(path)
      const { watches } = this.session
      const operation = of === 'data' ? Op.exists : Op.getChildren
      return this.session.call({
        what: `watchOnce ${path}`,
        write: (writer, xid) => writeRead(writer, xid, { operation, path: at, watches: true }),
        read: (_, code) => {
          const isAbsent = of === 'data' && code === ServerError.noNode
          if (code !== ServerError.ok && !isAbsent) throw serverError(code, `watchOnce ${path}`, path)
          watches.addOnce(isAbsent ? 'exist' : of, at, listener)
        },
      })
    })
  }

  close(): Promise<void> {
    return this.session.close()
  }

  /** The last listener of a path is gone. That the server goes on telling would only cost. */
  private unwatch(at: string): void {
    const { session } = this
    if (!session.watches.unwant(at) || session.facts.phase !== 'serving') return
    const removing = session.call({
      what: 'unwatch',
      write: (writer, xid) => writeRemoveWatches(writer, xid, at),
      read: () => undefined,
    })
    // Without a connection there is nothing to take away: the next one is told of what is wanted only.
    removing.catch(() => undefined)
  }
}
