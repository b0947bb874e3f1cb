/**
 * A connection between a client and one server of the ensemble: two pipes, and what becomes of them when it
 * breaks. When it does, some of what was under way has been carried out: always the first so many, as on a
 * real connection.
 *
 *     client ── up ──▶ server          up is run on the ensemble's timers,
 *     client ◀── down ── server        down on the client's
 *
 * Invariants
 *   L1  after a break nothing arrives but the word of it
 *   L2  of the requests under way a prefix is carried out, and none of those answers arrive
 */
import { MessagePipe, type PipeSpec } from './message-pipe.ts'
import type { ServerPort } from './server-port.ts'

export interface LinkSpec {
  readonly up: PipeSpec
  readonly down: PipeSpec
  /** From 0 to below 1. */
  readonly chance: () => number
  /** Told to the client when the connection is gone, by whichever side. */
  readonly onLost: (link: MemoryLink) => void
  /** Told to the ensemble, at once. */
  readonly onClosed: (link: MemoryLink) => void
  /** The server's hand on each request: false, it is not carried out. */
  readonly admit: (link: MemoryLink, run: () => void) => void
}

export class MemoryLink {
  /** The server's side; undefined before it has let the client in. */
  port: ServerPort | undefined
  /** Cut without a word: nothing arrives, and nobody is told. */
  isSilent = false
  private readonly spec: LinkSpec
  private readonly up: MessagePipe
  private readonly down: MessagePipe
  private phase: 'open' | 'closing' | 'closed' = 'open'

  constructor(spec: LinkSpec) {
    this.spec = spec
    this.up = new MessagePipe(spec.up)
    this.down = new MessagePipe(spec.down)
  }

  get isOpen(): boolean {
    return this.phase === 'open'
  }

  /** Client to server. */
  request(run: () => void): void {
    if (this.phase !== 'open' || this.isSilent) return
    this.up.send(() => {
      if (!this.isSilent) this.spec.admit(this, run)
    })
  }

  /** Asks the port; the answer comes with the zxid that the server had reached. */
  call<T>(ask: (port: ServerPort) => T, onAnswer: (answer: T, zxid: bigint) => void): void {
    this.request(() => {
      const { port } = this
      if (port === undefined) return
      const answer = ask(port)
      const zxid = port.lastZxid
      this.answer(() => onAnswer(answer, zxid))
    })
  }

  /** Server to client. */
  answer(deliver: () => void): void {
    if (this.phase !== 'open' || this.isSilent) return
    this.down.send(() => {
      if (!this.isSilent) deliver()
    })
  }

  /**
   * `some`: a drawn number of the requests under way are still carried out; `none` of them are. `orderly`:
   * nor are they, but the answers given so far arrive.
   */
  close(underWay: 'some' | 'none' | 'orderly'): void {
    if (this.phase !== 'open') return
    this.phase = 'closing'
    const requests = this.up.cut()
    const count = underWay !== 'some' ? 0 : Math.floor(this.spec.chance() * (requests.length + 1))
    for (const run of requests.slice(0, count)) run()
    this.phase = 'closed'
    this.port?.detach()
    this.port = undefined
    if (underWay !== 'orderly') this.down.cut()
    this.spec.onClosed(this)
    this.down.send(() => this.spec.onLost(this))
  }
}
