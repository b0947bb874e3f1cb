/**
 * `npm run demo`: the word count of topology.ts in this process, with its progress, and the 20 most frequent
 * words.
 *
 *   npm run demo -- --json           one line of JSON instead
 *   npm run demo -- --input file     another text
 *   npm run demo -- --workers 2      more workers
 *
 * The same as `typhoon run examples/word-count/topology.ts`, as a program of your own would do it.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalCluster } from 'typhoon/testing'
import { type Figures, Screen, whole } from './screen.ts'
import { Tally } from './tally.ts'
import { bookPath, wordCountInto } from './topology.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    input: { type: 'string', default: bookPath },
    workers: { type: 'string', default: '1' },
  },
})

const RANK_MAX = 20
const input = resolve(options.input)
const workers = Number(options.workers)
const linesCount = countLines(await readFile(input))
const tally = new Tally()

const startMs = performance.now()
await using cluster = await LocalCluster.start({ workers })
const topology = await cluster.submit(wordCountInto(tally), { workers }, { input })
const screen = options.json ? undefined : new Screen(process.stdout)
screen?.head(
  'typhoon word-count',
  `${whole(linesCount)} lines of ${input.slice(input.lastIndexOf('/') + 1)}`,
  'lines 1 ─▶ split 2 ─▶ count 4 ─▶ totals 1',
)
