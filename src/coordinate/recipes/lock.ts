/**
 * A lock: the first place in a line. Held until released, or until the session is over.
 *
 * Invariant: whoever holds it longer than its session is told so by `isHeld`, but others may hold it by then.
 * What must not be done twice is written with `fence` as its condition.
 */
import { isStreamError, UnavailableError } from '../../base/errors.ts'
import type { Host } from '../../host/host.ts'
import type { Coordinator } from '../coordinator.ts'
import { Line, newToken } from './line.ts'
import { Wake } from './wake.ts'

export interface LockSpec {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random'>
  readonly coordinator: Coordinator
  /** Node of the line; made if missing. */
  readonly path: string
  readonly timeoutMs: number
  /** Of our place, for whoever looks at the line. */
  readonly data?: Uint8Array
}

export interface HeldLock {
  /** Worked out at the read: the session stands, and a server has confirmed it. */
  readonly isHeld: boolean
  /** Larger than that of every earlier holder. */
  readonly fence: bigint
  /** Resolves when others may have it. Safe to repeat. */
  release(): Promise<void>
}

const RETRY_MS = 100

/** @throws UnavailableError OPERATION_TIMED_OUT somebody else held it all the time; SESSION_EXPIRED */
export async function acquireLock(spec: LockSpec): Promise<HeldLock> {
  const { host, coordinator } = spec
  const wake = new Wake(host.timers)
  const line = new Line({
    coordinator,
    path: spec.path,
    token: newToken(host.random),
    data: spec.data ?? new Uint8Array(0),
    onMove: () => wake.ring(),
  })
  const listening = coordinator.onState(() => wake.ring())
  const endMs = host.clock.monotonicMs() + spec.timeoutMs
  try {
    for (;;) {
      const fence = await tryFirst(coordinator, line)
      if (fence !== undefined) return heldLock(spec, line, fence)
      const leftMs = endMs - host.clock.monotonicMs()
      if (leftMs <= 0) {
        throw new UnavailableError(
          'OPERATION_TIMED_OUT',
          `${spec.path} was not free for ${spec.timeoutMs} ms`,
        )
      }
      await wake.sleep(Math.min(leftMs, coordinator.state === 'connected' ? leftMs : RETRY_MS))
    }
  } catch (error) {
    await line.leaveSurely(host.timers)
    throw error
  } finally {
    listening.stop()
  }
}

/** The fence, if we stand first. A lost connection is waited for. */
async function tryFirst(coordinator: Coordinator, line: Line): Promise<bigint | undefined> {
  if (coordinator.state === 'suspended') return undefined
  try {
    if ((await line.look()) !== 'first' || line.placePath === undefined) return undefined
    return (await coordinator.exists(line.placePath))?.createdZxid
  } catch (error) {
    if (isStreamError(error) && error.code === 'COORDINATOR_UNAVAILABLE') return undefined
    throw error
  }
}

function heldLock(spec: LockSpec, line: Line, fence: bigint): HeldLock {
  const { host, coordinator } = spec
  let isReleased = false
  return {
    get isHeld() {
      return !isReleased && coordinator.state === 'connected'
    },
    fence,
    release: async () => {
      if (isReleased) return
      isReleased = true
      await line.leaveSurely(host.timers)
    },
  }
}
