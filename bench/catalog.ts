/** All cases. Names are stable: results of two versions are compared by them. */
import type { Case } from './case.ts'
import { atomicCases } from './cases/atomic-case.ts'
import { engineCases, rateCases } from './cases/engine-cases.ts'
import { heapCases } from './cases/heap-cases.ts'
import { loopCases } from './cases/loop-cases.ts'
import { scheduleCases } from './cases/schedule-case.ts'
import { startCases } from './cases/start-case.ts'
import { tcpCases } from './cases/tcp-cases.ts'
import { zooKeeperCases } from './cases/zookeeper-cases.ts'
import { flowCases } from './flow.bench.ts'
import { wireCases } from './wire.bench.ts'

const everything: readonly Case[] = [
  ...engineCases,
  ...rateCases,
  ...loopCases,
  ...atomicCases,
  ...startCases,
  ...scheduleCases,
  ...tcpCases,
  ...heapCases,
  ...flowCases,
  ...wireCases,
  ...zooKeeperCases,
]

/** What `--list` shows. */
export const cases: readonly Case[] = everything.filter((each) => each.isPart !== true)

/** @throws Error if there is none of that name */
export function caseOf(name: string): Case {
  const found = everything.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no case ${name}`)
  return found
}

/** Cases that are meant by names or beginnings of names; none given means all. */
export function casesBy(prefixes: readonly string[]): readonly Case[] {
  if (prefixes.length === 0) return cases
  return cases.filter(({ name }) => prefixes.some((prefix) => name === prefix || name.startsWith(prefix)))
}
