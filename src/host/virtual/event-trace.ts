/**
 * What happened in a virtual world: a hash over every event, to see whether two runs were the same, and the
 * last events as text, for reports of failures.
 */
import { hexOf } from '../../base/int64.ts'

/** A byte each in the hash: never renumber, so that hashes of one version can be compared with the next. */
export const EventKind = { defer: 1, after: 2, every: 3, arrival: 4, fault: 5 } as const
export type EventKind = (typeof EventKind)[keyof typeof EventKind]

interface Event {
  readonly kind: EventKind
  readonly host: string
  readonly atMs: number
  /** Hashed along: how many bytes arrived, which host it was. */
  readonly fact: number
  /** A text, or the callback whose name is read only when somebody asks. */
  readonly label: string | (() => void)
}

const KEPT_MAX = 200

const time = new Float64Array(1)
const timeWords = new Int32Array(time.buffer)

export class EventTrace {
  private high = 0x243f6a88
  private low = 0x85a308d3 | 0
  private noted = 0
  private readonly kept: Event[] = []

  get count(): number {
    return this.noted
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hexOf(this.high, this.low)
  }

  /** `fact` is what else belongs to the identity of the event: an int32. */
  note(kind: EventKind, host: string, atMs: number, fact: number, label: string | (() => void)): void {
    time[0] = atMs
    const timeWord = Math.imul(timeWords[0] ?? 0, 31) ^ (timeWords[1] ?? 0)
    this.high = rotate(Math.imul(this.high ^ timeWord, 0x9e3779b1), 13) ^ this.low
    this.low = rotate(Math.imul(this.low ^ fact ^ (kind << 24), 0x85ebca77), 17) ^ (this.high + this.noted)
    this.kept[this.noted % KEPT_MAX] = { kind, host, atMs, fact, label }
    this.noted += 1
  }

  /** The last events, oldest first, 200 at most. */
  recent(): string[] {
    const from = Math.max(0, this.noted - KEPT_MAX)
    const lines: string[] = []
    for (let i = from; i < this.noted; i += 1) {
      const event = this.kept[i % KEPT_MAX]
      if (event !== undefined) lines.push(textOf(event))
    }
    return lines
  }
}

function textOf(event: Event): string {
  const kind = Object.entries(EventKind).find(([, value]) => value === event.kind)?.[0] ?? '?'
  const label = typeof event.label === 'string' ? event.label : event.label.name
  return `${event.atMs.toFixed(3)} ${event.host} ${kind} ${label}`.trimEnd()
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
