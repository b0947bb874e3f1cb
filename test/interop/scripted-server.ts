// A server that speaks ZooKeeper's protocol and does what a test says: it keeps sessions, answers, falls
// silent, refuses. It has no tree.

import { FrameSplitter } from '../../src/coordinate/zookeeper/protocol/frame-splitter.ts'
import { JuteReader } from '../../src/coordinate/zookeeper/protocol/jute-reader.ts'
import { JuteWriter } from '../../src/coordinate/zookeeper/protocol/jute-writer.ts'
import { Op } from '../../src/coordinate/zookeeper/protocol/requests.ts'
import type { Connection, Host } from '../../src/host/host.ts'

const NO_NODE = -101
const names = new Map<number, string>(Object.entries(Op).map(([name, number]) => [number, name]))

export interface Seen {
  readonly server: string
  /** `hello`, or the name of an operation. */
  readonly name: string
  readonly atMs: number
  readonly sizeBytes: number
}

export interface Hello {
  readonly lastZxid: bigint
  readonly sessionTimeoutMs: number
  readonly sessionId: bigint
  readonly password: string
}

/** What all servers of a test have in common. */
export class Script {
  readonly seen: Seen[] = []
  readonly hellos: Hello[] = []
  /** Answers nothing more, hello or request. */
  isMute = false
  /** Answers the hello with a session of this length; 0: it is over. */
  sessionTimeoutMs = 6_000
  /** Errors by the name of an operation. */
  readonly errors = new Map<string, number>()
  zxid = 1n
  sessionId = 0x1234n
  readonly open = new Set<Connection>()

  names(): string[] {
    return this.seen.map(({ name }) => name)
  }

  /** What is left of what was seen since the last call. */
  take(): string[] {
    return this.seen.splice(0).map(({ name }) => name)
  }

  breakAll(): void {
    for (const connection of [...this.open]) connection.close()
    this.open.clear()
  }
}

export async function startScripted(host: Host, address: string, script: Script): Promise<void> {
  await host.net.listen(address, (connection) => {
    const reader = new JuteReader()
    const writer = new JuteWriter()
    let hasHello = false
    script.open.add(connection)
    const splitter = new FrameSplitter((bytes, start, end) => {
      reader.open(bytes, start, end)
      const atMs = host.clock.monotonicMs()
      const note = (name: string) => script.seen.push({ server: address, name, atMs, sizeBytes: end - start })
      if (!hasHello) {
        hasHello = true
        note('hello')
        const answer = answerHello(reader, writer, script)
        if (!script.isMute) connection.write(answer)
        return true
      }
      const xid = reader.int()
      const name = names.get(reader.int()) ?? 'unknown'
      note(name)
      if (!script.isMute) connection.write(answerRequest(writer, script, xid, name))
      return true
    })
    connection.onBytes = (bytes) => splitter.push(bytes)
    connection.onClose = () => script.open.delete(connection)
  })
}

function answerHello(reader: JuteReader, writer: JuteWriter, script: Script): Uint8Array {
  reader.int()
  const lastZxid = reader.long()
  const sessionTimeoutMs = reader.int()
  const sessionId = reader.long()
  const password = Buffer.from(reader.buffer()).toString('latin1')
  script.hellos.push({ lastZxid, sessionTimeoutMs, sessionId, password })
  writer
    .begin()
    .int(0)
    .int(script.sessionTimeoutMs)
    .long(script.sessionTimeoutMs === 0 ? 0n : script.sessionId)
  return writer.buffer(Buffer.from('sixteen letters!')).bool(false).end()
}

function answerRequest(writer: JuteWriter, script: Script, xid: number, name: string): Uint8Array {
  const isChange = ['create', 'setData', 'delete', 'multi'].includes(name)
  if (isChange) script.zxid += 1n
  const code = script.errors.get(name) ?? (name === 'exists' ? NO_NODE : 0)
  writer.begin().int(xid).long(script.zxid).int(code)
  if (code !== 0) return writer.end()
  if (name === 'create') writer.text('/made')
  if (name === 'getChildren') writer.texts([])
  if (name === 'sasl') writer.buffer(Buffer.from('realm="r",nonce="n"'))
  return writer.end()
}
