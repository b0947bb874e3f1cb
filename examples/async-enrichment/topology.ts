/**
 * Adds the country of its user to each visit, asking a slow service with many calls open at a time.
 *
 *   visits ─fields(user)─▶ enrich ×2 ─global─▶ report
 *                             ╰─dead letters──▶ given-up
 *
 * Shows: an async bolt with concurrency, order per key, a time limit and `tuple.signal`, retries with growing
 * waits, dead letters as a stream.
 */
import { bolt, defineTopology, FailTuple, fields, plainSink, spoutFrom } from 'typhoon'
import { SlowService, type UserService } from './user-service.ts'

const Visit = fields({ user: 'string', number: 'int' })
const Enriched = fields({ user: 'string', number: 'int', country: 'string' })

const usersCount = 40
export const visitsCount = 800

/** Visits of 40 users in turn; `number` counts those of one user. */
export const visits = Array.from({ length: visitsCount }, (_, i) => ({
  user: `u${i % usersCount}`,
  number: Math.floor(i / usersCount),
}))

/** What came out, and whether the visits of each user came in order. */
export class Report {
  enrichedCount = 0
  givenUpCount = 0
  outOfOrderCount = 0
  private readonly last = new Map<string, number>()

  note(user: string, number: number): void {
    this.enrichedCount += 1
    if (number < (this.last.get(user) ?? -1)) this.outOfOrderCount += 1
    this.last.set(user, number)
  }
}

function enrichWith(service: UserService) {
  return bolt({
    input: Visit,
    output: Enriched,
    concurrency: 32, // calls open per task
    order: 'key', // visits of one user stay in order; those of others may overtake
    timeout: '2s', // then tuple.signal aborts, and the call counts as failed
    onError: {
      retries: 5,
      backoff: { first: '10ms', max: '200ms' },
      retryIf: (error) => !(error instanceof FailTuple),
      // biome-ignore lint/suspicious/noThenProperty: what comes then, when the retries are used up
      then: 'dead-letter',
    },
    async execute(tuple, out) {
      const { user, number } = tuple.values
      const country = await service.countryOf(user, tuple.signal)
      // Asking again would not help.
      if (country === undefined) throw new FailTuple(`there is no user ${user}`)
      out.emit({ user, number, country })
    },
  })
}

export function asyncEnrichment(
  service: UserService,
  report: Report,
  onEnd: (report: Report) => void = () => undefined,
) {
  const reportSink = plainSink({
    input: Enriched,
    write(items) {
      for (const { user, number } of items) report.note(user, number)
    },
    close: () => onEnd(report),
  })
  const givenUp = bolt({
    execute() {
      report.givenUpCount += 1
    },
  })
  return defineTopology({
    name: 'async-enrichment',
    build(builder) {
      const source = builder.setSpout(
        'visits',
        spoutFrom(Visit, () => visits),
      )
      const enriched = builder.setBolt('enrich', enrichWith(service), 2).fieldsGrouping(source, 'user')
      builder.setBolt('report', reportSink).globalGrouping(enriched)
      builder.setBolt('given-up', givenUp).globalGrouping(enriched.deadLetters)
      return { source, enriched, deadLetters: enriched.deadLetters }
    },
  })
}

const service = new SlowService()

export default asyncEnrichment(service, new Report(), (report) => {
  console.log(`${report.enrichedCount} visits enriched, ${report.givenUpCount} given up`)
  console.log(`${report.outOfOrderCount} out of order within their user`)
  console.log(`at most ${service.openCountMax} calls open at a time`)
})
