// A net of a test that can cut its user off from everybody, and that listens in on ZooKeeper's hello so that
// a session can be ended from outside.
import { UnavailableError } from '../../src/base/errors.ts'
import type { Connection, Net, Stoppable } from '../../src/host/host.ts'

/** How soon a dial fails while cut off. */
const REFUSED_AFTER_MS = 10
const HELLO_ID_AT = 12
const HELLO_PASSWORD_AT = 24
const PASSWORD_BYTES = 16

export class FaultyNet implements Net {
  /** Of the last session that a server agreed to. */
  password = new Uint8Array(PASSWORD_BYTES)
  /** Called with what is about to be sent; true: it is swallowed, with all that follows on its connection. */
  swallows: (bytes: Uint8Array) => boolean = () => false
  /** Addresses dialled. */
  readonly dialled: string[] = []
  private readonly net: Net
  private readonly open = new Set<FaultyConnection>()
  private isCut = false

  constructor(net: Net) {
    this.net = net
  }

  /** Connections end, dials fail, until `heal`. */
  cut(): void {
    this.isCut = true
    this.breakAll()
  }

  heal(): void {
    this.isCut = false
  }

  /** All connections end now; new ones may be made. */
  breakAll(): void {
    for (const each of [...this.open]) each.break()
  }

  /** Everything that arrives from now on is lost; connections seem to stand. */
  deafen(): void {
    for (const each of this.open) each.isDeaf = true
  }

  listen(): Promise<Stoppable> {
    throw new Error('nobody listens here')
  }

  connect(address: string, onOpen: () => void): Connection {
    this.dialled.push(address)
    const connection = new FaultyConnection(address, this)
    if (this.isCut) setTimeout(() => connection.break(), REFUSED_AFTER_MS)
    else connection.attach(this.net.connect(address, onOpen))
    this.open.add(connection)
    return connection
  }

  forget(connection: FaultyConnection): void {
    this.open.delete(connection)
  }
}

class FaultyConnection implements Connection {
  readonly peer: string
  onBytes: (bytes: Uint8Array) => void = () => undefined
  onDrain: () => void = () => undefined
  onClose: (why: Error | undefined) => void = () => undefined
  isDeaf = false
  private readonly owner: FaultyNet
  private inner: Connection | undefined
  private isOver = false
  private isSwallowing = false
  private hasHello = false

  constructor(peer: string, owner: FaultyNet) {
    this.peer = peer
    this.owner = owner
  }

  attach(inner: Connection): void {
    this.inner = inner
    inner.onBytes = (bytes) => {
      if (this.isDeaf) return
      if (!this.hasHello && bytes.length >= 4 + HELLO_PASSWORD_AT) this.listenIn(bytes)
      this.onBytes(bytes)
    }
    inner.onClose = (why) => this.end(why)
  }

  break(): void {
    this.inner?.close()
    this.end(new UnavailableError('LINK_LOST', 'cut by the test'))
  }

  write(bytes: Uint8Array): boolean {
    this.isSwallowing ||= this.owner.swallows(bytes)
    return this.isSwallowing ? true : (this.inner?.write(bytes) ?? true)
  }

  close(): void {
    this.inner?.close()
    this.isOver = true
    this.owner.forget(this)
  }

  private end(why: Error | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.owner.forget(this)
    this.onClose(why)
  }

  private listenIn(bytes: Uint8Array): void {
    this.hasHello = true
    const isAgreed = bytes.slice(HELLO_ID_AT, HELLO_ID_AT + 8).some((byte) => byte !== 0)
    if (isAgreed) this.owner.password = bytes.slice(HELLO_PASSWORD_AT, HELLO_PASSWORD_AT + PASSWORD_BYTES)
  }
}
