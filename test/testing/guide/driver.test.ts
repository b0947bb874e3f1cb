// driver.test.ts
import { testDriver } from 'typhoon/testing'
import { expect, test } from 'vitest'
import wordCount from './word-count.ts'

test('state is that of the checkpoint after a crash, and what came later is replayed', async () => {
  await using driver = await testDriver(wordCount)
  await driver.push((h) => h.lines, { sentence: 'a b' })
  await driver.checkpoint()
  await driver.push((h) => h.lines, { sentence: 'a' })
  await driver.crash()
  expect(driver.state('count', 'seen', 'a')).toBe(2)
})
