/**
 * What the sink of a run has written so far: read on from where the last look ended, so that looking often
 * costs little.
 *
 *   files of the sink ──▶ [here] ──▶ sights · first line that is not whole yet, of each partition
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Sight } from './figures.ts'
import { numberOf, PARTITIONS } from './workload.ts'

const PIECE_BYTES = 1024 * 1024

export class SightBook {
  readonly all: Sight[] = []
  private readonly directory: string
  private readonly wordCountOf: (line: number) => number
  private readonly places = new Map<string, { bytes: number; rest: string }>()
  private readonly seen = new Set<number>()
  private readonly open: number[] = PARTITIONS.map((_, index) => index)

  constructor(directory: string, wordCountOf: (line: number) => number) {
    this.directory = directory
    this.wordCountOf = wordCountOf
  }

  /** The first line of which a word is missing; all lines before it were seen whole. */
  firstOpenLine(): number {
    this.look()
    for (const [index] of PARTITIONS.entries()) {
      let line = this.open[index] ?? index
      while (this.isWhole(line)) line += PARTITIONS.length
      this.open[index] = line
    }
    return Math.min(...this.open)
  }

  look(): void {
    for (const name of readdirSync(this.directory)) if (name.startsWith('seen-')) this.readOn(name)
  }

  private isWhole(line: number): boolean {
    const count = this.wordCountOf(line)
    for (let place = 0; place < count; place += 1) if (!this.seen.has(numberOf(line, place))) return false
    // A line without words is whole when the next one with words has begun.
    return count > 0 || this.isWhole(line + PARTITIONS.length)
  }

  private readOn(name: string): void {
    const place = this.places.get(name) ?? { bytes: 0, rest: '' }
    this.places.set(name, place)
    const file = openSync(join(this.directory, name), 'r')
    try {
      const piece = Buffer.alloc(PIECE_BYTES)
      for (;;) {
        const bytes = readSync(file, piece, 0, PIECE_BYTES, place.bytes)
        if (bytes === 0) return
        place.bytes += bytes
        this.take(place, piece.toString('latin1', 0, bytes))
      }
    } finally {
      closeSync(file)
    }
  }

  private take(place: { rest: string }, text: string): void {
    const lines = (place.rest + text).split('\n')
    place.rest = lines.pop() ?? ''
    for (const line of lines) {
      const [number = 0, atMs = 0] = line.split(' ').map(Number)
      this.all.push({ number, atMs })
      this.seen.add(number)
    }
  }
}
