/** The child's side: `node bench/run-one.ts NAME PLAN` runs one case and prints its line. */
import type { Plan } from './case.ts'
import { lineOf } from './case.ts'
import { caseOf } from './catalog.ts'

const [name = '', plan = ''] = process.argv.slice(2)
const parsed: Plan = JSON.parse(plan)
const figures = await caseOf(name).run(parsed)
process.stdout.write(`${JSON.stringify(lineOf(name, figures))}\n`, () => process.exit(0))
