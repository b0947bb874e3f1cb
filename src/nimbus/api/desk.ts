/** What calls of the API share: who they are asked through, and the door to the leadership. */
import { UnavailableError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { BlobStore } from '../../blob/blob-store.ts'
import type { Board } from '../../cluster/board.ts'
import type { Host } from '../../host/host.ts'
import type { BlobClaims } from '../blobs/blob-claims.ts'
import type { BlobSync } from '../blobs/blob-sync.ts'
import type { OutlineShelf } from '../blobs/outline-shelf.ts'
import type { Reign } from '../leader/round.ts'
import type { NimbusMemory } from '../monitor/memory.ts'
import type { NimbusPeers } from '../peers.ts'
import type { NimbusSettings } from '../settings.ts'
import type { Inspect } from '../submit/inspect.ts'

export interface Desk {
  readonly host: Host
  readonly log: Logger
  readonly board: Board
  readonly blobs: BlobStore
  readonly outlines: OutlineShelf
  readonly claims: BlobClaims
  readonly sync: BlobSync
  readonly peers: NimbusPeers
  readonly inspect: Inspect
  readonly memory: NimbusMemory
  readonly settings: NimbusSettings
  /** This Nimbus, and where it tells others that it is. */
  readonly nimbus: string
  readonly address: string
  readonly version: string
  readonly isCoordinatorInMemory: boolean
  /** The leadership, while it is held. */
  reign(): Reign | undefined
}

/** @throws UnavailableError NIMBUS_NOT_LEADER with the address of who is, if somebody is */
export function leading(desk: Desk): Reign {
  const reign = desk.reign()
  if (reign !== undefined) return reign
  throw notLeader(desk)
}

export function notLeader({ board, nimbus }: Desk): UnavailableError {
  const leader = board.view.epoch?.record
  const isKnown = leader !== undefined && leader.nimbus !== nimbus && board.view.nimbuses.has(leader.nimbus)
  const text = isKnown ? `the leader is ${leader.nimbus} at ${leader.address}` : 'no leader is known just now'
  return new UnavailableError(
    'NIMBUS_NOT_LEADER',
    `this Nimbus is not the leader; ${text}`,
    isKnown ? { leader: leader.address } : {},
  )
}
