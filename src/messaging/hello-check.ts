/** Judges who says HELLO. Nothing else of a stranger is looked at before. Pure. */
import { ConflictError, FormatError, type StreamError, UsageError } from '../base/errors.ts'
import { GoodbyeReason, type Hello } from '../wire/control-codec.ts'
import { commonProtocol, PROTOCOL_VERSION } from '../wire/version.ts'

/** Who we are, and whom we know. */
export interface Expected {
  readonly topologyId: string
  /** It only grows: workers of two layouts do not understand each other. 0: there is only one. */
  readonly layout: number
  readonly worker: number
  readonly token: string
  readonly fingerprint: string
  /** Newest incarnation of a worker that is known, 0: none yet; undefined: it is no peer of ours. */
  readonly incarnationOf: (worker: number) => number | undefined
}

export interface Refusal {
  readonly reason: GoodbyeReason
  /**
   * Whom the goodbye is addressed to. Newer than who said HELLO: that worker is told so that it has been
   * replaced, and by which incarnation.
   */
  readonly addressee: number
  /** For our own log. The stranger learns its code and message, which hold no secrets. */
  readonly error: StreamError
}

/** Of who belongs to a layout that is over: whatever comes of its number is newer. */
const ANY_NEWER = 0xffff_ffff

/** `words-1-a3f/2`: as a topology and its layout stand in a HELLO. */
export function helloTopology(topologyId: string, layout: number): string {
  return layout === 0 ? topologyId : `${topologyId}/${layout}`
}

/** `newest`: protocol that it speaks, as the frame's head says. undefined: let it in. */
export function judgeHello(hello: Hello, newest: number, expected: Expected): Refusal | undefined {
  const worker = Number(hello.fromWorker)
  const details = { worker: hello.fromWorker.slice(0, 100), incarnation: hello.incarnation }
  if (commonProtocol(hello.protocol, newest) === undefined) {
    const text = `protocol ${hello.protocol} is not spoken here, ours is ${PROTOCOL_VERSION}`
    return refuse(hello, GoodbyeReason.REFUSED, new FormatError('VERSION_MISMATCH', text, details))
  }
  if (!isSameToken(hello.token, expected.token)) {
    const error = new UsageError('NOT_AUTHENTICATED', 'the token is wrong', details)
    return refuse(hello, GoodbyeReason.REFUSED, error)
  }
  if (isOfOlderLayout(hello, expected)) {
    const text = `worker ${worker} is of a layout that is over, the layout is ${expected.layout}`
    return outdated(ANY_NEWER, new ConflictError('FRAME_OLD_INCARNATION', text, details))
  }
  const known = expected.incarnationOf(worker)
  const topology = helloTopology(expected.topologyId, expected.layout)
  const isMeant = hello.topologyId === topology && hello.toWorker === String(expected.worker)
  if (!isMeant || known === undefined) {
    const text = `worker ${hello.toWorker} of ${hello.topologyId} is not here for worker ${hello.fromWorker}`
    return refuse(hello, GoodbyeReason.REFUSED, new UsageError('NOT_ALLOWED', text, details))
  }
  if (hello.incarnation < known) {
    const text = `worker ${worker} is incarnation ${hello.incarnation}, ${known} is known`
    return outdated(known, new ConflictError('FRAME_OLD_INCARNATION', text, details))
  }
  if (hello.schemaFingerprint !== expected.fingerprint) {
    const text = `worker ${worker} has other schemas than worker ${expected.worker}`
    return refuse(hello, GoodbyeReason.SCHEMA_MISMATCH, new FormatError('SCHEMA_MISMATCH', text, details))
  }
  return undefined
}

function refuse({ incarnation }: Hello, reason: GoodbyeReason, error: StreamError): Refusal {
  return { reason, error, addressee: incarnation }
}

function outdated(addressee: number, error: StreamError): Refusal {
  return { reason: GoodbyeReason.OLD_INCARNATION, error, addressee }
}

function isOfOlderLayout({ topologyId }: Hello, expected: Expected): boolean {
  const own = `${expected.topologyId}/`
  if (expected.layout === 0 || !topologyId.startsWith(own)) return false
  const layout = Number(topologyId.slice(own.length))
  return Number.isInteger(layout) && layout > 0 && layout < expected.layout
}

/** Looks at every character, however early they differ: the time taken tells nothing of the token. */
function isSameToken(found: string, expected: string): boolean {
  let difference = found.length ^ expected.length
  for (let index = 0; index < found.length; index += 1) {
    difference |= found.charCodeAt(index) ^ expected.charCodeAt(index % Math.max(1, expected.length))
  }
  return difference === 0
}
