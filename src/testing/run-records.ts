/** What a run keeps of what went wrong: dead letters up to a size, errors grouped by code and component. */
import type { StreamError } from '../base/errors.ts'
import { roughSizeBytes } from '../state/rough-size.ts'
import type { DeadLetter } from '../topology/tuple.ts'
import type { ShownError } from '../worker/desk.ts'

/** Groups of errors kept; beyond it the one that was quiet longest goes. */
const GROUPS_MAX = 200

export interface ErrorGroup {
  readonly code: string
  readonly componentId: string
  readonly first: StreamError
  readonly firstAt: number
  count: number
  lastAt: number
  lastMessage: string
}

export class ErrorBook {
  private readonly groups = new Map<string, ErrorGroup>()

  add({ code, componentId, error, at }: ShownError): void {
    const key = `${code}/${componentId}`
    const known = this.groups.get(key)
    if (known === undefined) {
      this.groups.set(key, {
        code,
        componentId,
        first: error,
        firstAt: at,
        count: 1,
        lastAt: at,
        lastMessage: error.message,
      })
      if (this.groups.size > GROUPS_MAX) this.dropOldest()
      return
    }
    known.count += 1
    known.lastAt = at
    known.lastMessage = error.message
  }

  addHeldBack(componentId: string, count: number): void {
    // Held back are further ones of the groups seen last.
    const last = [...this.groups.values()].filter((group) => group.componentId === componentId).at(-1)
    if (last !== undefined) last.count += count
  }

  all(): readonly ErrorGroup[] {
    return [...this.groups.values()].sort((a, b) => b.lastAt - a.lastAt)
  }

  private dropOldest(): void {
    const oldest = [...this.groups].reduce((a, b) => (a[1].lastAt <= b[1].lastAt ? a : b))
    this.groups.delete(oldest[0])
  }
}

export class DeadLetterBook {
  readonly letters: DeadLetter[] = []
  private sizeBytes = 0
  private readonly sizeBytesMax: number

  constructor(sizeBytesMax: number) {
    this.sizeBytesMax = sizeBytesMax
  }

  /** @returns false: full */
  add(letter: DeadLetter): boolean {
    const bytes = roughSizeBytes(letter)
    if (this.sizeBytes + bytes > this.sizeBytesMax) return false
    this.sizeBytes += bytes
    this.letters.push(letter)
    return true
  }
}
