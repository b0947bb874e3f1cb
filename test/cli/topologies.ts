// Modules that the tests write into their directories.

export const wordCount = `
import { bolt, defineTopology, fields, printSink, spoutFrom } from 'typhoon'

const Line = fields({ sentence: 'string' })
const Word = fields({ word: 'string' })

const lines = spoutFrom(Line, function* () {
  for (const sentence of ['a b', 'b']) yield { sentence }
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
  output: fields({ word: 'string', count: 'int' }),
  prepare: () => new Map<string, number>(),
  execute(tuple, out, counts) {
    const { word } = tuple.values
    const count = (counts.get(word) ?? 0) + 1
    counts.set(word, count)
    out.emit({ word, count })
  },
})

export default defineTopology({
  name: 'word-count',
  build(builder) {
    const source = builder.setSpout('lines', lines)
    const words = builder.setBolt('split', split, 2).shuffleGrouping(source)
    const counts = builder.setBolt('count', count, 4).fieldsGrouping(words, 'word')
    builder.setBolt('print', printSink()).globalGrouping(counts)
  },
})
`

/** Wrong in its graph, and with the wall clock in a component. */
export const wrong = wordCount
  .replace("fieldsGrouping(words, 'word')", "fieldsGrouping(words, 'wrd' as never)")
  .replace('counts.set(word, count)', 'counts.set(word, count); Date.now()')

/** Reads a file that only grows, and counts by key. */
export const following = `
import { bolt, defineTopology, fields, keyedBolt, printSink, valueState } from 'typhoon'
import { textLines } from 'typhoon/files'
import { mark } from './mark.ts'

const Word = fields({ word: 'string' })

const words = bolt({
  output: Word,
  execute(tuple, out) {
    for (const word of String(tuple.values.value).split(' ')) out.emit({ word })
  },
})

const count = keyedBolt({
  input: Word,
  key: ['word'],
  output: fields({ text: 'string' }),
  state: { seen: valueState({ initial: () => 0 }) },
  execute(tuple, out, state) {
    const seen = state.seen.get() + 1
    state.seen.set(seen)
    out.emit({ text: tuple.values.word + mark + seen })
  },
})

export default defineTopology({
  name: 'following',
  build(builder) {
    const lines = builder.setSpout('lines', textLines('lines.txt', { follow: true }))
    const each = builder.setBolt('words', words).shuffleGrouping(lines)
    const counts = builder.setBolt('count', count, 2).fieldsGrouping(each, 'word')
    builder.setBolt('print', printSink()).globalGrouping(counts)
  },
})
`
