/**
 * The newest heartbeat of each node, in memory only.
 *
 * Route: api/daemon-calls → [here] → leader/round (facts), api (what is shown). A leader that is new learns
 * all of it within a period; a Nimbus that is not the leader keeps what it is told, too, so that it does
 * not begin blind.
 *
 * Invariants
 *   H1  a heartbeat changes nothing if it is not newer than the one of the same supervisor before it
 *   H2  only nodes that the board knows, or an assignment names, take room: the book is bounded by the board
 *   H3  a happening that is told again, because an answer was lost, is given out once
 */
import type { NodeHappening, NodeHeartbeat, SlotBeat } from '../../rpc/heartbeat.ts'

/** A node as it was heard last. Times are monotonic. */
export interface NodeHeard {
  readonly beat: NodeHeartbeat
  readonly atMs: number
  /**
   * When the one before of the same supervisor came; absent: there was none. This one was made after that:
   * one is on its way at a time.
   */
  readonly previousMs?: number
}

/** What the board says of who sends. */
export interface SenderFacts {
  /** Owner in the supervisor's record; undefined: it has none, its session is gone. */
  readonly owner: string | undefined
  /** An assignment places something there. */
  readonly isAssigned: boolean
}

export interface Taken {
  /** False: nothing was changed by it. */
  readonly isNew: boolean
  /** Something in its slots is not as it was: a round may have work. */
  readonly isNews: boolean
  readonly happenings: readonly NodeHappening[]
}

/** Happenings remembered per node, to know those that are told again: twice what a heartbeat may hold. */
const HAPPENINGS_KEPT = 400

const NOTHING: Taken = { isNew: false, isNews: false, happenings: [] }

interface Entry extends NodeHeard {
  readonly signature: string
  /** In order of arrival. */
  readonly told: Set<string>
}

export class HeartbeatBook {
  private readonly entries = new Map<string, Entry>()

  get nodes(): ReadonlyMap<string, NodeHeard> {
    return this.entries
  }

  take(beat: NodeHeartbeat, nowMs: number, sender: SenderFacts): Taken {
    const before = this.entries.get(beat.node)
    if (!isBelieved(beat, before, sender)) return NOTHING
    const signature = beat.slots.map(slotSignature).join('|')
    const told = before?.told ?? new Set<string>()
    const happenings = beat.happenings.filter((each) => remember(told, each))
    const previous = before?.beat.owner === beat.owner ? { previousMs: before.atMs } : {}
    this.entries.set(beat.node, { beat, atMs: nowMs, ...previous, signature, told })
    const isNews = before === undefined || before.signature !== signature || happenings.length > 0
    return { isNew: true, isNews, happenings }
  }

  /** Forgets nodes that nothing names any more. */
  keepOnly(isKnown: (node: string) => boolean): void {
    for (const node of this.entries.keys()) {
      if (!isKnown(node)) this.entries.delete(node)
    }
  }

  /** Slots of all nodes that run, or shall run, something of a topology. */
  slotsOf(topologyId: string): readonly { readonly node: string; readonly slot: SlotBeat }[] {
    const found: { node: string; slot: SlotBeat }[] = []
    for (const [node, { beat }] of this.entries) {
      for (const slot of beat.slots) if (slot.topologyId === topologyId) found.push({ node, slot })
    }
    return found
  }
}

function isBelieved(beat: NodeHeartbeat, before: Entry | undefined, sender: SenderFacts): boolean {
  if (sender.owner !== undefined) {
    if (sender.owner !== beat.owner) return false
  } else if (before !== undefined) {
    if (before.beat.owner !== beat.owner) return false
  } else if (!sender.isAssigned) return false
  // Of another owner: it began to count anew.
  if (before === undefined || before.beat.owner !== beat.owner) return true
  return beat.sequence > before.beat.sequence
}

function remember(told: Set<string>, happening: NodeHappening): boolean {
  const key = JSON.stringify(happening)
  if (told.has(key)) return false
  told.add(key)
  for (const oldest of told) {
    if (told.size <= HAPPENINGS_KEPT) break
    told.delete(oldest)
  }
  return true
}

/** All of a slot that decisions rest on; figures that always change are left out. */
function slotSignature(slot: SlotBeat): string {
  const { beat } = slot
  const life =
    beat === undefined ? '-' : `${beat.run},${beat.isQuiet},${beat.isFinished},${beat.components.length}`
  const dumped = slot.dumped?.map(({ executor, digest }) => `${executor}:${digest}`).join(',') ?? '-'
  return [
    slot.port,
    slot.phase,
    slot.topologyId ?? '',
    slot.worker,
    slot.generation,
    slot.incarnation,
    slot.layout,
    slot.run ?? '',
    life,
    dumped,
  ].join(' ')
}
