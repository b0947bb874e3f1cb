/** Fuzzes the links for as long as wanted: `node test/messaging/fuzz-main.ts --cases 10000000 [--seed 7]`. */
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz/fuzz.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const [cases, seed] = [Number(values.cases), Number(values.seed)]
const startMs = performance.now()
const { endings, grownMb } = await fuzz(cases, seed)
for (const [ending, count] of [...endings].sort())
  process.stdout.write(`${String(count).padStart(12)}  ${ending}\n`)
const seconds = (performance.now() - startMs) / 1000
process.stdout.write(
  `${cases} cases of seed ${seed} in ${seconds.toFixed(1)} s, memory ${grownMb.toFixed(0)} MiB\n`,
)
