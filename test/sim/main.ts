/**
 * `npm run sim -- --seed 7 [--runs N] [--minutes M] [--json]`: topologies, machines and faults drawn from
 * seeds. Prints a line for each seed with the hash of its events; the same seed gives the same hash.
 */
import { parseArgs } from 'node:util'
import { type SimOutcome, simulateSeed } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    runs: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '0.2' },
    json: { type: 'boolean', default: false },
  },
})

const first = Number(values.seed)
const runs = Number(values.runs)
const minutes = Number(values.minutes)
if (![first, runs, minutes].every((each) => Number.isFinite(each) && each >= 0)) {
  process.stderr.write('usage: npm run sim -- --seed 7 [--runs 1] [--minutes 0.2] [--json]\n')
  process.exit(64)
}

let failedCount = 0
for (let seed = first; seed < first + runs; seed += 1) {
  const startMs = performance.now()
  const outcome = await simulateSeed(seed, { minutes })
  if (outcome.violations.length > 0) failedCount += 1
  const tookMs = Math.round(performance.now() - startMs)
  process.stdout.write(`${values.json ? jsonLine(outcome, tookMs) : textLine(outcome, tookMs)}\n`)
}
process.exitCode = failedCount > 0 ? 1 : 0

function textLine(outcome: SimOutcome, tookMs: number): string {
  const { seed, eventHash, events, virtualMs, items, injected, violations, model } = outcome
  const seconds = (virtualMs / 1_000).toFixed(1)
  const size = `${items} items  ${injected} faults  ${events} events`
  const facts = `${eventHash}  ${size}  ${seconds} s virtual  ${tookMs} ms`
  if (violations.length === 0) return `seed ${seed}  ok    ${facts}`
  const again = `npm run sim -- --seed ${seed} --minutes ${minutes}`
  return `seed ${seed}  FAIL  ${facts}\n  ${model}\n  ${violations.join('\n  ')}\n  again: ${again}`
}

function jsonLine(outcome: SimOutcome, tookMs: number): string {
  return JSON.stringify({ ...outcome, seen: Object.fromEntries(outcome.seen), tookMs })
}
