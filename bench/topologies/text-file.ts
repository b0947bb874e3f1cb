/**
 * The word count over lines of files: the book as a file of some 60 MB, read under several names one after
 * the other.
 */
import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { textLines } from '../../src/connect/files/text-lines.ts'
import { defineTopology } from '../../src/index.ts'
import type { Bench } from '../engine.ts'
import { bookLines } from '../text.ts'
import { Meter } from './meter.ts'
import { countBolt, splitBolt } from './parts.ts'

const FILE_BYTES = 60 * 2 ** 20
/** 3 GB in all: more than a case reads in its time. Hard links, so they take no room. */
const NAMES = 50

/** `fileBytes`: less for a quick test. */
export function wordCountFile(fileBytes = FILE_BYTES): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'typhoon-bench-'))
  const first = join(folder, 'text-0.txt')
  const book = `${bookLines().join('\n')}\n`
  writeFileSync(first, book.repeat(Math.max(1, Math.ceil(fileBytes / Buffer.byteLength(book)))))
  const paths = [first]
  for (let i = 1; i < NAMES; i += 1) {
    const path = join(folder, `text-${i}.txt`)
    linkSync(first, path)
    paths.push(path)
  }
  const meter = new Meter(0, false)
  const def = defineTopology({
    name: 'word-count-file',
    build(builder) {
      const spout = builder.setSpout('spout', textLines(paths))
      const split = builder.setBolt('split', splitBolt(), 2).localOrShuffleGrouping(spout)
      builder.setBolt('count', countBolt(meter), 2).fieldsGrouping(split, 'word')
    },
  })
  const edges = [['spout', 'split'] as const, ['split', 'count'] as const]
  const dispose = () => rmSync(folder, { recursive: true, force: true })
  return { def, unit: 'words', counted: 'count', edges, isAcked: true, dispose }
}
