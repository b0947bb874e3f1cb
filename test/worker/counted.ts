// A source of numbers and a bolt that writes down what it gets.
import { bolt, fields, replayableSpout } from '../../src/index.ts'
import type { SeatWorld, SeatWorldSpec } from './seat-world.ts'

export const number = fields({ n: 'int' })

export function* upTo(count: number) {
  for (let n = 0; n < count; n += 1) yield { n }
}

export interface Seen {
  readonly items: number[]
  readonly stored: unknown[]
}

/** A positioned source of `count` items, one a step, and a bolt that writes down what it gets. */
export function counted(
  count: number,
  seen: Seen,
  everyMs = 0,
  world: () => SeatWorld | undefined = () => undefined,
): SeatWorldSpec {
  return {
    build(builder) {
      const source = replayableSpout({
        output: number,
        partitions: () => ['p'],
        async *read(_partition, from: number | undefined) {
          for (let n = (from ?? -1) + 1; n < count; n += 1) {
            if (everyMs > 0) await world()?.sleep(everyMs)
            yield [{ values: { n }, position: n }]
          }
        },
        onStored: (positions) => void seen.stored.push(...positions.values()),
      })
      const sum = bolt({ input: number, execute: (tuple) => void seen.items.push(tuple.values.n) })
      builder.setBolt('sum', sum).shuffleGrouping(builder.setSpout('source', source))
    },
  }
}

export const fresh = (): Seen => ({ items: [], stored: [] })
