/** A topology that waits for something to do, and gets one thing at its start. */
import { defineTopology, fields, plainSink, spoutFrom } from 'typhoon'

const Word = fields({ word: 'string' })

export default defineTopology({
  name: 'idle',
  build(builder) {
    const words = spoutFrom(Word, async function* () {
      yield { word: 'a' }
      await new Promise(() => setInterval(() => undefined, 3_600_000))
    })
    const read = builder.setSpout('words', words)
    builder.setBolt('end', plainSink({ write: () => undefined })).globalGrouping(read)
  },
})
