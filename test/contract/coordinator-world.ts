// What the parts of the coordinator's contract share: the world that a test runs in, waiting, errors, texts.
import { expect } from 'vitest'
import type { ErrorCode } from '../../src/base/error-codes.ts'
import { isStreamError } from '../../src/base/errors.ts'
import type { Acl, Coordinator, WatchEvent } from '../../src/coordinate/coordinator.ts'

export interface ContractConnectOptions {
  /** Below the world's root; must exist. */
  readonly chroot?: string
  /** Digest credentials. */
  readonly auth?: { readonly user: string; readonly password: string }
  /** Access list of what `create` makes without one of its own. */
  readonly createAcl?: readonly Acl[]
  /** Default: whatever the world likes, long enough for the tests. */
  readonly sessionTimeoutMs?: number
  readonly callTimeoutMs?: number
}

export interface CoordinatorWorld {
  /** Resolves when connected. The world closes it at its end. */
  connect(options?: ContractConnectOptions): Promise<Coordinator>
  within(body: () => Promise<void>): Promise<void>
  /** So much time has passed in this world. */
  passed(delayMs: number): Promise<void>
  close(): Promise<void>
  /**
   * One client can be cut off from all servers, and its session ended by a server's word. Left out: those
   * tests are left out, too.
   */
  readonly faults?: {
    cut(coordinator: Coordinator): void
    heal(coordinator: Coordinator): void
    expire(coordinator: Coordinator): Promise<void> | void
  }
}

/** A test whose body runs in a world of its own. */
export type Inside = (title: string, body: (world: CoordinatorWorld) => Promise<void>) => void

export const bytes = (text: string) => new TextEncoder().encode(text)
export const text = (data: Uint8Array) => new TextDecoder().decode(data)
export const none = new Uint8Array(0)

export const open: readonly Acl[] = [
  { scheme: 'world', id: 'anyone', permissions: ['read', 'write', 'create', 'delete', 'admin'] },
]

/** The code of the error that a call ends with; `none` if it does not. */
export async function codeOf(call: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await call
    return 'none'
  } catch (error) {
    if (!isStreamError(error)) throw error
    return error.code
  }
}

/** The error of a call. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Waits for something to become true, up to 10 s of the world's time. */
export async function until(world: CoordinatorWorld, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 10) {
    if (await isSo()) return
    await world.passed(10)
  }
  expect(await isSo()).toBe(true)
}

/** Two clients; what the first wrote is seen by the second after `synced`. */
export async function pair(world: CoordinatorWorld): Promise<[Coordinator, Coordinator]> {
  return [await world.connect(), await world.connect()]
}

export function eventTexts(events: readonly WatchEvent[]): string[] {
  return events.map((event) => `${event.kind} ${event.path}`)
}
