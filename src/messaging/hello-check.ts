/** Judges who says HELLO. Nothing else of a stranger is looked at before. Pure. */
import { ConflictError, FormatError, type StreamError, UsageError } from '../base/errors.ts'
import { GoodbyeReason, type Hello } from '../wire/control-codec.ts'
import { PROTOCOL_VERSION, speaksProtocol } from '../wire/version.ts'

/** Who we are, and whom we know. */
export interface Expected {
  readonly topologyId: string
  readonly worker: number
  readonly token: string
  readonly fingerprint: string
  /** Newest incarnation of a worker that is known, 0: none yet; undefined: it is no peer of ours. */
  readonly incarnationOf: (worker: number) => number | undefined
}

export interface Refusal {
  readonly reason: GoodbyeReason
  /** For our own log. The stranger learns its code and message, which hold no secrets. */
  readonly error: StreamError
}

/** undefined: let it in. */
export function judgeHello(hello: Hello, expected: Expected): Refusal | undefined {
  const worker = Number(hello.fromWorker)
  const details = { worker: hello.fromWorker.slice(0, 100), incarnation: hello.incarnation }
  if (!speaksProtocol(hello.protocol)) {
    const text = `protocol ${hello.protocol} is not spoken here, ours is ${PROTOCOL_VERSION}`
    return refuse(GoodbyeReason.REFUSED, new FormatError('VERSION_MISMATCH', text, details))
  }
  if (!isSameToken(hello.token, expected.token)) {
    return refuse(GoodbyeReason.REFUSED, new UsageError('NOT_AUTHENTICATED', 'the token is wrong', details))
  }
  const known = expected.incarnationOf(worker)
  const isMeant = hello.topologyId === expected.topologyId && hello.toWorker === String(expected.worker)
  if (!isMeant || known === undefined) {
    const text = `worker ${hello.toWorker} of ${hello.topologyId} is not here for worker ${hello.fromWorker}`
    return refuse(GoodbyeReason.REFUSED, new UsageError('NOT_ALLOWED', text, details))
  }
  if (hello.incarnation < known) {
    const text = `worker ${worker} is incarnation ${hello.incarnation}, ${known} is known`
    return refuse(GoodbyeReason.OLD_INCARNATION, new ConflictError('FRAME_OLD_INCARNATION', text, details))
  }
  if (hello.schemaFingerprint !== expected.fingerprint) {
    const text = `worker ${worker} has other schemas than worker ${expected.worker}`
    return refuse(GoodbyeReason.SCHEMA_MISMATCH, new FormatError('SCHEMA_MISMATCH', text, details))
  }
  return undefined
}

function refuse(reason: GoodbyeReason, error: StreamError): Refusal {
  return { reason, error }
}

/** Looks at every character, however early they differ: the time taken tells nothing of the token. */
function isSameToken(found: string, expected: string): boolean {
  let difference = found.length ^ expected.length
  for (let index = 0; index < found.length; index += 1) {
    difference |= found.charCodeAt(index) ^ expected.charCodeAt(index % Math.max(1, expected.length))
  }
  return difference === 0
}
