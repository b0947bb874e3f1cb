/**
 * The invariants of a cluster, looked at while it runs and at its end. Numbers are those of the reliability
 * plan.
 *
 *   I1   control records are written by the newest leadership only     I7   pending tuples are bounded
 *   I2   leaderships follow each other                                 I20  daemons make no mistakes
 *   I3   older incarnations are not believed again                     I14  a name has a topology, or is gone
 *   I4   an incarnation of a worker lives once                         I15  what was killed runs not for long
 *   I5   a stored position: everything before it was seen              I16  a slot has one living worker
 *   I17  in the end all is placed and runs                             I18  records and watches stay small
 *   I21  no secret in logs or answers                                  I22  the books of spouts balance
 */
import type { WriteRecord } from '../../../src/coordinate/memory/quorum.ts'
import { fromPlainJson } from '../../../src/state/plain-json.ts'
import type { SimCluster } from '../../../src/testing/cluster/sim-cluster.ts'
import type { SimProcess } from '../../../src/testing/cluster/sim-launcher.ts'
import { idOf, type Ledger, PENDING_MAX } from './counting.ts'
import { believedOf, booksOf } from './insides.ts'
import type { ClusterModel } from './model.ts'

/** Parts of the board that only a leader writes. */
const CONTROL = /^\/typhoon\/(topologies|assignments|nodes|names|submits)\//
const EPOCH = '/typhoon/leader/epoch'
const RECORD_BYTES_MAX = 256 * 1024
/**
 * A daemon keeps one watch a part, a few for elections, and a new session may be there before the old one
 * goes.
 */
const WATCHES_PER_DAEMON = 24

export interface ClusterChecksSpec {
  readonly model: Pick<ClusterModel, 'nimbuses' | 'nodes'>
  readonly cluster: () => SimCluster
  readonly ledgers: ReadonlyMap<string, Ledger>
  readonly violate: (text: string) => void
}

export class ClusterChecks {
  /** Tokens of topologies: they must never be seen in a log or an answer. */
  readonly secrets = new Set<string>()
  private readonly spec: ClusterChecksSpec
  private epochSession = 0n
  private epoch = 0
  private readonly incarnations = new Map<string, SimProcess>()
  private readonly positions = new Map<string, number>()
  private readonly believed = new Map<SimProcess, Map<number, number>>()

  constructor(spec: ClusterChecksSpec) {
    this.spec = spec
  }

  /** I1: told of every write that took effect, in order. */
  onWrite({ path, kind, sessionId, zxid }: WriteRecord): void {
    if (path === EPOCH && kind === 'set') this.epochSession = sessionId
    if (!CONTROL.test(path) || kind === 'acl' || sessionId === 0n) return
    if (sessionId !== this.epochSession) {
      this.spec.violate(`I1: ${kind} of ${path} (zxid ${zxid}) by a session that does not lead`)
    }
  }

  /** I4, I16: a process has been given a seat. */
  onSeated(process: SimProcess): void {
    const { assign } = process
    if (assign === undefined) return
    const key = `${assign.topologyId}/${assign.worker}/${assign.incarnation}`
    const known = this.incarnations.get(key)
    if (known !== undefined) this.spec.violate(`I4: ${key} runs as ${process.name}, and ran as ${known.name}`)
    this.incarnations.set(key, process)
    for (const other of this.spec.cluster().processes.living) {
      if (other === process || other.node !== process.node || other.assign?.port !== assign.port) continue
      this.spec.violate(`I16: ${process.name} and ${other.name} are both in ${process.node}:${assign.port}`)
    }
  }

  onLogLine(machine: string, text: string): void {
    for (const secret of this.secrets) {
      if (text.includes(secret)) this.spec.violate(`I21: ${machine} logs a token: ${text.slice(0, 200)}`)
    }
  }

  /** Cheap enough to be looked at all the time. */
  look(): void {
    this.lookAtTree()
    this.lookAtPositions()
    this.lookAtBooks()
  }

