/**
 * Where worker processes of this node find their supervisor: a listener on loopback, and a file that says at
 * which address. Who shows the secret of a launch is brought together with its seat; all others are closed.
 *
 *   connection ─▶ HELLO ─▶ secret known? ─ no ─▶ told to go, closed
 *                              │ yes
 *                              ▼
 *                 seat ─▶ owner's judgement (adoption.ts) ─▶ connected │ told to go │ killed
 *
 * Does not know: what is said afterwards.
 *
 * Invariants
 *   D1  nothing of a message is looked at before the secret was found right, and its comparison takes as long
 *       for a wrong one as for a right one
 *   D2  who has not shown it may send little, stay 5 s, and be one of 64, with those that were told to go;
 *       one more, and the oldest has to leave: strangers never keep a worker out
 */
import { hasCode } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { digestText } from '../../blob/blob-store.ts'
import { MESSAGE_BYTES_MAX, MessageChannel } from '../../cluster/message-channel.ts'
import type { SeatControl } from '../../cluster/seat-environment.ts'
import type { ToWorker } from '../../cluster/seat-messages.ts'
import type { Connection, Host, Stoppable } from '../../host/host.ts'
import { misfitOf } from '../adoption.ts'
import type { Seat } from './seat.ts'
import { checkHello, checkSeatMessage, secretOf } from './seat-check.ts'

export interface SeatDeskSpec {
  readonly host: Host
  readonly log: Logger
  readonly listenHost: string
  /** The file that workers read. */
  readonly controlPath: string
}

const STRANGER_MS = 5_000
const STRANGERS_MAX = 64
const HELLO_BYTES_MAX = 64 * 1_024
/**
 * Ports that nobody is given by the system on the way, mostly; drawn by chance, for many supervisors on one
 * machine.
 */
const PORT_FIRST = 20_000
const PORT_COUNT = 12_000
const PORT_TRIES = 50

type Channel = MessageChannel<unknown, ToWorker>

export class SeatDesk {
  private readonly spec: SeatDeskSpec
  private readonly seats = new Map<string, Seat>()
  /** Oldest first, each with the end of patience with it. */
  private readonly strangers = new Map<Channel, Stoppable>()
  /** Told to go. */
  private readonly leaving = new Map<Channel, Stoppable>()
  private listening: Stoppable | undefined

  constructor(spec: SeatDeskSpec) {
    this.spec = spec
  }

  /** @throws UnavailableError PORT_IN_USE, DISK_FULL, CONNECT_FAILED */
  async open(): Promise<void> {
    const address = await this.listen()
    await this.writeControl({ address })
  }

  /** From now on its HELLO is welcome. */
  expect(seat: Seat): void {
    this.seats.set(seat.secretDigest, seat)
  }

  forget(seat: Seat): void {
    if (this.seats.get(seat.secretDigest) === seat) this.seats.delete(seat.secretDigest)
  }

  close(): void {
    this.listening?.stop()
    for (const channel of [...this.leaving.keys(), ...this.strangers.keys()]) this.drop(channel)
    for (const seat of this.seats.values()) seat.letGo()
  }

  private async listen(): Promise<string> {
    const { host, listenHost } = this.spec
    const random = host.random.split('seat desk')
    for (let tries = 1; ; tries += 1) {
      const address = `${listenHost}:${PORT_FIRST + Math.floor(random.next() * PORT_COUNT)}`
      try {
        this.listening = await host.net.listen(address, (connection) => this.accept(connection))
        return address
      } catch (error) {
        if (tries >= PORT_TRIES || !hasCode(error, 'PORT_IN_USE')) throw error
      }
    }
  }

