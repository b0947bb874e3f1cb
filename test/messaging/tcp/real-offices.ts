/** Workers that are nothing but their links, on this machine's real network, and waiting for what they do. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Host, Net } from '../../../src/host/host.ts'
import { createNodeHost } from '../../../src/host/node-host.ts'
import { freePorts } from '../../servers/free-ports.ts'
import { type OfficeOptions, TestWorker } from '../office-world.ts'

const WAIT_MS = 15_000
const LOOK_MS = 5

export const settings = {
  transferFrameMaxBytes: 16 * 1024,
  transferCreditMaxBytes: 256 * 1024,
  batchFlushIntervalMs: 1,
  tupleMaxBytes: 64 * 1024,
  poisonsFrames: true,
  // Faster than in production, so that tests need not wait for seconds.
  echoMs: 100,
  deadMs: 400,
  redialMaxMs: 100,
}

export function thisMachine(net?: Net): { host(name: string): Host } {
  return { host: (name) => ({ ...createNodeHost({ name }), ...(net === undefined ? {} : { net }) }) }
}

/** `host:port` for each. */
export async function freshAddresses(count: number): Promise<readonly string[]> {
  return (await freePorts(count)).map((port) => `127.0.0.1:${port}`)
}

/** @throws Error naming what did not come */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MS
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`it never came: ${what}`)
    await sleep(LOOK_MS)
  }
}

/** Started workers of a test, closed at its end. */
export class Workers {
  private readonly all: TestWorker[] = []
  private readonly ends: Array<() => Promise<void> | void> = []

  async start(worker: number, options: OfficeOptions & { net?: Net; incarnation?: number }) {
    const { net, incarnation = 1, ...rest } = options
    const made = new TestWorker(thisMachine(net), worker, incarnation, {
      ...rest,
      settings: { ...settings, ...rest.settings },
    })
    this.all.push(made)
    await made.listening
    return made
  }

  atEnd(end: () => Promise<void> | void): void {
    this.ends.push(end)
  }

  async close(): Promise<void> {
    for (const worker of this.all) worker.office.close()
    for (const end of this.ends) await end()
  }
}

/** All inboxes are emptied, again and again. */
export function drainSoon(worker: TestWorker, delayMs: number): void {
  const drain = (): void => {
    for (const inbox of worker.inboxes.values()) for (let i = 0; i < 200; i += 1) inbox.shift()
  }
  const timer = setInterval(drain, delayMs)
  timer.unref()
}