  private lookAtTree(): void {
    const { ensemble } = this.spec.cluster()
    this.lookAtEpoch()
    const census = ensemble.census()
    if (census.largestNode.sizeBytes > RECORD_BYTES_MAX) {
      this.spec.violate(`I18: ${census.largestNode.path} holds ${census.largestNode.sizeBytes} bytes`)
    }
    const daemons = this.spec.model.nimbuses + this.spec.model.nodes
    if (census.watchCount > daemons * WATCHES_PER_DAEMON) {
      this.spec.violate(`I18: ${census.watchCount} watches for ${daemons} daemons`)
    }
    for (const id of ensemble.peekChildren('/typhoon/assignments')) {
      const node = ensemble.peek(`/typhoon/assignments/${id}`)
      const token = /"token":"([^"]+)"/.exec(new TextDecoder().decode(node?.data ?? new Uint8Array(0)))?.[1]
      if (token !== undefined) this.secrets.add(token)
    }
    const names = ensemble.peekChildren('/typhoon/names')
    const topologies = ensemble.peekChildren('/typhoon/topologies')
    // One multi makes them, one takes them away: they stand together at every moment.
    if (names.length !== topologies.length) {
      this.spec.violate(`I14: names ${names.join(' ')} stand beside topologies ${topologies.join(' ')}`)
    }
  }

  /** I2: leaderships follow each other. */
  private lookAtEpoch(): void {
    const node = this.spec.cluster().ensemble.peek(EPOCH)
    const text = new TextDecoder().decode(node?.data)
    const epoch = Number(/"epoch":(\d+)/.exec(text)?.[1] ?? this.epoch)
    if (epoch < this.epoch) this.spec.violate(`I2: epoch ${epoch} comes after ${this.epoch}`)
    this.epoch = epoch
  }

  /** I5: what a position says is done has been seen outside. A position never goes back. */
  private lookAtPositions(): void {
    const { ensemble } = this.spec.cluster()
    for (const id of ensemble.peekChildren('/typhoon/positions')) {
      const ledger = this.ledgerOf(id)
      const base = `/typhoon/positions/${id}/numbers`
      for (const partition of ensemble.peekChildren(base)) {
        const node = ensemble.peek(`${base}/${partition}`)
        if (node === undefined || ledger === undefined) continue
        const index = positionIn(node.data)
        if (index === undefined) continue
        const key = `${id}/${partition}`
        const before = this.positions.get(key) ?? -1
        if (index < before) this.spec.violate(`I5: position of ${key} went back from ${before} to ${index}`)
        for (let each = before + 1; each <= index; each += 1) {
          if (!ledger.seen.has(idOf(Number(partition.slice(1)), each)))
            this.spec.violate(`I5: ${key} is stored at ${index}, ${each} was not seen`)
        }
        this.positions.set(key, Math.max(before, index))
      }
    }
  }

  /** I22, I7: what sources emitted has come to an end or is open, and no more than allowed is open. */
  private lookAtBooks(): void {
    for (const process of this.spec.cluster().processes.living) {
      if (process.assign === undefined) continue
      for (const { component, emitted, acked, failed, open, pendingCount } of booksOf(process)) {
        if (emitted !== acked + failed + open) {
          const text = `emitted ${emitted}, acked ${acked}, failed ${failed}, open ${open}`
          this.spec.violate(`I22: ${component} in ${process.name}: ${text}`)
        }
        if (pendingCount < 0 || pendingCount > PENDING_MAX)
          this.spec.violate(`I7: ${component} in ${process.name} has ${pendingCount} pending`)
      }
      this.lookAtPeers(process)
    }
  }

  /** I3: who was believed to be newer is never believed to be older again. */
  private lookAtPeers(process: SimProcess): void {
    const before = this.believed.get(process) ?? new Map<number, number>()
    for (const [peer, incarnation] of believedOf(process)) {
      const known = before.get(peer) ?? 0
      if (incarnation < known)
        this.spec.violate(`I3: ${process.name} believes worker ${peer} to be ${incarnation} after ${known}`)
      before.set(peer, incarnation)
    }
    this.believed.set(process, before)
  }

  /** I15, I18: after all topologies were killed nothing of them is left, but what belongs to the cluster. */
  lookAfterKills(): void {
    const cluster = this.spec.cluster()
    for (const part of ['names', 'topologies', 'assignments', 'positions', 'submits']) {
      const left = cluster.ensemble.peekChildren(`/typhoon/${part}`)
      if (left.length > 0) this.spec.violate(`I15: /typhoon/${part} still has ${left.join(' ')}`)
    }
    for (const { name, assign } of cluster.processes.living) {
      if (assign !== undefined) this.spec.violate(`I15: ${name} still runs worker ${assign.worker}`)
    }
    const { sessionCount } = cluster.ensemble.census()
    const daemons = this.spec.model.nimbuses + this.spec.model.nodes
    if (sessionCount !== daemons) this.spec.violate(`I18: ${sessionCount} sessions for ${daemons} daemons`)
  }

  /** Ids begin with the name. */
  private ledgerOf(id: string): Ledger | undefined {
    for (const [name, ledger] of this.spec.ledgers) if (id.startsWith(`${name}-`)) return ledger
    return undefined
  }
}

function positionIn(data: Uint8Array): number | undefined {
  const record: unknown = JSON.parse(new TextDecoder().decode(data))
  if (typeof record !== 'object' || record === null || !('stored' in record)) return undefined
  const stored = fromPlainJson(String(record.stored))
  if (typeof stored !== 'object' || stored === null || !('position' in stored)) return undefined
  return typeof stored.position === 'number' ? stored.position : undefined
}
