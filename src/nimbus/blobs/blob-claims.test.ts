// Goal: an upload is counted on for its time, and what is remembered of uploads is bounded whatever comes.
import { expect, test } from 'vitest'
import { BlobClaims, UPLOADS_MAX } from './blob-claims.ts'

function claimsAt(): { readonly claims: BlobClaims; pass(ms: number): void } {
  let nowMs = 0
  const clock = { now: () => 0, monotonicMs: () => nowMs }
  return {
    claims: new BlobClaims(clock, 1_000),
    pass: (ms) => {
      nowMs += ms
    },
  }
}

test('an upload is claimed for its time, counted from the last one', () => {
  const { claims, pass } = claimsAt()
  claims.uploaded('a')
  pass(600)
  claims.uploaded('a')
  pass(600)
  expect(claims.isClaimed('a')).toBe(true)
  pass(400)
  expect(claims.isClaimed('a')).toBe(false)
})

test('beyond a number of uploads the oldest is out; what a submit holds stays claimed', async () => {
  const { claims } = claimsAt()
  claims.uploaded('first')
  claims.uploaded('second')
  claims.uploaded('third')
  await claims.during(['second'], async () => {
    for (let n = 0; n < UPLOADS_MAX - 1; n += 1) claims.uploaded(`more-${n}`)
    expect(claims.isClaimed('first')).toBe(false)
    expect(claims.isClaimed('second')).toBe(true)
    expect(claims.isClaimed('third')).toBe(true)
  })
  expect(claims.isClaimed('second')).toBe(false)
  // The newest of all.
  claims.uploaded('third')
  claims.uploaded('fourth')
  expect([claims.isClaimed('third'), claims.isClaimed('more-0')]).toEqual([true, false])
})
