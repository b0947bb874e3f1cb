// Modules that the tests write into their directories.

/** Writes every report as a line of JSON, with Prometheus' names as they came. */
export const reporter = `
import { appendFileSync } from 'node:fs'

export default ({ file }) => ({
  report(samples) {
    appendFileSync(file, JSON.stringify(samples) + '\\n')
  },
})
`

/** 40 lines of two words, 10 ms apart, counted. */
export const words = (config: string): string => `
import { bolt, defineTopology, fields, spoutFrom } from 'typhoon'

const Line = fields({ sentence: 'string' })
const Word = fields({ word: 'string' })

const lines = spoutFrom(Line, async function* () {
  for (let i = 0; i < 40; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    yield { sentence: 'a b' + (i % 5) }
  }
})

const split = bolt({
  input: Line,
  output: Word,
  execute(tuple, out) {
    for (const word of tuple.values.sentence.split(' ')) out.emit({ word })
  },
})

const count = bolt({
  input: Word,
  prepare: (context) => context.counter('words_seen'),
  execute: (_tuple, _out, seen) => seen.add(),
})

export default defineTopology({
  name: 'words',
  config: { statsSampleRate: 1, ${config} },
  build(builder) {
    const source = builder.setSpout('lines', lines)
    const each = builder.setBolt('split', split, 2).shuffleGrouping(source)
    builder.setBolt('count', count, 2).fieldsGrouping(each, 'word')
  },
})
`

/** The second of three orders has a negative amount. */
export const sourceSchema = `
import { defineTopology, fields, printSink, spoutFrom } from 'typhoon'

const Order = fields(
  {
    '~standard': {
      version: 1,
      vendor: 'own',
      validate: (value) =>
        value.amount > 0 ? { value } : { issues: [{ message: 'is not positive', path: ['amount'] }] },
    },
  },
  ['id', 'amount'],
)

export default defineTopology({
  name: 'orders',
  build(builder) {
    const orders = builder.setSpout(
      'orders',
      spoutFrom(Order, () => [{ id: 1, amount: 5 }, { id: 2, amount: -5 }, { id: 3, amount: 7 }]),
    )
    builder.setBolt('print', printSink()).globalGrouping(orders)
  },
})
`
