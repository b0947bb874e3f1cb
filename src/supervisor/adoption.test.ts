import { describe, expect, test } from 'vitest'
import { incarnationOf } from '../cluster/incarnation.ts'
import { SEAT_PROTOCOL } from '../cluster/seat-messages.ts'
import { judgeNewcomer, type Newcomer } from './adoption.ts'
import type { SeatRecord } from './local-state.ts'

const kept: SeatRecord = {
  port: 6700,
  topologyId: 'words-1',
  worker: 2,
  generation: 3,
  layout: 4,
  layoutDigest: '8-ff',
  restart: 5,
  secretDigest: '0'.repeat(64),
  pid: 77,
  bornAt: '1234',
  hasStarted: true,
  isStateDealt: true,
  placement: '2:1-8',
  beatTimeoutMs: 5_000,
}
const seat = {
  topologyId: 'words-1',
  worker: 2,
  port: 6700,
  incarnation: incarnationOf(3, 5),
  layout: 4,
  layoutDigest: '8-ff',
}
const hello: Newcomer = { protocol: SEAT_PROTOCOL, pid: 77, bornAt: '1234', seat }

describe('a process says hello', () => {
  test('the one that is kept goes on', () => {
    expect(judgeNewcomer(kept, hello).verdict).toBe('adopt')
  })

  test('nothing is known of it: told to go, whatever it says', () => {
    expect(judgeNewcomer(undefined, hello).verdict).toBe('dismiss')
  })

  test('another process, or the same pid of another time: told to go', () => {
    expect(judgeNewcomer(kept, { ...hello, pid: 78 }).verdict).toBe('dismiss')
    expect(judgeNewcomer(kept, { ...hello, bornAt: '9999' }).verdict).toBe('dismiss')
  })

  test('whatever is not as it is kept makes it one to be killed', () => {
    const others = [
      { topologyId: 'words-2' },
      { worker: 1 },
      { port: 6701 },
      { incarnation: incarnationOf(3, 4) },
      { incarnation: incarnationOf(3, 6) },
      { layout: 5 },
      { layoutDigest: '8-fe' },
    ]
    for (const other of others) {
      expect(judgeNewcomer(kept, { ...hello, seat: { ...seat, ...other } }).verdict).toBe('kill')
    }
  })

  test('one of another version, with a seat or without: its successor is understood', () => {
    for (const other of [{ protocol: SEAT_PROTOCOL + 1 }, { protocol: 0, seat: undefined }]) {
      expect(judgeNewcomer({ ...kept, hasStarted: false }, { ...hello, ...other }).verdict).toBe('kill')
    }
  })

  test('without a seat it waits for one, unless it had one', () => {
    const fresh = { ...kept, hasStarted: false }
    expect(judgeNewcomer(fresh, { ...hello, seat: undefined }).verdict).toBe('adopt')
    expect(judgeNewcomer(kept, { ...hello, seat: undefined }).verdict).toBe('kill')
  })

  test('one whose process was not kept in time proves itself by its secret', () => {
    const unseen = { ...kept, pid: undefined, bornAt: undefined, hasStarted: false }
    expect(judgeNewcomer(unseen, { ...hello, pid: 1, bornAt: '1', seat: undefined }).verdict).toBe('adopt')
  })
})
