/**
 * A TCP proxy that breaks what passes: for tests of real sockets, and for chaos.
 *
 *   client ══▶ proxy ── forward ──▶ server
 *          ◀══       ◀── back ─────
 *
 * Each direction has its own faults, which strike open connections as well as later ones:
 *   latency     bytes are held for so long; their order stays
 *   black hole  nothing passes, not even an end or a reset: a lost route, a dropped cable. Bytes wait
 *               in the proxy up to `HELD_BYTES_MAX`, then the sender's window closes, and all of it comes
 *               when the fault is healed, as TCP's own repetitions would do
 *   throttle    so many bytes a second
 *   flip        one byte of the next piece is changed
 * And for all connections at once: `reset` (RST to both sides), `refuses` (new ones are reset at once).
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

export type Direction = 'forward' | 'back'

export interface Faults {
  latencyMs?: number
  isBlackHole?: boolean
  /** 0: no limit. */
  bytesPerSecond?: number
}

/** So many bytes of a direction wait in the proxy; then it stops reading. */
const HELD_BYTES_MAX = 256 * 1024
/** Largest piece that a throttled direction lets through at once. */
const PIECE_BYTES_MAX = 16 * 1024

interface Piece {
  readonly bytes: Buffer
  readonly dueMs: number
}

/** One direction of one connection. */
class Pipe {
  private readonly from: Socket
  private readonly to: Socket
  private readonly faults: Required<Faults>
  private readonly flips: { count: number }
  private pieces: Piece[] = []
  private heldBytes = 0
  private hasEnded = false
  private isWaiting = false
  /** When a throttled direction may go on. */
  private freeMs = 0
  private timer: ReturnType<typeof setTimeout> | undefined = undefined

  constructor(from: Socket, to: Socket, faults: Required<Faults>, flips: { count: number }) {
    this.from = from
    this.to = to
    this.faults = faults
    this.flips = flips
    from.on('data', (bytes: Buffer) => this.take(bytes))
    from.on('end', () => {
      this.hasEnded = true
      this.look()
    })
    to.on('drain', () => {
      this.isWaiting = false
      this.look()
    })
  }

  /** Faults have changed, or time has passed. */
  look(): void {
    clearTimeout(this.timer)
    while (!this.faults.isBlackHole && !this.isWaiting) {
      const piece = this.pieces[0]
      if (piece === undefined) {
        if (this.hasEnded) this.to.end()
        return
      }
      const waitMs = Math.max(piece.dueMs, this.freeMs) - performance.now()
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.look(), waitMs)
        return
      }
      this.pieces.shift()
      this.pass(piece.bytes)
    }
  }

  stop(): void {
    clearTimeout(this.timer)
    this.pieces = []
  }

  private take(bytes: Buffer): void {
    if (this.flips.count > 0 && bytes.length > 0) {
      this.flips.count -= 1
      const at = bytes.length >> 1
      bytes[at] = (bytes[at] ?? 0) ^ 0x10
    }
    const dueMs = performance.now() + this.faults.latencyMs
    const limit = this.faults.bytesPerSecond > 0 ? PIECE_BYTES_MAX : bytes.length
    for (let at = 0; at < bytes.length; at += limit) {
      this.pieces.push({ bytes: bytes.subarray(at, at + limit), dueMs })
    }
    this.heldBytes += bytes.length
    if (this.heldBytes >= HELD_BYTES_MAX) this.from.pause()
    this.look()
  }

  private pass(bytes: Buffer): void {
    this.heldBytes -= bytes.length
    if (this.heldBytes < HELD_BYTES_MAX) this.from.resume()
    const { bytesPerSecond } = this.faults
    if (bytesPerSecond > 0) {
      this.freeMs = Math.max(this.freeMs, performance.now()) + (bytes.length / bytesPerSecond) * 1000
    }
    if (!this.to.write(bytes)) this.isWaiting = true
  }
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly pipes: readonly Pipe[]
  /** One side is gone, and the other shall hear of it when this direction is healed. */
  endsAfter: Direction | undefined
}

