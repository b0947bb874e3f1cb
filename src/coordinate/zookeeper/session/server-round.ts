/**
 * Which server comes next, and when. Every client goes through the servers in an order of its own, so they
 * spread; after a whole round without success it waits, longer each time, by chance, so they do not come back
 * together.
 */
import { Backoff } from '../../../base/backoff.ts'
import { UsageError } from '../../../base/errors.ts'

export interface ServerRoundSpec {
  readonly servers: readonly string[]
  readonly firstMs: number
  readonly maxMs: number
  /** From 0 to below 1. */
  readonly chance: () => number
}

const DEFAULT_PORT = 2181
const ADDRESS = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\],/]+)(?::(\d{1,5}))?$/
const PORT_MAX = 65_535

/** `host:port,host:port,…` as addresses. @throws UsageError CONFIG_INVALID_VALUE */
export function parseServers(text: string): string[] {
  const servers = text.split(',').map((part) => part.trim())
  return servers.map((server) => {
    const match = ADDRESS.exec(server)
    const port = Number(match?.[1] ?? DEFAULT_PORT)
    if (match === null || port === 0 || port > PORT_MAX)
      throw new UsageError('CONFIG_INVALID_VALUE', `ZooKeeper server '${server}' is not host:port`, {
        server,
      })
    return match[1] === undefined ? `${server}:${DEFAULT_PORT}` : server
  })
}

export class ServerRound {
  private readonly servers: readonly string[]
  private readonly backoff: Backoff
  private index = -1
  private triedCount = 0

  constructor(spec: ServerRoundSpec) {
    this.servers = shuffled(spec.servers, spec.chance)
    this.backoff = new Backoff({ firstMs: spec.firstMs, maxMs: spec.maxMs, jitter: 1 }, spec.chance)
  }

  /** The next server to try. */
  next(): string {
    this.index = (this.index + 1) % this.servers.length
    this.triedCount += 1
    return this.servers[this.index] ?? ''
  }

  /** How long to wait before `next`, in ms, after one did not answer or was lost. */
  waitMs(): number {
    if (this.triedCount === 0) return this.backoff.nextMs()
    if (this.triedCount < this.servers.length) return 0
    this.triedCount = 0
    return this.backoff.nextMs()
  }

  /** It serves: the others have not been tried since. */
  serves(): void {
    this.triedCount = 0
  }

  /** It has served for long enough to trust it: the next failure is a first one again. */
  proved(): void {
    this.backoff.reset()
  }
}

function shuffled(servers: readonly string[], chance: () => number): string[] {
  const order = [...servers]
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(chance() * (last + 1))
    const [a = '', b = ''] = [order[last], order[other]]
    order[last] = b
    order[other] = a
  }
  return order
}
