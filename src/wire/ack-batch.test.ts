// Goal: ack entries of every kind come back in order; damage is refused.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasCode } from '../base/errors.ts'
import { AckBatchWriter, AckCursor, AckKind, FailCode } from './ack-batch.ts'
import { ByteWriter } from './byte-writer.ts'

interface Entry {
  readonly kind: AckKind
  readonly target: number
  readonly low: number
  readonly high: number
  readonly mixed: readonly [number, number]
  readonly spout: number
  readonly reason: FailCode
  readonly text: string | undefined
  readonly component: string | undefined
}

function isFailure(kind: AckKind): boolean {
  return kind === AckKind.FAIL || kind === AckKind.FAILED
}

function write(entries: readonly Entry[]): Uint8Array {
  const writer = new ByteWriter(4)
  const batch = new AckBatchWriter(writer)
  batch.restart()
  for (const entry of entries) {
    batch.begin(entry.kind, entry.target, entry.low, entry.high)
    if (entry.kind === AckKind.INIT || entry.kind === AckKind.ACK) batch.mixed(entry.mixed[0], entry.mixed[1])
    if (entry.kind === AckKind.INIT) batch.spout(entry.spout)
    if (isFailure(entry.kind)) batch.why(entry.reason, entry.text, entry.component)
  }
  expect(batch.count).toBe(entries.length)
  return writer.copy()
}

/** What the entry carries, as one line. */
function line(entry: Entry): string {
  const mixed = entry.kind === AckKind.INIT || entry.kind === AckKind.ACK ? entry.mixed.join() : ''
  const spout = entry.kind === AckKind.INIT ? entry.spout : ''
  const why = isFailure(entry.kind) ? `${entry.reason} ${JSON.stringify([entry.text, entry.component])}` : ''
  return `${entry.kind} ${entry.target} ${entry.low} ${entry.high} ${mixed} ${spout} ${why}`
}

function read(bytes: Uint8Array): string[] {
  const cursor = new AckCursor()
  cursor.open(bytes, 0, bytes.length)
  const lines: string[] = []
  while (cursor.next()) {
    lines.push(
      line({
        kind: cursor.kind,
        target: cursor.targetTask,
        low: cursor.rootLow,
        high: cursor.rootHigh,
        mixed: [cursor.mixedLow, cursor.mixedHigh],
        spout: cursor.spoutTask,
        reason: cursor.reason,
        text: cursor.text,
        component: cursor.component,
      }),
    )
  }
  return lines
}

const entry: fc.Arbitrary<Entry> = fc.record({
  kind: fc.constantFrom(...Object.values(AckKind)),
  target: fc.constantFrom(0, 5, 300),
  low: fc.integer(),
  high: fc.integer(),
  mixed: fc.tuple(fc.integer(), fc.integer()),
  spout: fc.nat(1000),
  reason: fc.constantFrom(...Object.values(FailCode)),
  text: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
  component: fc.constantFrom(undefined, 'split'),
})

test('every entry comes back in its order', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
      expect(read(write(entries))).toEqual(entries.map(line))
    }),
    { numRuns: 300 },
  )
})
test('an ack to the same acker takes 17 bytes', () => {
  const ack: Entry = {
    kind: 2,
    target: 5,
    low: 1,
    high: 2,
    mixed: [3, 4],
    spout: 0,
    reason: 1,
    text: undefined,
    component: undefined,
  }
  expect(write([ack, ack]).length - write([ack]).length).toBe(17)
})
test('random and damaged bytes give entries or FRAME_MALFORMED', () => {
  const seen = new Set<string>()
  const outcome = (bytes: Uint8Array): void => {
    try {
      read(bytes)
      seen.add('entries')
    } catch (error) {
      if (!hasCode(error, 'FRAME_MALFORMED')) throw error
      seen.add('malformed')
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), outcome), { numRuns: 2000 })
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.nat(255),
      (entries, at, value) => {
        const bytes = write(entries)
        bytes[at % bytes.length] = value
        outcome(bytes)
      },
    ),
    { numRuns: 1000 },
  )
  expect(seen.size).toBe(2)
})
test('a kind, a reason or a flag that does not exist is malformed', () => {
  const failed = [0x06, 1, 0, 0, 0, 0, 0, 0, 0, 0]
  for (const bytes of [
    [0x00],
    [0x46, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x87, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    [...failed, 0],
    [...failed, 6],
    [0x15, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    [0x25, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ]) {
    expect(() => read(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'FRAME_MALFORMED' }))
  }
})
