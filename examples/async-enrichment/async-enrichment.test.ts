import { completeTopology, mockSource, testDriver } from 'typhoon/testing'
import { expect, test } from 'vitest'
import { expectedOf, runExample } from '../run-example.ts'
import { asyncEnrichment, Report, visits, visitsCount } from './topology.ts'
import type { UserService } from './user-service.ts'

/** Answers at once; fails the first time a user is asked for; does not know u13. */
class QuickService implements UserService {
  readonly asked: string[] = []

  async countryOf(user: string): Promise<string | undefined> {
    this.asked.push(user)
    if (this.asked.indexOf(user) === this.asked.length - 1) throw new Error('unavailable')
    return user === 'u13' ? undefined : 'NL'
  }
}

test('enriches every visit of known users in order, tries again, and gives unknown users up', async () => {
  const report = new Report()
  await using run = await completeTopology(asyncEnrichment(new QuickService(), report), {
    sources: (handles) => [mockSource(handles.source, visits)],
    sinks: 'real',
  })
  expect(report.enrichedCount).toBe(visitsCount - 20)
  expect(report.outOfOrderCount).toBe(0)
  expect(run.read((handles) => handles.deadLetters)).toHaveLength(20)
  expect(run.acked).toBe(visitsCount)
  expect(run.failed).toBe(0)
})

test('gives up a visit that the service never answers, and aborts each of the calls', async () => {
  let abortedCount = 0
  const silent: UserService = {
    countryOf: (_user, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          abortedCount += 1
          reject(signal.reason)
        })
      }),
  }
  await using driver = await testDriver(asyncEnrichment(silent, new Report()))
  await driver.push((handles) => handles.source, { user: 'u1', number: 0 })
  expect(abortedCount).toBe(6) // once, and five times more
  expect(driver.read((handles) => handles.deadLetters)).toMatchObject([
    { code: 'EXECUTE_TIMEOUT', attempts: 6, values: { user: 'u1', number: 0 } },
  ])
})

test('typhoon run enriches all but those of a user who is not there', () => {
  const { status, stdout } = runExample('async-enrichment')
  expect(stdout).toContain(expectedOf('async-enrichment'))
  expect(status).toBe(0)
})