export class FaultProxy {
  /** How many connections came so far. */
  connectionCount = 0
  /** New connections are reset at once. */
  refuses = false
  private readonly target: { readonly host: string; readonly port: number }
  private readonly listener: Server
  private readonly pairs = new Set<Pair>()
  private readonly faults: Readonly<Record<Direction, Required<Faults>>> = {
    forward: { latencyMs: 0, isBlackHole: false, bytesPerSecond: 0 },
    back: { latencyMs: 0, isBlackHole: false, bytesPerSecond: 0 },
  }
  private readonly flips: Readonly<Record<Direction, { count: number }>> = {
    forward: { count: 0 },
    back: { count: 0 },
  }

  private constructor(target: string) {
    const colon = target.lastIndexOf(':')
    this.target = { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) }
    this.listener = createServer({ noDelay: true }, (client) => this.onClient(client))
  }

  /** `target` and `listenOn` are `host:port`. Default: any free port of loopback. */
  static async start(target: string, listenOn = '127.0.0.1:0'): Promise<FaultProxy> {
    const proxy = new FaultProxy(target)
    const colon = listenOn.lastIndexOf(':')
    await new Promise<void>((resolve, reject) => {
      proxy.listener.once('error', reject)
      proxy.listener.listen(Number(listenOn.slice(colon + 1)), listenOn.slice(0, colon), resolve)
    })
    return proxy
  }

  /** Where clients should connect to. */
  get address(): string {
    const address = this.listener.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has ended')
    return `${address.address}:${address.port}`
  }

  get openCount(): number {
    return this.pairs.size
  }

  /** What is not named stays as it is. */
  set(direction: Direction | 'both', faults: Faults): void {
    const directions: readonly Direction[] = direction === 'both' ? ['forward', 'back'] : [direction]
    for (const each of directions) Object.assign(this.faults[each], faults)
    for (const pair of [...this.pairs]) {
      if (pair.endsAfter !== undefined) this.onSideGone(pair, pair.endsAfter)
      for (const pipe of pair.pipes) pipe.look()
    }
  }

  /** All faults are gone; connections that were reset stay so. */
  heal(): void {
    this.refuses = false
    this.set('both', { latencyMs: 0, isBlackHole: false, bytesPerSecond: 0 })
  }

  flipNext(direction: Direction): void {
    this.flips[direction].count += 1
  }

  /** Resets every open connection, on both sides. */
  reset(): void {
    for (const pair of [...this.pairs]) this.end(pair)
  }

  async stop(): Promise<void> {
    this.reset()
    await new Promise((resolve) => this.listener.close(resolve))
  }

  private onClient(client: Socket): void {
    this.connectionCount += 1
    client.on('error', () => undefined)
    if (this.refuses) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ ...this.target, noDelay: true })
    server.on('error', () => undefined)
    const { faults, flips } = this
    const pipes = [
      new Pipe(client, server, faults.forward, flips.forward),
      new Pipe(server, client, faults.back, flips.back),
    ]
    const pair: Pair = { client, server, pipes, endsAfter: undefined }
    this.pairs.add(pair)
    client.on('close', () => this.onSideGone(pair, 'forward'))
    server.on('close', () => this.onSideGone(pair, 'back'))
  }

  /** The end of a connection does not pass a black hole either: that is what makes it half open. */
  private onSideGone(pair: Pair, direction: Direction): void {
    if (this.faults[direction].isBlackHole) pair.endsAfter = direction
    else this.end(pair)
  }

  private end(pair: Pair): void {
    if (!this.pairs.delete(pair)) return
    for (const pipe of pair.pipes) pipe.stop()
    for (const socket of [pair.client, pair.server]) if (!socket.destroyed) socket.resetAndDestroy()
  }
}
