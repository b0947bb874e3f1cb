/**
 * What runs while things are broken: the word count of a real text, read at a fixed rate, with a sink that
 * can be checked afterwards.
 *
 *   lines ×2 ─shuffle─▶ split ×2 ─fields(word)─▶ count ×4 ─fields(word)─▶ collect ×2
 *
 * Every word has a number: line × WORDS_MAX + place. `collect` writes numbers with the time, and only then
 * acks, so a number that was acked and is in no file was lost. Each task notes the time of its first tuple in
 * its process: that is when it is back. Files `block-<pid>` and `leak-<pid>` in the directory tell the
 * process of a split task to stand still, or to take all memory.
 */
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { bolt, defineTopology, fields, keyedBolt, plainSink, replayableSpout, valueState } from 'typhoon'
import { z } from 'zod'
import { lineDueMs, numberOf, PARTITIONS, wordsOf } from './workload.ts'

const Line = fields({ line: 'int', text: 'string' })
const Word = fields({ number: 'int', word: 'string' })
const Counted = fields({ number: 'int', word: 'string', count: 'int' })

/** How far the source looks ahead: longer waits are cut, so that it stops soon when asked to. */
const LOOK_MS = 20

interface LinesSpec {
  readonly text: string
  readonly startMs: number
  readonly linesPerSecond: number
  readonly lines: number
}

/** A file with a number of milliseconds: the loop that finds it stands still for so long. */
function obeyOrders(directory: string): void {
  const timer = setInterval(() => {
    const block = join(directory, `block-${process.pid}`)
    if (existsSync(block)) {
      const untilMs = Date.now() + Number(readFileSync(block, 'utf8'))
      rmSync(block)
      while (Date.now() < untilMs);
    }
    if (!existsSync(join(directory, `leak-${process.pid}`))) return
    const kept: unknown[] = []
    for (;;) kept.push(Array.from({ length: 100_000 }, (_, n) => `${n}`))
  }, 50)
  timer.unref()
}

/** Tells when a task had its first tuple in this program. */
function firstNoter(directory: string) {
  return (component: string) => (context: { readonly task: number }) => {
    let isNoted = false
    return () => {
      if (isNoted) return
      isNoted = true
      appendFileSync(
        join(directory, 'first.log'),
        `${component} ${context.task} ${process.pid} ${Date.now()}\n`,
      )
    }
  }
}

/** Every line at its time, whoever reads it: after a fault what is overdue comes at once. */
function linesOf({ text, startMs, linesPerSecond, lines }: LinesSpec) {
  return replayableSpout({
    output: Line,
    partitions: () => PARTITIONS,
    async *read(partition, after: number | undefined, signal) {
      const all = readFileSync(text, 'utf8').split('\n')
      const mine = PARTITIONS.indexOf(partition)
      let line = after === undefined ? mine : after + PARTITIONS.length
      while (line < lines && !signal.aborted) {
        const batch: { values: { line: number; text: string }; position: number }[] = []
        while (line < lines && lineDueMs(startMs, linesPerSecond, line) <= Date.now() && batch.length < 200) {
          batch.push({ values: { line, text: all[line % all.length] ?? '' }, position: line })
          line += PARTITIONS.length
        }
        if (batch.length > 0) yield batch
        else await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
    },
  })
}

export default defineTopology({
  name: 'chaos',
  args: z.object({
    text: z.string(),
    directory: z.string(),
    startMs: z.coerce.number(),
    linesPerSecond: z.coerce.number(),
    lines: z.coerce.number(),
  }),
  config: { workers: 3, messageTimeout: '30s', maxSpoutPending: 2_000, ackerExecutors: 2 },
  build(builder, { directory, ...lines }) {
    const noteFirst = firstNoter(directory)

    const split = bolt({
      input: Line,
      output: Word,
      prepare(context) {
        obeyOrders(directory)
        return noteFirst('split')(context)
      },
      execute(tuple, out, note) {
        note()
        const { line, text: words } = tuple.values
        for (const [place, word] of wordsOf(words).entries())
          out.emit({ number: numberOf(line, place), word })
      },
    })

    const count = keyedBolt({
      input: Word,
      key: 'word',
      output: Counted,
      state: { seen: valueState({ initial: () => 0 }) },
      prepare: noteFirst('count'),
      execute(tuple, out, { seen }, note) {
        note()
        seen.set(seen.get() + 1)
        out.emit({ number: tuple.values.number, word: tuple.values.word, count: seen.get() })
      },
    })

    const collect = plainSink({
      input: Counted,
      batch: { countMax: 500, linger: '5ms' },
      open: (context) => ({
        note: noteFirst('collect')(context),
        file: openSync(join(directory, `seen-${context.task}-${process.pid}.log`), 'a'),
      }),
      write(items, { note, file }) {
        note()
        const at = Date.now()
        writeSync(file, items.map(({ number }) => `${number} ${at}\n`).join(''))
      },
      close: ({ file }) => closeSync(file),
    })

    const read = builder.setSpout('lines', linesOf(lines), 2)
    const words = builder.setBolt('split', split, 2).shuffleGrouping(read)
    const counts = builder.setBolt('count', count, 4).fieldsGrouping(words, 'word')
    builder.setBolt('collect', collect, 2).fieldsGrouping(counts, 'word')
  },
})
