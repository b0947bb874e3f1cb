/**
 * `npm run demo`: the word count of topology.ts in this process, with its progress, and the 20 most frequent
 * words at the end. What a program of your own would do, where `typhoon run` is not enough.
 *
 *   arguments ─▶ LocalCluster ─▶ submit ─▶ looks at its figures until the book is read ─▶ table, or JSON
 */
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalCluster, type RunningTopology, type TopologyMetrics } from 'typhoon/testing'
import { Pace } from './pace.ts'
import { type Figures, type Result, Screen, whole } from './screen.ts'
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
  if (!Number.isInteger(workers) || workers < 1)
    throw new Error(`--workers ${values.workers} is no number of workers`)
  return { input: resolve(values.input), workers, isJson: values.json }
}

async function main(): Promise<void> {
  // Who reads may stop reading: `npm run demo | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const options = understand()
  if (options === undefined) process.stdout.write(HELP)
  else await count(options)
}

async function count({ input, workers, isJson }: Options): Promise<void> {
  const linesCount = linesOf(await readFile(input))
  const screen = isJson ? undefined : new Screen(process.stdout)
  const size = workers === 1 ? '1 worker' : `${workers} workers`
  screen?.head(
    'typhoon demo: word count',
    `${basename(input)}, ${whole(linesCount)} lines, ${size}`,
    'lines 1 ─▶ split 2 ─▶ count 4 ─▶ totals 1',
  )
  const tally = new Tally()
  const pace = new Pace(performance.now())
  const figuresOf = (metrics: TopologyMetrics): Figures => ({
    ...countsOf(metrics),
    ...pace.look(tally, performance.now()),
    linesCount,
  })
  process.once('SIGINT', () => {
    screen?.close()
    process.exit(EXIT_INTERRUPTED)
  })

  await using cluster = await LocalCluster.start({ workers })
  const topology = await cluster.submit(wordCountInto(tally), { workers, freezeTuples: 'never' }, { input })
  const end = new AbortController()
  const watching = screen === undefined ? undefined : show(screen, topology, figuresOf, end.signal)
  let last: Figures
  try {
    await topology.finished({ timeout: '1d' })
    last = figuresOf(await metricsOf(topology))
  } finally {
    end.abort()
    await watching
    screen?.close()
  }
  const result = { ...last, distinctCount: tally.distinctCount, top: tally.top(RANK_MAX) }
  screen?.progress(last)
  screen?.result(result)
  if (isJson) process.stdout.write(`${JSON.stringify(summaryOf(input, result))}\n`)
}

/** Draws the figures again and again, until `signal` aborts. */
async function show(
  screen: Screen,
  topology: RunningTopology,
  figuresOf: (metrics: TopologyMetrics) => Figures,
  signal: AbortSignal,
): Promise<void> {
  for await (const metrics of topology.metrics({ every: screen.period, signal })) {
    screen.progress(figuresOf(metrics))
  }
}

/** The figures of now. */
async function metricsOf(topology: RunningTopology): Promise<TopologyMetrics> {
  for await (const metrics of topology.metrics({ every: '1ms' })) return metrics
  throw new Error('the topology has ended')
}

function countsOf({ components, samples }: TopologyMetrics) {
  const spouts = components.filter(({ kind }) => kind === 'spout')
  const isReplay = ({ name }: { name: string }) => name === 'typhoon_tuples_replayed_total'
  return {
    ackedCount: sum(spouts.map(({ ackedCount }) => ackedCount)),
    failedCount: sum(spouts.map(({ failedCount }) => failedCount)),
    replayedCount: sum(samples.filter(isReplay).map(({ value }) => Number(value))),
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

function summaryOf(text: string, result: Result) {
  return {
    text,
    words: result.wordsCount,
    distinct: result.distinctCount,
    sentences: result.linesCount,
    acked: result.ackedCount,
    failed: result.failedCount,
    replayed: result.replayedCount,
    seconds: Math.round(result.elapsedMs) / 1_000,
    top: result.top,
  }
}

/** A line ends with `\n`; what follows the last one is a line too. */
function linesOf(bytes: Uint8Array): number {
  let count = bytes.length > 0 && bytes.at(-1) !== 0x0a ? 1 : 0
  for (const byte of bytes) if (byte === 0x0a) count += 1
  return count
}

try {
  await main()
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof Error && 'code' in error && isUsage(String(error.code)) ? EXIT_USAGE : 1
}

function isUsage(code: string): boolean {
  return code.startsWith('ERR_PARSE_ARGS') || code === 'ENOENT'
}
