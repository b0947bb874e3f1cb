/** Lets a file of cases be run by itself: `node bench/wire.bench.ts [part of a name …]`. */
import { fileURLToPath } from 'node:url'
import { type Case, fullPlan } from './case.ts'
import { runInChild } from './child.ts'
import { TABLE_HEAD, tableRow } from './table.ts'

const SECONDS = 3

export async function runIfMain(url: string, cases: readonly Case[]): Promise<void> {
  if (process.argv[1] !== fileURLToPath(url)) return
  const parts = process.argv.slice(2)
  process.stdout.write(`${TABLE_HEAD}\n`)
  for (const each of cases) {
    if (parts.length > 0 && !parts.some((part) => each.name.includes(part))) continue
    process.stdout.write(`${tableRow(await runInChild(each, fullPlan(SECONDS)))}\n`)
  }
}
