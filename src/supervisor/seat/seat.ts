/**
 * One worker process as its supervisor sees it: the process, the connection it made, what it said last. A
 * spare is one without a slot; a slot takes it over by becoming its owner.
 *
 *   launched or adopted ─▶ process ─┐
 *                                   ├─▶ owner: something changed · a message came
 *   dialled, secret right ─▶ channel┘
 *
 * Does not know: slots, assignments.
 *
 * Invariants
 *   T1  each sign of life is answered with a lease at once, whoever the owner is
 *   T2  of two connections only the newer one is heard
 *   T3  the end of the process is told once; nothing is told after it
 */
import type { Logger } from '../../base/log.ts'
import type { MessageChannel, Pieces } from '../../cluster/message-channel.ts'
import type { SeatBeat, ToSupervisor, ToWorker } from '../../cluster/seat-messages.ts'
import type { Clock } from '../../host/host.ts'
import type { Signal } from '../../host/processes.ts'
import type { Newcomer } from '../adoption.ts'
import type { LastWords } from '../exit-reason.ts'
import type { LaunchedEnd, LaunchedWorker } from '../launcher.ts'

export interface SeatOwner {
  /** It is alive, connected, disconnected or gone now: look at it. */
  onChange(): void
  onMessage(message: ToSupervisor): void
  /** Before it counts as connected. Anything but `adopt` ends the connection. */
  judge(hello: Newcomer): 'adopt' | 'dismiss' | 'kill'
}

export interface SeatSpec {
  /** SHA-256 of what it shows. */
  readonly secretDigest: string
  readonly outputPath: string
  readonly clock: Clock
  readonly log: Logger
  readonly owner: SeatOwner
}

type SeatChannel = MessageChannel<unknown, ToWorker>

export class Seat {
  readonly secretDigest: string
  outputPath: string
  owner: SeatOwner
  /** What it said of itself on the connection it has. */
  hello: Newcomer | undefined
  /** How its process ended. */
  end: LaunchedEnd | undefined
  /** Its last words. */
  said: LastWords | undefined
  beat: SeatBeat | undefined
  beatAtMs: number | undefined
  /** Grows with each connection. */
  connectionCount = 0
  private readonly clock: Clock
  private readonly log: Logger
  private worker: LaunchedWorker | undefined
  private channel: SeatChannel | undefined

  constructor(spec: SeatSpec) {
    this.secretDigest = spec.secretDigest
    this.outputPath = spec.outputPath
    this.owner = spec.owner
    this.clock = spec.clock
    this.log = spec.log
  }

  get isConnected(): boolean {
    return this.channel !== undefined && this.end === undefined
  }

  get process(): 'coming' | 'alive' | 'gone' {
    if (this.end !== undefined) return 'gone'
    return this.worker === undefined ? 'coming' : 'alive'
  }

  get pid(): number | undefined {
    return this.worker?.pid
  }

  get bornAt(): string | undefined {
    return this.worker?.bornAt
  }

  /** Its process is there. Once. */
  setWorker(worker: LaunchedWorker): void {
    this.worker = worker
    worker.onExit((end) => this.ended(end))
    // It may have dialled before its launcher came back: then who it said it is was not compared yet.
    const { hello } = this
    const isOther = hello !== undefined && !this.isMine(hello)
    if (isOther) this.disconnect('this secret belongs to another process')
    this.owner.onChange()
  }

  /** True: the process that said HELLO is the one that was launched, as far as is known. */
  isMine(hello: Newcomer): boolean {
    const { worker } = this
    return worker === undefined || (worker.pid === hello.pid && worker.bornAt === hello.bornAt)
  }

  connected(channel: SeatChannel, hello: Newcomer): void {
    const old = this.channel
    this.channel = channel
    this.hello = hello
    this.connectionCount += 1
    old?.close()
    this.owner.onChange()
  }

  disconnected(channel: SeatChannel): void {
    if (this.channel !== channel) return
    this.channel = undefined
    this.worker?.look()
    this.owner.onChange()
  }

  received(channel: SeatChannel, message: ToSupervisor): void {
    // What an older connection still delivers is no word of this one.
    if (this.channel !== channel || this.end !== undefined) return
    if (message.kind === 'heartbeat') {
      this.beat = message.beat
      this.beatAtMs = this.clock.monotonicMs()
      channel.send({ kind: 'lease' })
    } else if (message.kind === 'exiting') {
      const { reason, text, newest } = message
      this.said = { reason, text, newest }
    }
    this.owner.onMessage(message)
  }

  /** Nothing happens if it is not connected: it is told anew when it is. */
  send(message: ToWorker): void {
    this.channel?.send(message)
  }

  /** In order with all others; each is made as there is room for it. */
  sendEach(pieces: Pieces<ToWorker>): void {
    this.channel?.sendEach(pieces)
  }

  kill(signal: Signal): void {
    if (this.end === undefined) this.worker?.kill(signal)
  }

  /** Told to go; what it does then is its own business. */
  disconnect(why: string): void {
    const { channel } = this
    this.channel = undefined
    channel?.send({ kind: 'dismiss', why })
    channel?.close()
  }

  /** The supervisor ends; its workers go on and look for the next one. */
  letGo(): void {
    const { channel } = this
    this.channel = undefined
    channel?.close()
  }

  private ended(end: LaunchedEnd): void {
    if (this.end !== undefined) return
    this.end = end
    this.log.debug('a worker process ended', { pid: this.worker?.pid ?? 0 })
    const { channel } = this
    this.channel = undefined
    channel?.close()
    this.owner.onChange()
  }
}
