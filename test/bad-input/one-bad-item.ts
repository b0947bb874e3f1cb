// One item of many on which user code does something wrong.
import { bolt, type ComponentConfig, defineTopology, fields, spoutFrom, type TopologyConfig } from 'typhoon'

export const Item = fields({ id: 'int' })
export const COUNT = 40
export const BAD = 17
export const all = Array.from({ length: COUNT }, (_, id) => id)
export const others = all.filter((id) => id !== BAD)

export type Execute = Parameters<typeof bolt<typeof Item, typeof Item>>[0]['execute']

/** A source of ids, `2` with what goes wrong, and an end that keeps what it got. */
export function run(middle: unknown, settings: ComponentConfig = {}, config: TopologyConfig = {}) {
  const seen: number[] = []
  const source = spoutFrom(Item, () => all.map((id) => ({ id })), { maxReplays: 2 })
  const end = bolt({ input: Item, execute: ({ values }) => void seen.push(values.id) })
  const topology = defineTopology({
    name: 'outcome',
    config,
    build(builder) {
      const one = builder.setSpout('1', source)
      const two = builder.setBolt('2', middle as ReturnType<typeof plain>, settings).shuffleGrouping(one)
      builder.setBolt('3', end).shuffleGrouping(two)
    },
  })
  return { topology, ids: () => seen.toSorted((a, b) => a - b) }
}

export const plain = (execute: Execute, settings: ComponentConfig = {}) =>
  bolt({ input: Item, output: Item, ...settings, execute })

/** The ways in which a call can go wrong. */
export const ways: Record<string, Execute> = {
  'a thrown error': ({ values }, out) => {
    out.emit(values)
    if (values.id === BAD) throw new TypeError('no such thing')
  },
  'a rejected promise': async ({ values }, out) => {
    out.emit(values)
    await Promise.resolve()
    if (values.id === BAD) throw new TypeError('no such thing')
  },
  'something thrown that is no error': ({ values }, out) => {
    out.emit(values)
    // biome-ignore lint/style/useThrowOnlyError: that is the case
    if (values.id === BAD) throw undefined
  },
  'an emit to a stream that is not declared': ({ values }, out) => {
    out.emit(values)
    if (values.id === BAD) out.emit('rejected' as never, values as never)
  },
  'an emit without a field': ({ values }, out) => {
    out.emit(values)
    if (values.id === BAD) out.emit({} as never)
  },
  'a write to the values of a tuple': ({ values }, out) => {
    if (values.id === BAD) (values as { id: number }).id = 1
    out.emit(values)
  },
  'a write to values that were emitted already': ({ values }, out) => {
    const mine: Record<string, number> = { id: values.id }
    out.emit(mine as typeof values)
    if (values.id === BAD) mine['more'] = 1
  },
}
