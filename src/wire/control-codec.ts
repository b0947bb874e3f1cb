/**
 * Bodies of the rare frames: handshake, credit, echo, goodbye, suspect. Readable first, fast second.
 *
 * Route:   messaging writes and reads them; frame.ts wraps them.
 * Touches: nothing outside. What a token or a fingerprint means is messaging's and worker's business.
 *
 *   HELLO      protocol unsigned, topology id text, incarnation unsigned, from worker text, to worker text,
 *              token text, schema fingerprint text
 *   WELCOME    protocol unsigned, incarnation unsigned, last sequence seen unsigned (0: none)
 *   CREDIT     for each grant until the end: channel unsigned, bytes unsigned
 *   ECHO       token unsigned
 *   ECHO_REPLY token of the ECHO unsigned, then how busy the loop of the worker is: unsigned, 0 to 1000
 *              thousandths of its time; may be left out, by who does not say
 *   GOODBYE    reason u8, text
 *   SUSPECT    worker text, what is lost unsigned, text
 *                0  only the link to it
 *                1  the worker; protocol 1 says no more of it
 *                …  from protocol 2 on: the worker, which came back as this incarnation
 *
 * The primitives are those of byte-writer.ts. Nothing may follow: what a later protocol adds, it adds after
 * the handshake has agreed on it.
 */
import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { malformed } from './malformed.ts'

/** Longest HELLO body a listener should take: before the token was checked, a peer is a stranger. */
export const HELLO_BYTES_MAX = 1024

export interface Hello {
  /** The oldest that it speaks. The newest is in the frame's head: version.ts. */
  readonly protocol: number
  readonly topologyId: string
  /** Of the worker that dials. */
  readonly incarnation: number
  readonly fromWorker: string
  /** Whom it means to reach: an address may have a new owner. */
  readonly toWorker: string
  readonly token: string
  /** Stands for all streams with their schemas; if it differs, bytes would be misread. */
  readonly schemaFingerprint: string
}

export interface Welcome {
  /** Which is spoken from now on. */
  readonly protocol: number
  /** Of the worker that answers: what the frames to it must carry. */
  readonly incarnation: number
  /** The newest frame that came over this direction of the link, 0: none. */
  readonly lastSequence: number
}

/** That the worker is lost, but not in which incarnation it came back: all that protocol 1 says of it. */
export const SUSPECT_NOT_SAID = 1

/** News of a loss elsewhere: trees that passed there may be in pieces. */
export interface Suspect {
  readonly worker: string
  /** In which it came back: the ones before are lost. 0: only the link is. Or SUSPECT_NOT_SAID. */
  readonly incarnation: number
  readonly text: string
}

/** Why a side says goodbye. Bytes on the wire. */
export const GoodbyeReason = {
  SHUTDOWN: 1,
  REFUSED: 2,
  OLD_INCARNATION: 3,
  SCHEMA_MISMATCH: 4,
  MALFORMED: 5,
} as const
export type GoodbyeReason = (typeof GoodbyeReason)[keyof typeof GoodbyeReason]

export interface Goodbye {
  readonly reason: GoodbyeReason
  readonly text: string
}

export function writeHello(writer: ByteWriter, hello: Hello): void {
  writer.unsigned(hello.protocol)
  writer.text(hello.topologyId)
  writer.unsigned(hello.incarnation)
  writer.text(hello.fromWorker)
  writer.text(hello.toWorker)
  writer.text(hello.token)
  writer.text(hello.schemaFingerprint)
}

/** @throws FormatError FRAME_MALFORMED */
export function readHello(bytes: Uint8Array, start: number, end: number): Hello {
  const reader = new ByteReader().open(bytes, start, end)
  const hello: Hello = {
    protocol: reader.unsigned(),
    topologyId: reader.text(),
    incarnation: reader.unsigned(),
    fromWorker: reader.text(),
    toWorker: reader.text(),
    token: reader.text(),
    schemaFingerprint: reader.text(),
  }
  reader.finish()
  return hello
}

