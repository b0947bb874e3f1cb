/**
 * How far a partition has been processed without a gap: the position before which every item is done.
 *
 *   done done OPEN done OPEN …        position = that of the second item; the others wait for the first OPEN
 *         ▲ prefix
 *
 * Invariants
 *   X1  The position never goes back.
 *   X2  It is that of an item that is done, and so is every item before it.
 */

const CUT_MIN = 1_024

/** An item of a partition in flight. */
export class PositionedEntry {
  readonly prefix: AckedPrefix
  readonly position: unknown
  isDone = false

  constructor(prefix: AckedPrefix, position: unknown) {
    this.prefix = prefix
    this.position = position
  }
}

export class AckedPrefix {
  /** Just after the last item of the prefix; undefined: nothing is done yet. */
  position: unknown
  /** Just after the last item handed out. */
  lastTaken: unknown
  /** Items handed out and items in the prefix, since the start of this task. */
  takenCount = 0
  doneCount = 0
  private entries: PositionedEntry[] = []
  private head = 0

  constructor(position: unknown) {
    this.position = position
    this.lastTaken = position
  }

  get openCount(): number {
    return this.entries.length - this.head
  }

  /** HOT. The next item in the partition's order. */
  take(position: unknown): PositionedEntry {
    const entry = new PositionedEntry(this, position)
    this.entries.push(entry)
    this.takenCount += 1
    this.lastTaken = position
    return entry
  }

  /** HOT. An item is done; the position moves if it was the oldest open one. */
  done(entry: PositionedEntry): void {
    entry.isDone = true
    const { entries } = this
    let { head } = this
    let oldest = entries[head]
    if (oldest !== entry) return
    while (oldest?.isDone) {
      this.position = oldest.position
      this.doneCount += 1
      head += 1
      oldest = entries[head]
    }
    // Cut off by halves: what is moved then was paid for by as many items that are done.
    if (head === entries.length) {
      this.entries = []
      head = 0
    } else if (head > CUT_MIN && head * 2 > entries.length) {
      this.entries = entries.slice(head)
      head = 0
    }
    this.head = head
  }
}
