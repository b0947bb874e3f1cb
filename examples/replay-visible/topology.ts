/**
 * Replay made visible: a bolt that fails one call in a hundred, and a worker that dies half-way. Nothing is
 * lost.
 *
 *   jobs ─shuffle─▶ work ×2 ─shuffle─▶ deliver
 *
 * Shows: a source with positions, FailTuple, FatalTaskError, what at-least-once means.
 */
import { bolt, defineTopology, FailTuple, FatalTaskError, fields, plainSink, replayableSpout } from 'typhoon'

export const jobsCount = 10_000

const Job = fields({ id: 'int' })
const BATCH = 200
const BATCH_PAUSE_MS = 20

/** Everything it takes to go on after a crash is to say where: the position of a job is its number. */
const jobs = replayableSpout({
  output: Job,
  partitions: () => ['jobs'],
  async *read(_partition, after: number | undefined, signal) {
    for (let next = (after ?? 0) + 1; next <= jobsCount && !signal.aborted; next += BATCH) {
      const last = Math.min(jobsCount, next + BATCH - 1)
      yield Array.from({ length: last - next + 1 }, (_, i) => ({
        values: { id: next + i },
        position: next + i,
      }))
      // So that the run takes a second and the crash is in its middle.
      await new Promise((resolve) => setTimeout(resolve, BATCH_PAUSE_MS))
    }
  },
  lag: (_partition, position) => jobsCount - position,
})

/** What arrived, and how often. Lives outside of the workers, as the world does. */
export class Deliveries {
  hasCrashed = false
  private readonly times = new Map<number, number>()

  note(id: number): void {
    this.times.set(id, (this.times.get(id) ?? 0) + 1)
  }

  get deliveredCount(): number {
    return this.times.size
  }

  get repeatedCount(): number {
    return [...this.times.values()].filter((times) => times > 1).length
  }

  missing(): number[] {
    return Array.from({ length: jobsCount }, (_, i) => i + 1).filter((id) => !this.times.has(id))
  }
}

export function replayVisible(deliveries: Deliveries, onEnd: (all: Deliveries) => void = () => undefined) {
  const work = bolt({
    input: Job,
    output: Job,
    prepare: (context) => context,
    execute(tuple, out, context) {
      const { id } = tuple.values
      if (id === jobsCount / 2 && !deliveries.hasCrashed) {
        deliveries.hasCrashed = true
        throw new FatalTaskError('the worker dies half-way') // Everything in flight dies with it.
      }
      // The engine asks the source again.
      if (context.random() < 0.01) throw new FailTuple('one in a hundred')
      out.emit({ id })
    },
  })
  const deliver = plainSink({
    input: Job,
    write(items) {
      for (const { id } of items) deliveries.note(id)
    },
    close: () => onEnd(deliveries),
  })
  return defineTopology({
    name: 'replay-visible',
    build(builder) {
      const source = builder.setSpout('jobs', jobs)
      const worked = builder.setBolt('work', work, 2).shuffleGrouping(source)
      builder.setBolt('deliver', deliver).shuffleGrouping(worked)
      return { source, worked }
    },
  })
}

function printDeliveries(all: Deliveries): void {
  console.log(`delivered ${all.deliveredCount} of ${jobsCount} jobs, missing ${all.missing().length}`)
  console.log(`delivered more than once: ${all.repeatedCount}`)
}

export default replayVisible(new Deliveries(), printDeliveries)
