/**
 * `npm run demo`: the word count of topology.ts in this process, with its progress, and the 20 most frequent
 * words at the end. What a program of your own would do, where `typhoon run` is not enough.
 *
 *   arguments ─▶ LocalCluster ─▶ submit ─▶ looks at its figures until the book is read ─▶ table, or JSON
 */
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalCluster } from 'typhoon/testing'
import { Screen, whole } from './screen.ts'
import { Tally } from './tally.ts'
import { bookPath, wordCountInto } from './topology.ts'

const RANK_MAX = 20
const HELP = `Counts the words of a book in this process, and shows the ${RANK_MAX} most frequent ones.

  npm run demo                        Moby Dick
  npm run demo -- --input <file>      another text
  npm run demo -- --workers <n>       more workers than one
  npm run demo -- --json              one line of JSON, nothing else
`
const EXIT_USAGE = 2
const EXIT_INTERRUPTED = 130

interface Options {
  readonly input: string
  readonly workers: number
  readonly isJson: boolean
}

function understand(): Options | undefined {
  const { values } = parseArgs({
    options: {
      input: { type: 'string', default: bookPath },
      workers: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const workers = Number(values.workers)
  if (!Number.isInteger(workers) || workers < 1) throw new Error(`--workers ${values.workers} is no number of workers`)
  return { input: resolve(values.input), workers, isJson: values.json }
}

async function main(): Promise<void> {
  const options = understand()
  if (options === undefined) process.stdout.write(HELP)
  else await count(options)
}

async function count({ input, workers, isJson }: Options): Promise<void> {
  const tally = new Tally()
  const screen = isJson ? undefined : new Screen(process.stdout)
  const linesCount = linesOf(await readFile(input))
  screen?.head(
    'typhoon demo: word count',
    `${basename(input)}, ${whole(linesCount)} lines, ${workers === 1 ? '1 worker' : `${workers} workers`}`,
    'lines 1 ─▶ split 2 ─▶ count 4 ─▶ totals 1',
  )

  const startMs = performance.now()
  const elapsedMs = () => performance.now() - startMs
  await using cluster = await LocalCluster.start({ workers })
  const topology = await cluster.submit(wordCountInto(tally), { workers }, { input })
}

/** A line ends with `\n`; what follows the last one is a line too. */
function linesOf(bytes: Uint8Array): number {
  let count = bytes.length > 0 && bytes.at(-1) !== 0x0a ? 1 : 0
  for (const byte of bytes) if (byte === 0x0a) count += 1
  return count
}