export function writeWelcome(writer: ByteWriter, welcome: Welcome): void {
  writer.unsigned(welcome.protocol)
  writer.unsigned(welcome.incarnation)
  writer.unsigned(welcome.lastSequence)
}

/** @throws FormatError FRAME_MALFORMED */
export function readWelcome(bytes: Uint8Array, start: number, end: number): Welcome {
  const reader = new ByteReader().open(bytes, start, end)
  const welcome: Welcome = {
    protocol: reader.unsigned(),
    incarnation: reader.unsigned(),
    lastSequence: reader.unsigned(),
  }
  reader.finish()
  return welcome
}

/** One grant of a CREDIT body; write as many as there are. */
export function writeCredit(writer: ByteWriter, channel: number, sizeBytes: number): void {
  writer.unsigned(channel)
  writer.unsigned(sizeBytes)
}

/** Reads a CREDIT body grant by grant into its public fields. */
export class CreditCursor {
  channel = 0
  sizeBytes = 0
  private readonly reader = new ByteReader()

  open(bytes: Uint8Array, start: number, end: number): void {
    this.reader.open(bytes, start, end)
  }

  /** @throws FormatError FRAME_MALFORMED */
  next(): boolean {
    if (this.reader.position >= this.reader.end) return false
    this.channel = this.reader.unsigned()
    this.sizeBytes = this.reader.unsigned()
    return true
  }
}

/** ECHO. */
export function writeEcho(writer: ByteWriter, token: number): void {
  writer.unsigned(token)
}

/** @throws FormatError FRAME_MALFORMED */
export function readEcho(bytes: Uint8Array, start: number, end: number): number {
  const reader = new ByteReader().open(bytes, start, end)
  const token = reader.unsigned()
  reader.finish()
  return token
}

const BUSY_MAX = 1_000

export interface EchoReply {
  readonly token: number
  /** Share of its time that the peer's loop is at work, 0 to 1. undefined: it does not say. */
  readonly busyShare: number | undefined
}

export function writeEchoReply(writer: ByteWriter, { token, busyShare }: EchoReply): void {
  writer.unsigned(token)
  if (busyShare !== undefined) writer.unsigned(Math.round(Math.min(1, Math.max(0, busyShare)) * BUSY_MAX))
}

/** @throws FormatError FRAME_MALFORMED */
export function readEchoReply(bytes: Uint8Array, start: number, end: number): EchoReply {
  const reader = new ByteReader().open(bytes, start, end)
  const token = reader.unsigned()
  if (reader.remaining === 0) return { token, busyShare: undefined }
  const busy = reader.unsigned()
  if (busy > BUSY_MAX) malformed(`${busy} thousandths are no share`)
  reader.finish()
  return { token, busyShare: busy / BUSY_MAX }
}

export function writeGoodbye(writer: ByteWriter, goodbye: Goodbye): void {
  writer.byte(goodbye.reason)
  writer.text(goodbye.text)
}

/** @throws FormatError FRAME_MALFORMED */
export function readGoodbye(bytes: Uint8Array, start: number, end: number): Goodbye {
  const reader = new ByteReader().open(bytes, start, end)
  const goodbye: Goodbye = { reason: reasonOf(reader.byte()), text: reader.text() }
  reader.finish()
  return goodbye
}

/** As a peer understands it that speaks this protocol. */
export function writeSuspect(writer: ByteWriter, suspect: Suspect, protocol: number): void {
  writer.text(suspect.worker)
  writer.unsigned(protocol >= 2 ? suspect.incarnation : Math.min(suspect.incarnation, SUSPECT_NOT_SAID))
  writer.text(suspect.text)
}

/** Of any protocol: what 1 writes is also right in 2. @throws FormatError FRAME_MALFORMED */
export function readSuspect(bytes: Uint8Array, start: number, end: number): Suspect {
  const reader = new ByteReader().open(bytes, start, end)
  const worker = reader.text()
  const suspect: Suspect = { worker, incarnation: reader.unsigned(), text: reader.text() }
  reader.finish()
  return suspect
}

function reasonOf(byte: number): GoodbyeReason {
  switch (byte) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      return byte
    default:
      return malformed(`${byte} is no reason to say goodbye`)
  }
}