  private async writeControl(control: SeatControl): Promise<void> {
    const { files } = this.spec.host
    const fresh = `${this.spec.controlPath}.new`
    const file = await files.open(fresh, 'create')
    try {
      await file.write(new TextEncoder().encode(JSON.stringify(control)), 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await files.rename(fresh, this.spec.controlPath)
  }

  private accept(connection: Connection): void {
    this.makeRoom()
    let seat: Seat | undefined
    const channel: Channel = new MessageChannel<unknown, ToWorker>({
      connection,
      get messageBytesMax() {
        return seat === undefined ? HELLO_BYTES_MAX : MESSAGE_BYTES_MAX
      },
      onMessage: (message) => {
        if (seat !== undefined) this.pass(channel, seat, message)
        else if (this.forgetStranger(channel)) seat = this.meet(channel, message)
      },
      onClose: () => {
        this.forgetStranger(channel)
        seat?.disconnected(channel)
      },
    })
    this.strangers.set(channel, this.patienceWith(channel))
  }

  /** D2. */
  private makeRoom(): void {
    while (this.strangers.size + this.leaving.size >= STRANGERS_MAX) {
      const [oldest] = this.leaving.size > 0 ? this.leaving.keys() : this.strangers.keys()
      if (oldest !== undefined) this.drop(oldest)
    }
  }

  private patienceWith(channel: Channel): Stoppable {
    return this.spec.host.timers.after(STRANGER_MS, () => this.drop(channel))
  }

  private drop(channel: Channel): void {
    this.forgetStranger(channel)
    channel.close()
  }

  /** False: it was none that may speak. */
  private forgetStranger(channel: Channel): boolean {
    const patience = this.strangers.get(channel) ?? this.leaving.get(channel)
    patience?.stop()
    this.leaving.delete(channel)
    return this.strangers.delete(channel)
  }

  /** The first message. undefined: the channel is closed. */
  private meet(channel: Channel, message: unknown): Seat | undefined {
    const refuse = (why: string) => {
      channel.send({ kind: 'dismiss', why })
      this.leave(channel)
      return undefined
    }
    const seat = this.seatOf(secretOf(message))
    if (seat === undefined) {
      this.spec.log.warn('a process without a place here wanted to be a worker')
      return refuse('nothing is known of this worker here')
    }
    const hello = checkHello(message, (why) => this.spec.log.warn('a hello does not fit', { why }))
    if (hello === undefined) return refuse('this is no hello')
    const { protocol, pid, bornAt } = hello
    const newcomer = { protocol, pid, bornAt, seat: hello.seat }
    const verdict = seat.isMine(newcomer) ? seat.owner.judge(newcomer) : 'dismiss'
    if (verdict !== 'adopt') {
      this.spec.log.warn('a worker is not taken back', { pid: hello.pid, verdict })
      if (verdict === 'kill') seat.kill('SIGKILL')
      return refuse(misfitOf(newcomer)?.message ?? 'this is not the worker of the slot any more')
    }
    seat.connected(channel, newcomer)
    return seat
  }

  /** What was written last shall arrive: the other side closes, or patience does. */
  private leave(channel: Channel): void {
    this.leaving.set(channel, this.patienceWith(channel))
  }

  private pass(channel: Channel, seat: Seat, found: unknown): void {
    const message = checkSeatMessage(found, (why) => {
      this.spec.log.warn('a message of a worker does not fit, and is left out', { why })
    })
    if (message !== undefined && message.kind !== 'hello') seat.received(channel, message)
  }

  /** Looks at all of them, whichever it is. */
  private seatOf(secret: string | undefined): Seat | undefined {
    const digest = digestText(this.spec.host.digest('sha256', new TextEncoder().encode(secret ?? '')))
    let found: Seat | undefined
    for (const [known, seat] of this.seats) if (isEqual(known, digest)) found = seat
    return secret === undefined ? undefined : found
  }
}

/** In the same time wherever they differ. */
export function isEqual(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let index = 0; index < one.length; index += 1) {
    difference |= one.charCodeAt(index) ^ other.charCodeAt(index % Math.max(1, other.length))
  }
  return difference === 0
}
