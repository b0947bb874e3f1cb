/**
 * The host of production: Node's clock, timers, network and files. A plain object, so that a host with one
 * part exchanged is `{ ...host, net }`.
 */
import { writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { crc32 } from 'node:zlib'
import { assert } from '../base/assert.ts'
import type { Clock, Host, Stoppable, Timers } from './host.ts'
import { nodeDigest } from './node-digest.ts'
import { nodeFiles } from './node-files.ts'
import { createNodeHttp, type NodeHttpSpec } from './node-http.ts'
import { nodeNet } from './node-net.ts'
import { createNodeRandom } from './node-random.ts'

export interface NodeHostSpec {
  /** Default: what the machine calls itself. */
  readonly name?: string
  /** Where lines for the user go. Default: stdout. */
  readonly print?: (line: string) => void
  /** Certificates of requests, given and served. Default: none. */
  readonly http?: NodeHttpSpec
}

export function createNodeHost(spec: NodeHostSpec = {}): Host {
  return {
    name: spec.name ?? hostname(),
    clock: nodeClock,
    timers: nodeTimers,
    random: createNodeRandom(),
    net: nodeNet,
    http: createNodeHttp(spec.http),
    files: nodeFiles,
    loopBusyMs: () => performance.eventLoopUtilization().active,
    checksum: (bytes) => crc32(bytes),
    digest: nodeDigest,
    print: spec.print ?? printLine,
    userCallBegan: ignore,
    userCallEnded: ignore,
  }
}

const nodeClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** Node fires at once beyond it, so longer delays are waited for in parts. */
const DELAY_MAX_MS = 2 ** 31 - 1

/** Timers keep the process alive: what the engine waits for is a reason to live. Stopped ones do not. */
const nodeTimers: Timers = {
  after(delayMs, callback): Stoppable {
    assert(Number.isFinite(delayMs), 'a delay is a finite number')
    return new LongTimer(delayMs, callback)
  },

  every(periodMs, callback): Stoppable {
    assert(periodMs > 0 && periodMs <= DELAY_MAX_MS, 'a period is between 0 and 24 days')
    const timer = setInterval(callback, Math.ceil(periodMs))
    return { stop: () => clearInterval(timer) }
  },

  defer(callback): void {
    setImmediate(callback)
  },
}

class LongTimer implements Stoppable {
  private readonly callback: () => void
  private leftMs: number
  private timer: ReturnType<typeof setTimeout>

  constructor(delayMs: number, callback: () => void) {
    this.callback = callback
    this.leftMs = Math.max(0, Math.ceil(delayMs))
    this.timer = this.next()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private next(): ReturnType<typeof setTimeout> {
    const partMs = Math.min(this.leftMs, DELAY_MAX_MS)
    this.leftMs -= partMs
    if (this.leftMs === 0) return setTimeout(this.callback, partMs)
    return setTimeout(() => {
      this.timer = this.next()
    }, partMs)
  }
}

const STDOUT = 1
/** Text that is written at once instead of at the end of the turn. */
const TEXT_MAX = 16 * 1024

let lines: string[] = []
let linesLength = 0
let isFlushing = false

/** Lines of a turn go out in one write; those of the last turn when the process ends. */
function printLine(line: string): void {
  lines.push(line)
  linesLength += line.length
  if (!isFlushing) {
    isFlushing = true
    setImmediate(flushLines)
    process.once('exit', flushLast)
  } else if (linesLength >= TEXT_MAX) {
    writeLines()
  }
}

function flushLines(): void {
  isFlushing = false
  process.off('exit', flushLast)
  writeLines()
}

function writeLines(): void {
  if (lines.length > 0) process.stdout.write(takeText())
}

function flushLast(): void {
  if (lines.length > 0) writeSync(STDOUT, takeText())
}

function takeText(): string {
  const text = `${lines.join('\n')}\n`
  lines = []
  linesLength = 0
  return text
}

function ignore(): void {
  // Real time passes by itself.
}
