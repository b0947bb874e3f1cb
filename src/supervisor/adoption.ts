/**
 * Whether a process that says HELLO may go on: what it says of itself, against what this supervisor has kept
 * of it. Pure. Whoever comes here has shown the secret of that launch.
 *
 *   nothing kept of it                       dismiss   it is told to go; nobody may be signalled on a guess
 *   another process with its secret          dismiss   a child of a worker has read its environment
 *   another version of the messages          kill      it is ours for sure; its successor is understood
 *   a seat that is not the one kept          kill      it is ours for sure, and in nobody's way any more
 *   no seat yet, or the one kept             adopt
 *
 * Whether its seat is still wanted here is the slot's business (slot.ts).
 */
import { FormatError } from '../base/errors.ts'
import { incarnationOf } from '../cluster/incarnation.ts'
import { SEAT_PROTOCOL, type SeatFacts } from '../cluster/seat-messages.ts'
import type { SeatRecord } from './local-state.ts'

export interface Newcomer {
  readonly protocol: number
  readonly pid: number
  readonly bornAt: string
  readonly seat: SeatFacts | undefined
}

export interface Adoption {
  readonly verdict: 'adopt' | 'dismiss' | 'kill'
  readonly why: string
}

/** Nothing but HELLO of what it says would be understood. undefined: all of it is. */
export function misfitOf({ protocol }: Pick<Newcomer, 'protocol'>): FormatError | undefined {
  if (protocol === SEAT_PROTOCOL) return undefined
  const both = `the worker speaks version ${protocol} of the seat protocol, this supervisor ${SEAT_PROTOCOL}`
  const remedy =
    protocol > SEAT_PROTOCOL
      ? 'what is installed here is newer than this supervisor, so restart this supervisor'
      : 'the worker is older than this supervisor and is started anew. If that one is as old, what is ' +
        'installed here is older: install the newer version, then restart this supervisor'
  const details = { worker: protocol, supervisor: SEAT_PROTOCOL }
  return new FormatError('VERSION_MISMATCH', `${both}: ${remedy}`, details)
}

export function judgeNewcomer(kept: SeatRecord | undefined, hello: Newcomer): Adoption {
  if (kept === undefined) return { verdict: 'dismiss', why: 'nothing is known of this worker here' }
  const isOther = kept.pid !== undefined && (kept.pid !== hello.pid || kept.bornAt !== hello.bornAt)
  if (isOther) {
    return { verdict: 'dismiss', why: `this secret belongs to process ${kept.pid}, not to ${hello.pid}` }
  }
  const misfit = misfitOf(hello)
  if (misfit !== undefined) return { verdict: 'kill', why: misfit.message }
  const { seat } = hello
  if (seat === undefined) {
    return kept.hasStarted
      ? { verdict: 'kill', why: 'it had a seat and has lost it' }
      : { verdict: 'adopt', why: 'it waits for its seat' }
  }
  const wanted = incarnationOf(kept.generation, kept.restart)
  const isSame =
    seat.topologyId === kept.topologyId &&
    seat.worker === kept.worker &&
    seat.port === kept.port &&
    seat.incarnation === wanted &&
    seat.layout === kept.layout &&
    seat.layoutDigest === kept.layoutDigest
  if (isSame) return { verdict: 'adopt', why: 'it is the worker of this slot' }
  return { verdict: 'kill', why: `it runs incarnation ${seat.incarnation}, this slot has ${wanted}` }
}
