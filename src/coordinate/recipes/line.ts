/**
 * A place in a line: an ephemeral sequential node. Who is first is first; everybody else watches only whoever
 * stands before, so that one departure wakes one.
 *
 * Does not know: what being first is good for (`leader-election`, `lock`).
 *
 * Invariants
 *   N1  one token has one place: what a lost answer left over is found by the token in its name
 *   N2  whoever waits is rung when the place before is given up, or when that may have been missed
 */
import { hasCode, isStreamError } from '../../base/errors.ts'
import type { Timers } from '../../host/host.ts'
import type { Coordinator } from '../coordinator.ts'
import { ensurePath } from './ensure-path.ts'

export interface LineSpec {
  readonly coordinator: Coordinator
  /** The line's node; made if missing. */
  readonly path: string
  /** Of this place, never used before. */
  readonly token: string
  readonly data: Uint8Array
  /** Look again. */
  readonly onMove: () => void
}

/** Digits at the end of a sequential node's name. */
const NUMBER_DIGITS = 10
/** Rounds of one look: each means that somebody before us left in between. */
const ROUNDS_MAX = 1_000
const RETRY_MS = 100

export class Line {
  private readonly spec: LineSpec
  private watched: string | undefined
  private place: string | undefined

  constructor(spec: LineSpec) {
    this.spec = spec
  }

  /** Path of our place, as seen at the last look. */
  get placePath(): string | undefined {
    return this.place
  }

  /** Takes a place if we have none. `onMove` comes when it is worth looking again. */
  async look(): Promise<'first' | 'waiting'> {
    const { coordinator, path } = this.spec
    await coordinator.sync(path)
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const names = await this.names()
      const mine = names.findIndex((name) => name.includes(this.spec.token))
      if (mine < 0) {
        await this.join()
        continue
      }
      this.place = `${path}/${names[mine]}`
      await this.removeDoubles(names.slice(mine + 1))
      const before = names[mine - 1]
      if (before === undefined) return 'first'
      if (await this.watchPlace(`${path}/${before}`)) return 'waiting'
    }
    return 'waiting'
  }

  /** Gives the place up. Safe if there is none. */
  async leave(): Promise<void> {
    const { coordinator, path } = this.spec
    if ((await coordinator.exists(path)) === undefined) return
    await coordinator.sync(path)
    await this.removeDoubles(await this.names())
    this.place = undefined
  }

  /**
   * As `leave`, over lost connections, until it is done or the session is over, which ends the place as well.
   */
  async leaveSurely(timers: Timers): Promise<void> {
    const { coordinator } = this.spec
    while (coordinator.state !== 'expired' && coordinator.state !== 'closed') {
      try {
        await this.leave()
        return
      } catch (error) {
        if (!isStreamError(error) || error.family !== 'unavailable') throw error
      }
      await new Promise<void>((resolve) => void timers.after(RETRY_MS, resolve))
    }
  }

  private async names(): Promise<readonly string[]> {
    try {
      return inOrder(await this.spec.coordinator.children(this.spec.path))
    } catch (error) {
      if (!hasCode(error, 'RECORD_MISSING')) throw error
      return []
    }
  }

  private async join(): Promise<void> {
    const { coordinator, path, token, data } = this.spec
    await ensurePath(coordinator, path)
    await coordinator.create(`${path}/${token}-`, data, { mode: 'ephemeral-sequential' })
  }

  /** Removes what carries our token. */
  private async removeDoubles(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (!name.includes(this.spec.token)) continue
      try {
        await this.spec.coordinator.delete(`${this.spec.path}/${name}`)
      } catch (error) {
        if (!hasCode(error, 'RECORD_MISSING')) throw error
      }
    }
  }

  /** False: it is gone already. */
  private async watchPlace(place: string): Promise<boolean> {
    const { coordinator, onMove } = this.spec
    if (this.watched !== place) {
      await coordinator.watchOnce(place, 'data', () => {
        if (this.watched === place) this.watched = undefined
        onMove()
      })
      this.watched = place
    }
    return (await coordinator.exists(place)) !== undefined
  }
}

/** Names of sequential nodes by their numbers. */
export function inOrder(names: readonly string[]): readonly string[] {
  return [...names].sort((a, b) => numberOf(a) - numberOf(b))
}

function numberOf(name: string): number {
  const number = Number(name.slice(-NUMBER_DIGITS))
  // What is not ours to judge stands at the end and keeps nobody waiting.
  return Number.isNaN(number) ? Number.MAX_SAFE_INTEGER : number
}

/** 32 hexadecimal digits: two of them are never alike. */
export function newToken(random: { fill(target: Int32Array): void }): string {
  const words = new Int32Array(4)
  random.fill(words)
  return [...words].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}
