/**
 * The log of a worker: lines of JSON in a file that is exchanged when it has its size.
 *
 *   worker.log ─▶ worker.log.1 ─▶ worker.log.2 ─▶ worker.log.3 ─▶ gone
 *
 * Written at once, each line: what a process says in its last moment is what is looked for. A disk that takes
 * nothing costs lines, which are counted in the next that is written, and never the worker.
 */
import type { LogLine } from '../base/log.ts'

export const LOG_BYTES_MAX = 16 * 1024 * 1024
export const LOG_FILES_MAX = 4

/** Files, as far as a log needs them. Synchronous: the last line is written before the process ends. */
export interface LogOut {
  /** 0: there is none. */
  sizeOf(path: string): number
  append(path: string, text: string): void
  rename(from: string, to: string): void
}

export interface LogFileSpec {
  readonly out: LogOut
  readonly path: string
  /** Default 16 MiB. */
  readonly bytesMax?: number
  /** The one that is written to included. Default 4. */
  readonly filesMax?: number
}

export class LogFile {
  private readonly spec: LogFileSpec
  private sizeBytes: number | undefined = undefined
  private lostCount = 0

  constructor(spec: LogFileSpec) {
    this.spec = spec
  }

  write(line: LogLine): void {
    const lost = this.lostCount
    const text = `${lineText(line, lost)}\n`
    try {
      this.makeRoom(text.length)
      this.spec.out.append(this.spec.path, text)
      this.sizeBytes = (this.sizeBytes ?? 0) + text.length
      this.lostCount = 0
    } catch {
      this.lostCount = lost + 1
    }
  }

  private makeRoom(needed: number): void {
    const { out, path, bytesMax = LOG_BYTES_MAX, filesMax = LOG_FILES_MAX } = this.spec
    this.sizeBytes ??= out.sizeOf(path)
    if (this.sizeBytes === 0 || this.sizeBytes + needed <= bytesMax) return
    for (let n = filesMax - 2; n >= 0; n -= 1) {
      const from = n === 0 ? path : `${path}.${n}`
      if (out.sizeOf(from) > 0) out.rename(from, `${path}.${n + 1}`)
    }
    this.sizeBytes = 0
  }
}

/** `{"time":"2026-01-02T03:04:05.678Z","level":"warn","msg":"…","topology":"…",…}`, as daemons have it. */
function lineText({ at, level, message, details }: LogLine, lostLines: number): string {
  const facts = lostLines === 0 ? details : { ...details, lostLines }
  return JSON.stringify({ time: new Date(at).toISOString(), level, msg: message, ...facts })
}
