/** For `start/first-tuple`: says when its first tuple was executed, and what that had cost so far. */
import { bolt, defineTopology, fields, spoutFrom } from 'typhoon'

const number = fields({ n: 'int' })

function* numbers() {
  for (let n = 0; ; n += 1) yield { n }
}

function say(): void {
  const { user, system } = process.cpuUsage()
  const rssMb = process.memoryUsage.rss() / 2 ** 20
  process.stdout.write(`first tuple cpuMs=${((user + system) / 1000).toFixed(1)} rssMb=${rssMb.toFixed(0)}\n`)
}

export default defineTopology({
  name: 'start',
  build(builder) {
    const spout = builder.setSpout('numbers', spoutFrom(number, numbers))
    const first = bolt({
      input: number,
      execute(tuple) {
        if (tuple.values.n === 0) say()
      },
    })
    builder.setBolt('first', first).localOrShuffleGrouping(spout)
  },
})
