/**
 * The line from a worker process to the supervisor of its node: dialled by the worker, and again whenever it
 * is lost, for as long as the process lives. Whoever picks up is told first who calls.
 *
 *   start ─▶ read the address ─▶ dial ─▶ HELLO ─▶ messages both ways
 *                  ▲                                   │ lost, refused, no address
 *                  ╰──── wait 10 ms … 1 s ◀────────────╯
 *
 * The address is read anew for each dial: the supervisor that comes after this one listens elsewhere.
 *
 * Two ways to send: `say` is lost without a line (heartbeats: the next one says more), `tell` waits for the
 * next line, up to a bound.
 *
 * Does not know: what the messages mean.
 */
import { Backoff } from '../../base/backoff.ts'
import { MessageChannel } from '../../cluster/message-channel.ts'
import type { ToSupervisor, ToWorker } from '../../cluster/seat-messages.ts'
import type { Host, Stoppable } from '../../host/host.ts'

const WAITS = { firstMs: 10, maxMs: 1_000 }
/** Messages that wait for a line. Beyond it `tell` refuses. */
const WAITING_MAX = 1_000

export interface ControlLineSpec {
  readonly host: Host
  /** `host:port` of the supervisor; undefined: it is not known now. */
  readonly dialControl: () => Promise<string | undefined>
  readonly hello: () => ToSupervisor
  /** HELLO has been sent on a new line. What has to be said anew is said now. */
  readonly onOpen: () => void
  readonly onMessage: (message: ToWorker) => void
}

export class ControlLine {
  /** Monotonic milliseconds since when there is no line; undefined: there is one. */
  downSinceMs: number | undefined
  private readonly spec: ControlLineSpec
  private readonly waits: Backoff
  private channel: MessageChannel<ToWorker, ToSupervisor> | undefined = undefined
  private isOpen = false
  private isClosed = false
  private pause: Stoppable | undefined = undefined
  private waiting: ToSupervisor[] = []

  constructor(spec: ControlLineSpec) {
    this.spec = spec
    this.downSinceMs = spec.host.clock.monotonicMs()
    const random = spec.host.random.split('control line')
    this.waits = new Backoff(WAITS, () => random.next())
  }

  start(): void {
    void this.dial()
  }

  /** False: there is no line, and nobody will hear of it. */
  say(message: ToSupervisor): boolean {
    if (!this.isOpen || this.channel === undefined) return false
    this.channel.send(message)
    return true
  }

  /** False: too much waits already. */
  tell(message: ToSupervisor): boolean {
    if (this.say(message)) return true
    if (this.waiting.length >= WAITING_MAX) return false
    this.waiting.push(message)
    return true
  }

  /** For good. */
  close(): void {
    this.isClosed = true
    this.isOpen = false
    this.pause?.stop()
    this.channel?.close()
    this.channel = undefined
  }

  private async dial(): Promise<void> {
    let address: string | undefined
    try {
      address = await this.spec.dialControl()
    } catch {
      // No file, or half of one: the supervisor is about to write it.
      address = undefined
    }
    if (this.isClosed) return
    if (address === undefined) {
      this.dialLater()
      return
    }
    let channel: MessageChannel<ToWorker, ToSupervisor> | undefined
    const connection = this.spec.host.net.connect(address, () => {
      if (channel !== undefined && !this.isClosed) this.onOpen(channel)
    })
    channel = new MessageChannel<ToWorker, ToSupervisor>({
      connection,
      onMessage: (message) => {
        // Only who answers is a supervisor: a port that takes connections alone proves nothing.
        this.waits.reset()
        if (!this.isClosed) this.spec.onMessage(message)
      },
      onClose: () => this.onClose(),
    })
    this.channel = channel
  }

  private onOpen(channel: MessageChannel<ToWorker, ToSupervisor>): void {
    this.isOpen = true
    this.downSinceMs = undefined
    channel.send(this.spec.hello())
    this.spec.onOpen()
    const waiting = this.waiting
    this.waiting = []
    for (const message of waiting) this.tell(message)
  }

  private onClose(): void {
    if (this.isClosed) return
    this.isOpen = false
    this.channel = undefined
    this.downSinceMs ??= this.spec.host.clock.monotonicMs()
    this.dialLater()
  }

  private dialLater(): void {
    this.pause = this.spec.host.timers.after(this.waits.nextMs(), () => {
      void this.dial()
    })
  }
}
