import { expect, test } from 'vitest'
import { Lease } from './lease.ts'

test('a lease counts from when it was asked for, and what is over does not come back', () => {
  const lease = new Lease(1_000, 0)
  lease.ask(400)
  lease.ask(800)
  expect(lease.renew(850)).toBe(true)
  expect(lease.endsAtMs).toBe(1_400)
  expect(lease.renew(900)).toBe(true)
  expect(lease.endsAtMs).toBe(1_800)
  expect(lease.isOver(1_800)).toBe(false)
  expect(lease.isOver(1_801)).toBe(true)
  expect(lease.renew(1_801)).toBe(false)
  expect(lease.endsAtMs).toBe(1_800)
})

test('an answer of an old line is not taken for one to a heartbeat of the new one', () => {
  const lease = new Lease(1_000, 0)
  lease.ask(100)
  lease.forgetAsked()
  lease.ask(700)
  lease.renew(750)
  expect(lease.endsAtMs).toBe(1_700)
})

test('a lease that nobody asked for counts from now', () => {
  const lease = new Lease(1_000, 0)
  lease.renew(500)
  expect(lease.endsAtMs).toBe(1_500)
})
