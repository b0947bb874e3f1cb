/** Whole frames of the rare kinds, as bytes. Layouts: wire/control-codec.ts. */
import { ByteWriter } from '../wire/byte-writer.ts'
import {
  type EchoReply,
  type Goodbye,
  type Hello,
  type Suspect,
  type Welcome,
  writeCredit,
  writeEcho,
  writeEchoReply,
  writeGoodbye,
  writeHello,
  writeSuspect,
  writeWelcome,
} from '../wire/control-codec.ts'
import { beginFrame, type Checksum, endFrame, FrameKind } from '../wire/frame.ts'

/** What the envelope says. */
export interface Envelope {
  readonly sequence: number
  readonly incarnation: number
}

/** A total of bytes of one channel: sent, or granted. */
export interface ChannelTotal {
  readonly channel: number
  readonly sizeBytes: number
}

const SIZE_BYTES = 256

export class ControlFrames {
  private readonly checksum: Checksum

  constructor(checksum: Checksum) {
    this.checksum = checksum
  }

  hello(envelope: Envelope, hello: Hello): Uint8Array {
    return this.make(FrameKind.HELLO, envelope, (writer) => writeHello(writer, hello))
  }

  welcome(envelope: Envelope, welcome: Welcome): Uint8Array {
    return this.make(FrameKind.WELCOME, envelope, (writer) => writeWelcome(writer, welcome))
  }

  credit(envelope: Envelope, totals: readonly ChannelTotal[]): Uint8Array {
    return this.make(FrameKind.CREDIT, envelope, (writer) => {
      for (const total of totals) writeCredit(writer, total.channel, total.sizeBytes)
    })
  }

  echo(envelope: Envelope, token: number): Uint8Array {
    return this.make(FrameKind.ECHO, envelope, (writer) => writeEcho(writer, token))
  }

  echoReply(envelope: Envelope, reply: EchoReply): Uint8Array {
    return this.make(FrameKind.ECHO_REPLY, envelope, (writer) => writeEchoReply(writer, reply))
  }

  goodbye(envelope: Envelope, goodbye: Goodbye): Uint8Array {
    return this.make(FrameKind.GOODBYE, envelope, (writer) => writeGoodbye(writer, goodbye))
  }

  suspect(envelope: Envelope, suspect: Suspect, protocol: number): Uint8Array {
    return this.make(FrameKind.SUSPECT, envelope, (writer) => writeSuspect(writer, suspect, protocol))
  }

  private make(kind: FrameKind, envelope: Envelope, body: (writer: ByteWriter) => void): Uint8Array {
    const writer = new ByteWriter(SIZE_BYTES)
    const start = beginFrame(writer, kind, envelope.sequence, envelope.incarnation)
    body(writer)
    endFrame(writer, start, this.checksum)
    return writer.copy()
  }
}
