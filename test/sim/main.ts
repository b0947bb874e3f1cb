/**
 * Topologies, clusters, machines and faults drawn from seeds. A line for each seed, with the hash of its
 * events; the same seed gives the same hash. Exit code 1: a seed has broken an invariant.
 *
 *   npm run sim -- --seed 7 [--runs N] [--minutes M]   seeds 7, 8 …, of M virtual minutes, of the engine
 *   npm run sim -- --cluster --seed 7 …                of whole clusters
 *   npm run sim -- --minutes 30                        fresh seeds of both, for half an hour
 */
import { parseArgs } from 'node:util'
import { simulateCluster } from './cluster/simulation.ts'
import { simulateSeed } from './simulation.ts'

const USAGE = 'usage: npm run sim -- [--cluster] [--seed 7] [--runs 1] [--minutes 0.2] [--json]\n'

/** What both kinds of simulation say of a seed. */
interface Outcome {
  readonly seed: number
  readonly eventHash: string
  readonly events: number
  readonly virtualMs: number
  readonly items: number
  readonly seen: ReadonlyMap<string, number>
  readonly violations: readonly string[]
  readonly model: string
}

interface Kind {
  readonly name: string
  readonly flag: string
  /** Virtual minutes of a seed, unless something else is asked for. */
  readonly minutes: number
  run(seed: number, minutes: number): Promise<{ readonly outcome: Outcome; readonly faults: number }>
}

const engine: Kind = {
  name: 'engine',
  flag: '',
  minutes: 0.2,
  async run(seed, minutes) {
    const outcome = await simulateSeed(seed, { minutes })
    return { outcome, faults: outcome.injected }
  },
}

const cluster: Kind = {
  name: 'cluster',
  flag: '--cluster ',
  minutes: 0.5,
  async run(seed, minutes) {
    const outcome = await simulateCluster(seed, { minutes })
    return { outcome, faults: outcome.faults }
  },
}

const { values } = parseArgs({
  options: {
    cluster: { type: 'boolean', default: false },
    seed: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const drawn = Math.floor(Math.random() * 1_000_000)
const first = numberOf(values.seed) ?? drawn
const minutes = numberOf(values.minutes)
const kinds = values.cluster ? [cluster] : [engine]
let failedCount = 0

if (minutes !== undefined && values.seed === undefined && values.runs === undefined) {
  const untilMs = performance.now() + minutes * 60_000
  const fresh = values.cluster ? [cluster] : [engine, cluster]
  let seed = first
  do {
    for (const kind of fresh) await runOne(kind, seed, kind.minutes)
    seed += 1
  } while (performance.now() < untilMs)
  process.stdout.write(`seeds ${first} to ${seed - 1}: ${failedCount} failed\n`)
} else {
  const runs = numberOf(values.runs) ?? 1
  for (let seed = first; seed < first + runs; seed += 1) {
    for (const kind of kinds) await runOne(kind, seed, minutes ?? kind.minutes)
  }
}
process.exitCode = failedCount > 0 ? 1 : 0

async function runOne(kind: Kind, seed: number, virtualMinutes: number): Promise<void> {
  const startMs = performance.now()
  const { outcome, faults } = await kind.run(seed, virtualMinutes)
  if (outcome.violations.length > 0) failedCount += 1
  const tookMs = Math.round(performance.now() - startMs)
  const line = values.json
    ? JSON.stringify({ ...outcome, kind: kind.name, seen: Object.fromEntries(outcome.seen), tookMs })
    : textOf(kind, outcome, { faults, tookMs, virtualMinutes })
  process.stdout.write(`${line}\n`)
}

function textOf(
  kind: Kind,
  { seed, eventHash, events, virtualMs, items, violations, model }: Outcome,
  { faults, tookMs, virtualMinutes }: { faults: number; tookMs: number; virtualMinutes: number },
): string {
  const seconds = (virtualMs / 1_000).toFixed(1)
  const size = `${items} items  ${faults} faults  ${events} events`
  const facts = `${eventHash}  ${size}  ${seconds} s virtual  ${tookMs} ms`
  const label = kind === engine ? `seed ${seed}` : `cluster seed ${seed}`
  if (violations.length === 0) return `${label}  ok    ${facts}`
  const again = `npm run sim -- ${kind.flag}--seed ${seed} --minutes ${virtualMinutes}`
  return `${label}  FAIL  ${facts}\n  ${model}\n  ${violations.join('\n  ')}\n  again: ${again}`
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isFinite(number) && number >= 0) return number
  process.stderr.write(USAGE)
  process.exit(64)
}
