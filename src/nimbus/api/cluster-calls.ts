/** Calls about nodes, events and the board. */
import { hasCode, UsageError } from '../../base/errors.ts'
import type { NodeRecord } from '../../cluster/records.ts'
import type { ClusterStatus } from '../../rpc/contract.ts'
import type { EventPage, NimbusApi } from '../../rpc/nimbus-api.ts'
import { permit } from '../permissions.ts'
import { boardList, boardRead } from './board-tree.ts'
import { type Desk, leading, notLeader } from './desk.ts'
import { operationsSeen } from './find.ts'
import { type NodesSeen, nodeNames, nodeStatuses, slotStatuses } from './node-status.ts'
import { operationStatus } from './operations.ts'

type Calls = Pick<
  NimbusApi,
  | 'leadership'
  | 'cluster'
  | 'nodes'
  | 'slots'
  | 'history'
  | 'drain'
  | 'undrain'
  | 'events'
  | 'boardList'
  | 'boardRead'
>

const WAIT_MS_MAX = 30_000
const CHANGES_MAX = 5

export function clusterCalls(desk: Desk): Calls {
  const { settings, memory, board } = desk
  return {
    /** Clients look for the leader by it, many at a time: nothing is counted for it. */
    async leadership(caller) {
      permit(caller, 'look', settings)
      leading(desk)
      return { nimbus: desk.nimbus, address: desk.address }
    },
    async cluster(caller) {
      permit(caller, 'look', settings)
      const { view } = board
      const leader = view.epoch?.record
      const isThere = leader !== undefined && view.nimbuses.has(leader.nimbus)
      const slots = slotStatuses(nodesSeen(desk))
      return {
        leader: isThere ? leader.address : undefined,
        standbys: [...view.nimbuses.values()]
          .filter(({ nimbus }) => !isThere || nimbus !== leader.nimbus)
          .map(({ address }) => address)
          .sort(),
        ...coordinatorOf(desk),
        slots: { total: slots.length, used: slots.filter(({ topology }) => topology !== undefined).length },
        topologies: view.topologies.size,
        version: desk.version,
      }
    },
    async nodes(caller) {
      permit(caller, 'look', settings)
      leading(desk)
      return nodeStatuses(nodesSeen(desk))
    },
    async slots(caller) {
      permit(caller, 'look', settings)
      leading(desk)
      return slotStatuses(nodesSeen(desk))
    },
    async history(caller, node) {
      permit(caller, 'look', settings)
      leading(desk)
      checkNode(desk, node)
      return memory.risks.history(node)
    },
    async drain(caller, node) {
      permit(caller, 'operate', settings)
      const version = await changeNode(desk, node, true)
      await board.sync()
      return operationStatus({ kind: 'drain-node', subject: node, version }, operationsSeen(desk))
    },
    async undrain(caller, node) {
      permit(caller, 'operate', settings)
      await changeNode(desk, node, false)
    },
    async events(caller, after, waitMs) {
      permit(caller, 'look', settings)
      leading(desk)
      return nextEvents(desk, after, waitMs)
    },
    async boardList(caller, path) {
      permit(caller, 'look', settings)
      await board.sync()
      return boardList(board.view, path)
    },
    async boardRead(caller, path) {
      permit(caller, 'look', settings)
      await board.sync()
      return boardRead(board.view, path)
    },
  }
}

function nodesSeen({ board, memory, host, settings }: Desk): NodesSeen {
  return {
    view: board.view,
    heard: memory.book.nodes,
    now: host.clock.now(),
    nowMs: host.clock.monotonicMs(),
    silentMs: settings.taskTimeoutMs,
    riskOf: (node) => memory.risks.ofNode(node),
  }
}

/** @throws UsageError NODE_UNKNOWN */
function checkNode(desk: Desk, node: string): void {
  if (nodeNames(nodesSeen(desk)).includes(node)) return
  throw new UsageError('NODE_UNKNOWN', `the cluster has no node '${node.slice(0, 200)}'`)
}

/** @returns the version that the record has then */
async function changeNode(desk: Desk, node: string, isDraining: boolean): Promise<number> {
  const reign = leading(desk)
  for (let attempt = 1; ; attempt += 1) {
    await desk.board.sync()
    checkNode(desk, node)
    const found = desk.board.view.nodes.get(node)
    const why = isDraining ? 'drained by an operator' : ''
    if ((found?.record.isDraining ?? false) === isDraining && found?.record.why === why) return found.version
    const listed = found?.record.blacklistedUntil
    // Undrain is the operator's word on the blacklist, too: what was before now does not count again.
    const blacklistedUntil = isDraining || listed === undefined ? listed : desk.host.clock.now()
    const record: NodeRecord = { node, isDraining, blacklistedUntil, why }
    try {
      await reign.leadership.write([{ kind: 'put-node', record, version: found?.version }])
      tellNode(desk, node, isDraining)
      reign.kick()
      return found === undefined ? 0 : found.version + 1
    } catch (error) {
      if (hasCode(error, 'EPOCH_OLD')) throw notLeader(desk)
      const isChanged = hasCode(error, 'RECORD_CHANGED') || hasCode(error, 'RECORD_EXISTS')
      if (!isChanged || attempt >= CHANGES_MAX) throw error
    }
  }
}

function tellNode({ memory, host, log }: Desk, node: string, isDraining: boolean): void {
  const kind = isDraining ? 'node-drained' : 'node-undrained'
  const message = isDraining ? `${node} is being drained` : `${node} takes workers again`
  memory.events.add({ at: host.clock.now(), kind, node, message })
  log.info(message, { node })
}

async function nextEvents(
  { memory, host }: Desk,
  after: string | undefined,
  waitMs: number,
): Promise<EventPage> {
  const page = memory.events.after(after)
  if (page.events.length > 0 || waitMs <= 0) return page
  await new Promise<void>((resolve) => {
    const timer = host.timers.after(Math.min(waitMs, WAIT_MS_MAX), () => {
      forget()
      resolve()
    })
    const forget = memory.events.onNext(() => {
      timer.stop()
      resolve()
    })
  })
  // The caller knows this place: what has come since is after it.
  return memory.events.after(page.next)
}

function coordinatorOf({
  board,
  isCoordinatorInMemory,
}: Desk): Pick<ClusterStatus, 'coordinator' | 'isCoordinatorInMemory'> {
  const coordinator = board.state === 'connected' ? 'connected' : 'unavailable'
  return isCoordinatorInMemory ? { coordinator, isCoordinatorInMemory } : { coordinator }
}
