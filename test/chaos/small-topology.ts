/** The smallest topology there is: to see when a submit is accepted again. */
import { defineTopology, fields, plainSink, spoutFrom } from 'typhoon'

export default defineTopology({
  name: 'small',
  build(builder) {
    const one = builder.setSpout(
      'one',
      spoutFrom(fields({ word: 'string' }), () => [{ word: 'a' }]),
    )
    builder.setBolt('end', plainSink({ write: () => undefined })).globalGrouping(one)
  },
})
