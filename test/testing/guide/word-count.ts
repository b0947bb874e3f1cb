// word-count.ts
import { bolt, defineTopology, fields, keyedBolt, plainSink, spoutFrom, valueState } from 'typhoon'

const Line = fields({ sentence: 'string' })
const Word = fields({ word: 'string' })
const WordCount = fields({ word: 'string', count: 'int' })

const split = bolt({
  input: Line,
  output: Word,
  execute(tuple, out) {
    for (const word of tuple.values.sentence.split(' ')) out.emit({ word })
  },
})

const count = keyedBolt({
  input: Word,
  key: 'word',
  output: WordCount,
  state: { seen: valueState({ initial: () => 0 }) },
  execute(tuple, out, { seen }) {
    const { word } = tuple.values
    seen.set(seen.get() + 1)
    out.emit({ word, count: seen.get() })
  },
})

const store = plainSink<{ word: string; count: number }>({
  async write() {
    throw new Error('a test must not reach the database')
  },
})

export default defineTopology({
  name: 'word-count',
  config: { workers: 2 },
  build(builder) {
    const lines = builder.setSpout(
      'lines',
      spoutFrom(Line, () => []),
    )
    const words = builder.setBolt('split', split, 2).shuffleGrouping(lines)
    const counts = builder.setBolt('count', count, 2).fieldsGrouping(words, 'word')
    builder.setBolt('store', store).shuffleGrouping(counts)
    return { lines, counts }
  },
})
