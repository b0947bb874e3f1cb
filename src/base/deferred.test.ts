import { expect, test } from 'vitest'
import { deferred } from './deferred.ts'

test('the first settling counts', async () => {
  const good = deferred<number>()
  good.resolve(1)
  good.reject(new Error('late'))
  expect(await good.promise).toBe(1)
  const bad = deferred()
  bad.reject(new Error('first'))
  bad.resolve()
  await expect(bad.promise).rejects.toThrow('first')
})
